"""Base station profiles of an operator: what base stations of a kind hear and how they send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.documents import StationProfileSettings, decode_station_profile, encode
from veldnet.domain.errors import BadRequest, InUse, InvalidField, NotFound
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.lorawan.regions import ChannelPlan
from veldnet.store import readable
from veldnet.store.schema import base_station_profiles, base_stations
from veldnet.texts import Plural, Text

# What base stations have that were given no other one.
DEFAULT_ID = "default"
# Base stations named where a profile's uses are shown.
_SHOWN = 20

Plans = Mapping[str, ChannelPlan]


class StationProfile(msgspec.Struct):
    """A base station profile with its settings, and how many base stations have it. `problem` says why they
    cannot be read, and then there are none."""

    ref: str
    id: str
    name: str
    settings: dict[str, Any]
    baseStations: int
    problem: str | None = None


class Named(msgspec.Struct):
    """A base station, or a profile of such, by its id."""

    id: str
    name: str


class ProfileUses(msgspec.Struct):
    """How many base stations have a profile, and the first of them."""

    count: int
    baseStations: list[Named]


def served_plan(settings: StationProfileSettings, plans: Plans) -> ChannelPlan | None:
    """The channels that a base station hears; None for a region that the network does not serve. `plans` are
    the network's by region, that of its main region first."""
    plan = plans.get(settings.region) if settings.region is not None else next(iter(plans.values()))
    if plan is None or not (settings.subBands and plan.region.fixed):
        return plan
    return replace(plan, sub_bands=settings.subBands)


def check_settings(settings: StationProfileSettings, plans: Plans) -> None:
    """Raises `InvalidField` for a region or sub-bands that devices of this network do not use."""
    if settings.region is not None and settings.region not in plans:
        raise InvalidField(
            "settings.region {region} is not served; the settings network.region and "
            "network.more_regions name {known}",
            region=settings.region[:20],
            known=", ".join(plans),
        )
    main = plans[settings.region if settings.region is not None else next(iter(plans))]
    if not settings.subBands:
        return
    name = main.region.name
    if not main.region.fixed:
        raise InvalidField(
            "settings.subBands must be empty: {name} has no sub-bands to choose from", name=name
        )
    try:
        served_plan(settings, plans)
    except ValueError as error:
        raise InvalidField("settings.subBands: {error}", error=error) from None
    foreign = sorted(set(settings.subBands) - set(main.sub_bands or settings.subBands))
    if foreign:
        raise InvalidField(
            "settings.subBands {foreign} is not one of network.sub_bands: {known}",
            foreign=foreign[0],
            known=", ".join(map(str, main.sub_bands)),
        )


def create_profile(
    connection: Connection, operator_ref: int, profile_id: str, name: str, settings: StationProfileSettings
) -> str:
    """A profile of an operator; its ref. Raises `BadRequest` for an id that there is."""
    profile_id = check_name(profile_id, what="id", most=100)
    name = check_name(name, most=100)
    columns = base_station_profiles.c
    taken = select(columns.ref).where(columns.operator_ref == operator_ref, columns.id == profile_id)
    if connection.execute(taken).first():
        raise BadRequest("base station profile {profile_id} exists already", profile_id=profile_id)
    return str(_insert(connection, operator_ref, profile_id, name, settings))


def _insert(
    connection: Connection, operator_ref: int, profile_id: str, name: str, settings: StationProfileSettings
) -> int:
    done = connection.execute(
        insert(base_station_profiles).values(
            operator_ref=operator_ref, id=profile_id, name=name, settings=encode(settings)
        )
    )
    return inserted_ref(done)


def default_profile(connection: Connection, operator_ref: int) -> int:
    """The number of the operator's profile for base stations that are given no other one; made with the
    first of them."""
    found = _number(connection, operator_ref, DEFAULT_ID)
    if found is not None:
        return found
    return _insert(connection, operator_ref, DEFAULT_ID, "Default", StationProfileSettings())


def _number(connection: Connection, operator_ref: int, profile_id: str) -> int | None:
    columns = base_station_profiles.c
    query = select(columns.ref).where(columns.operator_ref == operator_ref, columns.id == profile_id)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def profile_named(connection: Connection, operator_ref: int, profile_id: str) -> int:
    """The number of an operator's profile by its id. Raises `InvalidField`."""
    found = _number(connection, operator_ref, profile_id)
    if found is None:
        raise InvalidField("there is no base station profile {profile_id}", profile_id=profile_id[:100])
    return found


def given_profile(connection: Connection, operator_ref: int, profile_id: str | None) -> int:
    """The number of a profile by its id, of the default one without. Raises `InvalidField`."""
    if profile_id is None:
        return default_profile(connection, operator_ref)
    return profile_named(connection, operator_ref, profile_id)


def own_profile(connection: Connection, operator_ref: int, ref: str) -> tuple[int, str]:
    """Number and id of a profile of the operator. Raises `NotFound`."""
    columns = base_station_profiles.c
    row = connection.execute(
        select(columns.ref, columns.id).where(
            columns.ref == ref_of(ref), columns.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("BaseStationProfile", ref)
    return row.ref, row.id


def operator_profiles(connection: Connection, operator_ref: int) -> list[StationProfile]:
    """The profiles of an operator."""
    columns = base_station_profiles.c
    count = func.count(base_stations.c.ref).label("stations")
    rows = connection.execute(
        select(columns.ref, columns.id, columns.name, columns.settings, count)
        .outerjoin(base_stations, base_stations.c.profile_ref == columns.ref)
        .where(columns.operator_ref == operator_ref)
        .group_by(columns.ref)
        .order_by(columns.ref)
    )

    def shown(row: Any, problem: str | None = None) -> StationProfile:
        settings = {} if problem else msgspec.structs.asdict(decode_station_profile(row.settings))
        return StationProfile(str(row.ref), row.id, row.name, settings, row.stations, problem)

    return list(readable("base_station_profile", rows, shown, shown))


def read_profile(connection: Connection, operator_ref: int, ref: str) -> StationProfile:
    """A profile of the operator. Raises `NotFound`."""
    own_profile(connection, operator_ref, ref)
    return next(each for each in operator_profiles(connection, operator_ref) if each.ref == ref)


def profile_names(connection: Connection, operator_ref: int) -> dict[int, Named]:
    """What the profiles of an operator are called, by number."""
    columns = base_station_profiles.c
    rows = connection.execute(
        select(columns.ref, columns.id, columns.name).where(columns.operator_ref == operator_ref)
    )
    return {row.ref: Named(row.id, row.name) for row in rows}


def profile_settings(connection: Connection) -> dict[int, StationProfileSettings]:
    """The settings of all profiles by number."""
    columns = base_station_profiles.c
    rows = connection.execute(select(columns.ref, columns.settings))
    read = readable("base_station_profile", rows, lambda row: (row.ref, decode_station_profile(row.settings)))
    return dict(read)


def change_profile(
    connection: Connection, operator_ref: int, ref: str, name: str, settings: StationProfileSettings
) -> None:
    """Give a profile another name and settings, which its base stations have from now on."""
    number, _id = own_profile(connection, operator_ref, ref)
    connection.execute(
        update(base_station_profiles)
        .where(base_station_profiles.c.ref == number)
        .values(name=check_name(name, most=100), settings=encode(settings))
    )
    changes.note(connection, "base_stations", 0)


def profile_uses(connection: Connection, operator_ref: int, ref: str) -> ProfileUses:
    """The base stations that have a profile of the operator. Raises `NotFound`."""
    number, _id = own_profile(connection, operator_ref, ref)
    columns = base_stations.c
    used = columns.profile_ref == number
    count = connection.execute(select(func.count()).select_from(base_stations).where(used)).scalar_one()
    rows = connection.execute(
        select(columns.id, columns.name).where(used).order_by(columns.ref).limit(_SHOWN)
    )
    return ProfileUses(count, [Named(row.id, row.name) for row in rows])


def remove_profile(connection: Connection, operator_ref: int, ref: str, move_to: str | None = None) -> None:
    """Delete a profile; its base stations get the one with the id `move_to` before. Raises `InUse`, and
    `BadRequest` for the default one."""
    number, profile_id = own_profile(connection, operator_ref, ref)
    if profile_id == DEFAULT_ID:
        raise BadRequest("the default profile cannot be deleted: base stations without another one have it")
    if move_to is not None:
        other = profile_named(connection, operator_ref, move_to)
        connection.execute(
            update(base_stations).where(base_stations.c.profile_ref == number).values(profile_ref=other)
        )
    uses = profile_uses(connection, operator_ref, ref)
    if uses.count:
        names = ", ".join(station.id for station in uses.baseStations[:5])
        more = Text(" and others") if uses.count > 5 else ""
        raise InUse(
            Plural(
                "base station profile {profile_id} is used by {count} base station, {names}; name in "
                "moveTo the "
                "profile that it gets",
                "base station profile {profile_id} is used by {count} base stations, {names}{more}; name in "
                "moveTo the profile that they get",
                profile_id=profile_id,
                count=uses.count,
                names=names,
                more=more,
            )
        )
    connection.execute(delete(base_station_profiles).where(base_station_profiles.c.ref == number))
    changes.note(connection, "base_stations", 0)
