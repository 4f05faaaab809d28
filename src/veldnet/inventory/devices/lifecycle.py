"""Life cycle of a device: creation, changes, removal."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from veldnet.domain.documents import ProfileSettings, decode_profile
from veldnet.domain.errors import DuplicateEui, InvalidField
from veldnet.domain.partitions import partition_of_address, partition_of_eui
from veldnet.domain.resources import AlarmThreshold, Device
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.names import check_name
from veldnet.inventory.offers import find_hsm_group
from veldnet.inventory.routing_profiles import check_destinations
from veldnet.store import insert_new, moment
from veldnet.store.schema import device_states, devices, hsm_groups

from .assignment import (
    RESET,
    changed_routing,
    choose_plan,
    choose_routing,
    compatible_profile,
    find_profile,
    release_connection,
)
from .checks import UPDATABLE, NewDevice, check_location, check_unchanged, parse_join_eui
from .fields import UPDATABLE_FIELDS, check_fields, encode_fields
from .personalisation import Personalisation
from .tags import write_tags
from .view import D, Observed, configuration, get_device, own_device, shown

# Built once: an import executes them a million times.
_INSERT_STATE = insert(device_states)
_BY_EUI = select(devices.c.ref).where(devices.c.dev_eui == bindparam("eui"))
# The stored state of a personalised device after its profile.
OpenSession = Callable[[Personalisation, ProfileSettings], bytes]


def create_device(
    connection: Connection,
    scope: Scope,
    new: NewDevice,
    sealed_app_key: bytes | None,
    open_session: OpenSession | None = None,
) -> Device:
    """Write a device that has been checked; assigns plan and routing as the API's rules say. `open_session`
    makes the stored state of a personalised device."""
    ref = insert_device(connection, Lookups(connection, scope), new, sealed_app_key, open_session)
    return get_device(connection, scope, str(ref), with_statistics=False)


class Lookups:
    """What new devices name, read once in a transaction that creates many."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.scope = scope
        self.profile = cache(partial(find_profile, connection, scope))
        self.group = cache(partial(find_hsm_group, connection, scope.operator_ref))
        self.routing = cache(partial(choose_routing, connection, scope))
        self.check_destinations = cache(partial(check_destinations, connection))


def insert_device(
    connection: Connection,
    lookups: Lookups,
    new: NewDevice,
    sealed_app_key: bytes | None,
    open_session: OpenSession | None = None,
) -> int:
    """The same; returns the number of the device."""
    scope = lookups.scope
    body, personalisation = new.body, new.personalisation
    if connection.execute(_BY_EUI, {"eui": str(new.dev_eui)}).first():
        raise DuplicateEui(str(new.dev_eui))
    profile_ref, profile = lookups.profile(str(body.deviceProfileId))
    group = None
    if body.hsmGroupId is not UNSET:
        group = lookups.group(body.hsmGroupId)
    plan_ref = choose_plan(connection, scope, body.connectivityPlanId)
    routing_ref, strategy = lookups.routing(body.routingProfileId, body.processingStrategyId)
    lookups.check_destinations(plan_ref, routing_ref)
    now = moment(connection)
    values = {
        "subscriber_ref": scope.subscriber_ref,
        "dev_eui": str(new.dev_eui),
        "join_eui": None if new.join_eui is None else str(new.join_eui),
        "name": body.name.strip() if body.name is not UNSET else "",
        "activation_type": "OTAA" if personalisation is None else "ABP",
        "device_class": body.deviceClass if body.deviceClass is not UNSET else profile.loRaWANClass,
        "profile_ref": profile_ref,
        "plan_ref": plan_ref,
        "routing_profile_ref": routing_ref,
        "processing_strategy": strategy,
        "hsm_group_ref": None if group is None else group.ref,
        "sealed_app_key": sealed_app_key,
        "motion_indicator": body.motionIndicator if body.motionIndicator is not UNSET else None,
        "latitude": body.geoLatitude if body.geoLatitude is not UNSET else None,
        "longitude": body.geoLongitude if body.geoLongitude is not UNSET else None,
        "partition": _partition(new),
        "details": encode_fields(body),
        "created_at": now,
        "updated_at": now,
        "updated_by": scope.display_name,
    }
    ref: int | None = insert_new(connection, devices, values, ("dev_eui",))
    if ref is None:
        raise DuplicateEui(str(new.dev_eui))
    if not values["name"]:
        connection.execute(update(devices).where(devices.c.ref == ref).values(name=f"New device {ref}"))
    session: dict[str, Any] = {}
    if personalisation is not None:
        if open_session is None or profile.version_11:
            raise InvalidField(
                "deviceProfileId {device_profile_id} is for LoRaWAN 1.1; ABP is for 1.0.x",
                device_profile_id=body.deviceProfileId,
            )
        state = open_session(personalisation, profile)
        session = {"dev_addr": int(personalisation.dev_addr), "state": state}
    connection.execute(_INSERT_STATE, {"device_ref": ref, **session})
    write_tags(connection, scope, ref, body)
    changes.note(connection, "device", ref)
    return ref


def _partition(new: NewDevice) -> int:
    if new.personalisation is None:
        return partition_of_eui(new.dev_eui)
    return partition_of_address(new.personalisation.dev_addr)


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
    values |= changed_routing(connection, scope, body)
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


def set_location(
    connection: Connection, scope: Scope, ref: str, latitude: float | None, longitude: float | None
) -> Device:
    """Give a device a place, or with None take it away."""
    row = own_device(connection, scope, ref)
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


def delete_device(connection: Connection, scope: Scope, ref: str) -> None:
    """Remove a device for good and give its connection back."""
    row = own_device(connection, scope, ref)
    release_connection(connection, scope.subscriber_ref, row.plan_ref)
    connection.execute(delete(devices).where(devices.c.ref == row.ref))
    leftovers.of_device(connection, row.ref)
    changes.note(connection, "device", row.ref)
