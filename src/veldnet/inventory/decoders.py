"""Payload decoders of a subscriber, and the device profiles they are for."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NotFound, UnknownReference
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.names import check_name, is_printable
from veldnet.store import lock_row, moment, put, readable
from veldnet.store.schema import decoder_bindings, decoders, device_profiles, devices, subscribers

from .rows import inserted_ref, ref_of

Kind = Literal["JAVASCRIPT", "CAYENNE_LPP"]
_MOST = 200
_MOST_UNITS = 100


class PayloadDecoder(msgspec.Struct):
    """A decoder. JavaScript has the functions of the LoRa Alliance's payload codec interface (TS013):
    `decodeUplink`, and if it likes `encodeDownlink` and `decodeDownlink`. It is used for the devices of
    `deviceProfileIds`. `problem` says why its units cannot be read; it is used without them."""

    ref: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    source: str | UnsetType = UNSET
    deviceProfileIds: list[str] | UnsetType = UNSET
    # Units of readings by their names, `-` for none; those that are not named follow from the name.
    units: dict[str, str] | UnsetType = UNSET
    problem: str | UnsetType = UNSET
    lastUpdateTime: str | UnsetType = UNSET
    lastUpdateUser: str | UnsetType = UNSET


class Program(msgspec.Struct, frozen=True):
    """What is run."""

    kind: str
    source: str


def list_decoders(connection: Connection, scope: Scope, ref: str | None = None) -> list[PayloadDecoder]:
    """The subscriber's decoders; without their sources, which may be large, unless it is one alone."""
    query = select(decoders).where(decoders.c.subscriber_ref == scope.subscriber_ref)
    if ref is not None:
        query = query.where(decoders.c.ref == ref_of(ref))
    bound: dict[int, list[str]] = {}
    for row in connection.execute(
        select(decoder_bindings.c.decoder_ref, device_profiles.c.id)
        .join(device_profiles, device_profiles.c.ref == decoder_bindings.c.profile_ref)
        .where(decoder_bindings.c.subscriber_ref == scope.subscriber_ref)
        .order_by(device_profiles.c.id)
    ):
        bound.setdefault(row.decoder_ref, []).append(row.id)

    def shown(row: Any, problem: str | UnsetType = UNSET) -> PayloadDecoder:
        return PayloadDecoder(
            str(row.ref),
            row.name,
            row.kind,
            UNSET if ref is None else row.source,
            bound.get(row.ref, []),
            _units(row.units) if problem is UNSET else UNSET,
            problem,
            timestamp(row.updated_at),
            row.updated_by,
        )

    return list(readable("decoder", connection.execute(query.order_by(decoders.c.ref)), shown, shown))


def get_decoder(connection: Connection, scope: Scope, ref: str) -> PayloadDecoder:
    found = list_decoders(connection, scope, ref)
    if not found:
        raise NotFound("Decoder", ref)
    return found[0]


def check_source(source: str, most: int) -> None:
    """The same for a decoder that is tried and one that is saved. Raises `InvalidField`."""
    if len(source) > most:
        raise InvalidField(
            "source has {count} characters; at most {most} are allowed", count=len(source), most=most
        )


def _checked(body: PayloadDecoder, most_source: int) -> dict[str, str]:
    values: dict[str, str] = {}
    if body.name is not UNSET:
        values["name"] = check_name(body.name, most=100)
    if body.kind is not UNSET:
        values["kind"] = body.kind
    if body.source is not UNSET:
        check_source(body.source, most_source)
        values["source"] = body.source
    if body.units is not UNSET:
        values["units"] = _checked_units(body.units)
    return values


def _units(stored: str) -> dict[str, str]:
    return msgspec.json.decode(stored, type=dict[str, str])


def _checked_units(units: dict[str, str]) -> str:
    if len(units) > _MOST_UNITS:
        raise InvalidField(
            "units names {count} readings; at most {most_units} are allowed",
            count=len(units),
            most_units=_MOST_UNITS,
        )
    for name, unit in units.items():
        if not 1 <= len(name) <= 200:
            raise InvalidField("units: the name of a reading has 1 to 200 characters")
        if len(unit) > 20 or not is_printable(unit):
            raise InvalidField(
                "units: the unit of {name!r} must have at most 20 printable characters", name=name[:40]
            )
    return msgspec.json.encode({name: unit.strip() for name, unit in units.items()}).decode()


def create_decoder(
    connection: Connection, scope: Scope, body: PayloadDecoder, *, most_source: int
) -> PayloadDecoder:
    values = _checked(body, most_source)
    if "name" not in values or "kind" not in values:
        raise MissingField("name and kind (JAVASCRIPT or CAYENNE_LPP) are mandatory")
    if values["kind"] == "JAVASCRIPT" and not values.get("source"):
        raise MissingField("source is mandatory for JAVASCRIPT")
    mine = decoders.c.subscriber_ref == scope.subscriber_ref
    lock_row(connection, subscribers, scope.subscriber_ref)
    if connection.execute(select(func.count()).select_from(decoders).where(mine)).scalar_one() >= _MOST:
        raise BadRequest("a subscriber may have {most} decoders; delete one that is not used", most=_MOST)
    done = connection.execute(
        insert(decoders).values(
            {"source": ""}
            | values
            | {
                "subscriber_ref": scope.subscriber_ref,
                "updated_at": moment(connection),
                "updated_by": scope.display_name,
            }
        )
    )
    ref = inserted_ref(done)
    _bind(connection, scope, ref, body.deviceProfileIds)
    return get_decoder(connection, scope, str(ref))


def update_decoder(
    connection: Connection, scope: Scope, ref: str, body: PayloadDecoder, *, most_source: int
) -> PayloadDecoder:
    number = ref_of(str(get_decoder(connection, scope, ref).ref))
    values: dict[str, object] = {**_checked(body, most_source)}
    values |= {"updated_at": moment(connection), "updated_by": scope.display_name}
    connection.execute(update(decoders).where(decoders.c.ref == number).values(**values))
    _bind(connection, scope, number, body.deviceProfileIds)
    return get_decoder(connection, scope, ref)


def delete_decoder(connection: Connection, scope: Scope, ref: str) -> None:
    number = ref_of(str(get_decoder(connection, scope, ref).ref))
    connection.execute(delete(decoders).where(decoders.c.ref == number))


def _bind(connection: Connection, scope: Scope, ref: int, profile_ids: list[str] | UnsetType) -> None:
    """Use the decoder for these profiles, instead of the one before, and for no others."""
    if profile_ids is UNSET:
        return
    bound = decoder_bindings.c
    connection.execute(delete(decoder_bindings).where(bound.decoder_ref == ref))
    for profile_id in dict.fromkeys(profile_ids):
        profile = connection.execute(
            select(device_profiles.c.ref).where(
                device_profiles.c.operator_ref == scope.operator_ref, device_profiles.c.id == profile_id
            )
        ).scalar()
        if profile is None:
            raise UnknownReference(
                "deviceProfileIds: {profile_id} is unknown; see GET /deviceProfiles",
                profile_id=profile_id[:80],
            )
        row = {"subscriber_ref": scope.subscriber_ref, "profile_ref": profile, "decoder_ref": ref}
        put(connection, decoder_bindings, row)


def programs(connection: Connection, subscriber_ref: int, profiles: set[int]) -> dict[int, Program]:
    """What a subscriber runs for the devices of some profiles, by the profile's number."""
    rows = connection.execute(
        select(decoder_bindings.c.profile_ref, decoders.c.kind, decoders.c.source)
        .join(decoders, decoders.c.ref == decoder_bindings.c.decoder_ref)
        .where(
            decoder_bindings.c.subscriber_ref == subscriber_ref, decoder_bindings.c.profile_ref.in_(profiles)
        )
    )
    return {row.profile_ref: Program(row.kind, row.source) for row in rows}


def profiles_of(connection: Connection, refs: set[int]) -> dict[int, int]:
    """The numbers of the profiles of devices."""
    rows = connection.execute(select(devices.c.ref, devices.c.profile_ref).where(devices.c.ref.in_(refs)))
    return {row.ref: row.profile_ref for row in rows}


def units_of(connection: Connection, subscriber_ref: int, profiles: set[int]) -> dict[int, dict[str, str]]:
    """The units that a subscriber has set for the readings of devices, by the number of their profile."""
    rows = connection.execute(
        select(decoder_bindings.c.profile_ref, decoders.c.units)
        .join(decoders, decoders.c.ref == decoder_bindings.c.decoder_ref)
        .where(
            decoder_bindings.c.subscriber_ref == subscriber_ref, decoder_bindings.c.profile_ref.in_(profiles)
        )
    )
    return {row.profile_ref: _units(row.units) for row in rows}
