"""Life cycle of a device behind its creation: changes, removal."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, delete, func, select, update

from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import decode_profile
from veldnet.domain.resources import AlarmThreshold, Device
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.names import check_name
from veldnet.inventory.routing_profiles import check_destinations
from veldnet.store import moment
from veldnet.store.schema import device_states, devices, found_places, hsm_groups

from .assignment import (
    RESET,
    changed_routing,
    choose_plan,
    compatible_profile,
    release_connection,
)
from .checks import UPDATABLE, check_location, check_unchanged, parse_join_eui
from .fields import UPDATABLE_FIELDS, check_fields, encode_fields
from .tags import write_tags
from .view import D, Observed, configuration, get_device, own_device, shown


def update_device(
    connection: Connection,
    scope: Scope,
    ref: str,
    body: D,
    observed: Observed | None = None,
    updatable: frozenset[str] = UPDATABLE,
) -> D:
    """Change the members that may change; `reset` takes plan or routing away. The answer has the members that
    the kind of `body` has."""
    row = own_device(connection, scope, ref)
    check_unchanged(body, configuration(row, type(body)), updatable)
    values: dict[str, Any] = {}
    if any(getattr(body, name, UNSET) is not UNSET for name in UPDATABLE_FIELDS & updatable):
        check_fields(body)
        values["details"] = encode_fields(body, row.details)
        write_tags(connection, scope, row.ref, body)
    if "geoLatitude" in updatable:
        check_location(body)
        values |= {
            column: value
            for column, value in (("latitude", body.geoLatitude), ("longitude", body.geoLongitude))
            if value is not UNSET
        }
        before = {"latitude": row.latitude, "longitude": row.longitude}
        if any(name in values and values[name] != value for name, value in before.items()):
            _forget_location(connection, row.ref)
    if body.name is not UNSET:
        values["name"] = check_name(body.name)
    if body.applicationEUI is not UNSET:
        join_eui = parse_join_eui(body.applicationEUI)
        values["join_eui"] = None if join_eui is None else str(join_eui)
    if body.deviceProfileId is not UNSET and body.deviceProfileId != row.profile_id:
        values["profile_ref"] = compatible_profile(
            connection, scope, decode_profile(row.profile_settings), body.deviceProfileId
        )
    if body.connectivityPlanId is not UNSET and body.connectivityPlanId != row.plan_id:
        release_connection(connection, scope.subscriber_ref, row.plan_ref)
        values["plan_ref"] = (
            None
            if body.connectivityPlanId == RESET
            else choose_plan(connection, scope, body.connectivityPlanId)
        )
    values |= changed_routing(connection, scope, body, shadow=row.processing_strategy == SHADOW)
    check_destinations(
        connection,
        values.get("plan_ref", row.plan_ref),
        values.get("routing_profile_ref", row.routing_profile_ref),
    )
    if values:
        values |= {"updated_at": moment(connection), "updated_by": scope.display_name}
        connection.execute(update(devices).where(devices.c.ref == row.ref).values(**values))
        changes.note(connection, "device", row.ref)
    return shown(own_device(connection, scope, str(row.ref)), type(body), observed)


def set_thresholds(
    connection: Connection, scope: Scope, ref: str, thresholds: list[AlarmThreshold]
) -> Device:
    """Give a device other thresholds of alarm 004; an empty list takes them away."""
    row = own_device(connection, scope, ref)
    details = msgspec.json.decode(row.details)
    details.pop("alarmThresholds", None)
    if thresholds:
        details["alarmThresholds"] = thresholds
    connection.execute(
        update(devices)
        .where(devices.c.ref == row.ref)
        .values(
            details=msgspec.json.encode(details).decode(),
            updated_at=moment(connection),
            updated_by=scope.display_name,
        )
    )
    changes.note(connection, "device", row.ref)
    return get_device(connection, scope, str(row.ref), with_statistics=False)


def _forget_location(connection: Connection, ref: int) -> None:
    """Where the network has located a device last is not repeated once people say where it is."""
    connection.execute(
        update(device_states).where(device_states.c.device_ref == ref).values(network_location=None)
    )
    connection.execute(delete(found_places).where(found_places.c.device_ref == ref))


def set_location(
    connection: Connection, scope: Scope, ref: str, latitude: float | None, longitude: float | None
) -> Device:
    """Give a device a place, or with None take it away."""
    row = own_device(connection, scope, ref)
    _forget_location(connection, row.ref)
    connection.execute(
        update(devices)
        .where(devices.c.ref == row.ref)
        .values(
            latitude=latitude,
            longitude=longitude,
            updated_at=moment(connection),
            updated_by=scope.display_name,
        )
    )
    changes.note(connection, "device", row.ref)
    return get_device(connection, scope, str(row.ref), with_statistics=False)


def set_nwk_key(connection: Connection, scope: Scope, ref: int, sealed_nwk_key: bytes) -> None:
    """Give a device of LoRaWAN 1.1 its NwkKey; sessions under an earlier one live on until the next join."""
    connection.execute(
        update(devices)
        .where(devices.c.ref == ref)
        .values(sealed_nwk_key=sealed_nwk_key, updated_at=moment(connection), updated_by=scope.display_name)
    )
    changes.note(connection, "device", ref)


def vault_of(connection: Connection, ref: int) -> str:
    """The vault that keeps the keys of a device."""
    query = (
        select(func.coalesce(hsm_groups.c.vault, ""))
        .select_from(devices)
        .join(hsm_groups, hsm_groups.c.ref == devices.c.hsm_group_ref, isouter=True)
        .where(devices.c.ref == ref)
    )
    return str(connection.execute(query).scalar_one())


def delete_device(connection: Connection, scope: Scope, ref: str) -> dict[str, str]:
    """Remove a device for good and give its connection back. Returns what it was, for the audit log."""
    row = own_device(connection, scope, ref)
    release_connection(connection, scope.subscriber_ref, row.plan_ref)
    connection.execute(delete(devices).where(devices.c.ref == row.ref))
    leftovers.of_device(connection, row.ref)
    changes.note(connection, "device", row.ref)
    return {"EUI": row.dev_eui, "name": row.name}
