"""Base stations of an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, NotFound
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.store import moment
from veldnet.store.schema import (
    base_station_alarms,
    base_stations,
    retired_base_stations,
    unknown_base_stations,
)
from veldnet.texts import unpack

from .profiles import given_profile, profile_named

# Base station ids of KPN start with FF; ours do likewise.
_FIRST_ID = 0xFF000001


class BaseStation(msgspec.Struct, frozen=True):
    """A base station; position in degrees and metres, times in Unix milliseconds. `refused_frames` could not
    be read; something was wrong with `irregular_frames`, which were taken all the same. `duplicate_addresses`
    are those that its EUI is used from at once; `clock_error` is how many seconds its clock is ahead of ours
    where it is wrong. `max_tx_power` is the highest power in dBm that its radio takes, without the antenna,
    `antenna_gain` in dBi, that of its profile where it is None."""

    ref: int
    id: str
    gateway_eui: str
    name: str
    latitude: float | None
    longitude: float | None
    altitude: float | None
    last_seen_at: int | None
    operator_ref: int = 0
    max_tx_power: int | None = None
    antenna_gain: float | None = None
    profile_ref: int | None = None
    refused_frames: int = 0
    last_refusal: str | None = None
    last_refusal_at: int | None = None
    irregular_frames: int = 0
    last_irregularity: str | None = None
    last_irregularity_at: int | None = None
    duplicate_addresses: str | None = None
    clock_error: float | None = None


class StationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What its operator says of a base station: its name, where it stands, its radio, and the id of its
    profile."""

    name: str
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    max_tx_power: int | None = None
    antenna_gain: float | None = None
    profile_id: str | None = None

    def columns(self) -> dict[str, Any]:
        """The values of its columns, all but the profile's. Raises `InvalidField` for what no base station
        has."""
        check_radio(self.max_tx_power, self.antenna_gain)
        check_location(self.latitude, self.longitude, self.altitude)
        values = {name: getattr(self, name) for name in _CHANGEABLE}
        return values | {"name": check_name(self.name, most=100)}


_CHANGEABLE = ("name", "latitude", "longitude", "altitude", "max_tx_power", "antenna_gain")


def check_radio(max_tx_power: int | None, antenna_gain: float | None) -> None:
    """Raises `InvalidField` for a power or gain that no base station has."""
    if max_tx_power is not None and not -10 <= max_tx_power <= 36:
        raise InvalidField("maxTxPower must be from -10 to 36 dBm")
    if antenna_gain is not None and not -10 <= antenna_gain <= 30:
        raise InvalidField("antennaGain must be from -10 to 30 dBi")


def check_location(latitude: float | None, longitude: float | None, altitude: float | None) -> None:
    """Raises `InvalidField` for what is not on Earth."""
    for what, value, most in (
        ("latitude", latitude, 90.0),
        ("longitude", longitude, 180.0),
        ("altitude", altitude, 20_000.0),
    ):
        if value is not None and not -most <= value <= most:
            raise InvalidField("{what} must be from {least:g} to {most:g}", what=what, least=-most, most=most)


def create_base_station(
    connection: Connection,
    operator_ref: int,
    gateway_eui: GatewayEui,
    facts: StationFacts,
    *,
    base_station_id: BaseStationId | None = None,
) -> BaseStation:
    """Register a base station by the EUI it presents; its id is given by the network when absent, its profile
    is the operator's default one. Raises `BadRequest` for an id that another base station has, or had before
    it was removed, `InvalidField` for a radio that no base station has, or an unknown profile."""
    values = facts.columns()
    given = "" if base_station_id is None else str(base_station_id)
    _check_unused(connection, gateway_eui, given)
    profile_ref = given_profile(connection, operator_ref, facts.profile_id)
    result = connection.execute(
        insert(base_stations).values(
            operator_ref=operator_ref,
            # Made of the number of the row, which is known below.
            id=given or f"new {gateway_eui}",
            gateway_eui=str(gateway_eui),
            profile_ref=profile_ref,
            **values,
        )
    )
    connection.execute(
        delete(unknown_base_stations).where(unknown_base_stations.c.gateway_eui == str(gateway_eui))
    )
    ref = inserted_ref(result)
    if not given:
        given = _unused_id(connection, ref)
        connection.execute(update(base_stations).where(base_stations.c.ref == ref).values(id=given))
    changes.note(connection, "base_stations", ref)
    return BaseStation(ref, given, str(gateway_eui), last_seen_at=None, profile_ref=profile_ref, **values)


def _check_unused(connection: Connection, gateway_eui: GatewayEui, identifier: str) -> None:
    columns = base_stations.c
    for column, value in ((columns.gateway_eui, str(gateway_eui)), (columns.id, identifier)):
        if connection.execute(select(columns.ref).where(column == value)).first():
            raise BadRequest(
                "a base station with {member} {value} exists already",
                member=column.name.replace("_", " "),
                value=value,
            )
    if identifier and _is_used(connection, identifier):
        raise BadRequest(
            "base station id {identifier} belonged to a base station that was removed; choose another"
            " one, or leave it out",
            identifier=identifier,
        )


def _is_used(connection: Connection, identifier: str) -> bool:
    """Whether a base station has an id, or had it: statistics and frames go on naming it."""
    return any(
        connection.execute(select(table.c.id).where(table.c.id == identifier)).first() is not None
        for table in (base_stations, retired_base_stations)
    )


def _unused_id(connection: Connection, ref: int) -> str:
    """The id of the base station with a number; a later one where an operator has chosen it already."""
    number = _FIRST_ID + ref - 1
    while _is_used(connection, str(BaseStationId(number))):
        number += 1
    return str(BaseStationId(number))


def list_base_stations(connection: Connection) -> list[BaseStation]:
    columns = base_stations.c
    names = BaseStation.__struct_fields__
    rows = connection.execute(select(*(columns[name] for name in names)).order_by(columns.ref))
    return [_of_row(row) for row in rows]


def _of_row(row: Sequence[Any]) -> BaseStation:
    found = BaseStation(*row)
    refusal, irregularity = (
        None if packed is None else unpack(packed) for packed in (found.last_refusal, found.last_irregularity)
    )
    return replace(found, last_refusal=refusal, last_irregularity=irregularity)


def remarks(station: BaseStation) -> list[str]:
    """What is wrong with a base station although its frames are taken, in words."""
    found = []
    if station.duplicate_addresses is not None:
        found.append(f"its EUI is used from several addresses at once: {station.duplicate_addresses}")
    if station.clock_error is not None:
        way = "behind" if station.clock_error < 0 else "ahead of"
        found.append(f"its clock is {abs(station.clock_error):.0f} s {way} ours")
    if station.irregular_frames:
        found.append(f"{station.irregular_frames} frames taken with {station.last_irregularity}")
    return found


class UnregisteredBaseStation(msgspec.Struct, frozen=True):
    """A base station that sent datagrams without being registered."""

    gateway_eui: str
    address: str
    datagrams: int
    last_seen_at: int


def list_unknown(connection: Connection) -> list[UnregisteredBaseStation]:
    columns = unknown_base_stations.c
    rows = connection.execute(
        select(columns.gateway_eui, columns.address, columns.datagrams, columns.last_seen_at).order_by(
            columns.last_seen_at.desc()
        )
    )
    return [UnregisteredBaseStation(*row) for row in rows]


def own_base_station(connection: Connection, operator_ref: int, base_station_id: str) -> int:
    """The number of a base station of the operator. Raises `NotFound`."""
    ref = connection.execute(
        select(base_stations.c.ref).where(
            base_stations.c.id == base_station_id, base_stations.c.operator_ref == operator_ref
        )
    ).scalar()
    if ref is None:
        raise NotFound("BaseStation", base_station_id)
    return int(ref)


def read_base_station(connection: Connection, operator_ref: int, base_station_id: str) -> BaseStation:
    """A base station of the operator. Raises `NotFound`."""
    columns = base_stations.c
    names = BaseStation.__struct_fields__
    row = connection.execute(
        select(*(columns[name] for name in names)).where(
            columns.id == base_station_id, columns.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("BaseStation", base_station_id)
    return _of_row(row)


def find_base_station(connection: Connection, base_station_id: str) -> int:
    """The number of a base station of any operator. Raises `BadRequest`."""
    ref = connection.execute(
        select(base_stations.c.ref).where(base_stations.c.id == base_station_id)
    ).scalar()
    if ref is None:
        raise BadRequest("there is no base station {base_station_id}", base_station_id=base_station_id)
    return int(ref)


def change_base_station(
    connection: Connection, operator_ref: int, base_station_id: str, facts: StationFacts
) -> None:
    """Give a base station another name, location, radio or profile, which stays where it is None."""
    values = facts.columns()
    ref = own_base_station(connection, operator_ref, base_station_id)
    if facts.profile_id is not None:
        values["profile_ref"] = profile_named(connection, operator_ref, facts.profile_id)
    connection.execute(update(base_stations).where(base_stations.c.ref == ref).values(values))
    changes.note(connection, "base_stations", ref)


def change_members(connection: Connection, base_station_id: str, changed: Mapping[str, Any]) -> None:
    """Change some members of a base station of any operator; the others stay. Raises `BadRequest`."""
    listed = list_base_stations(connection)
    station = next((station for station in listed if station.id == base_station_id), None)
    if station is None:
        raise BadRequest("there is no base station {base_station_id}", base_station_id=base_station_id)
    members = {name: changed.get(name, getattr(station, name)) for name in _CHANGEABLE}
    facts = StationFacts(**members, profile_id=changed.get("profile_id"))
    change_base_station(connection, station.operator_ref, base_station_id, facts)


def remove_base_station(connection: Connection, base_station_id: str) -> None:
    """Remove a base station with its alarms. Its frames and statistics stay for their retention, which is why
    nobody gets its id again."""
    done = connection.execute(delete(base_stations).where(base_stations.c.id == base_station_id))
    if done.rowcount != 1:
        raise BadRequest("there is no base station {base_station_id}", base_station_id=base_station_id)
    connection.execute(
        insert(retired_base_stations).values(id=base_station_id, retired_at=moment(connection))
    )
    connection.execute(
        delete(base_station_alarms).where(base_station_alarms.c.base_station == int(base_station_id, 16))
    )
    changes.note(connection, "base_stations", 0)
