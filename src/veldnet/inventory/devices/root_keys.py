"""Root keys that are entered again, and when that was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from veldnet.domain.documents import ProfileSettings, decode_profile
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.lorawan import DevEui
from veldnet.store import moment
from veldnet.store.schema import device_key_changes, devices

from .view import own_device

_KEPT = 100
APPLICATION_KEY, NETWORK_KEY, GEN_APP_KEY = "applicationKey", "networkKey", "genAppKey"
_COLUMNS = {
    APPLICATION_KEY: devices.c.sealed_app_key,
    NETWORK_KEY: devices.c.sealed_nwk_key,
    GEN_APP_KEY: devices.c.sealed_gen_app_key,
}


class KeyChange(msgspec.Struct):
    """Root keys that were entered again: when, by whom and which; never the keys."""

    time: str
    user: str
    keys: list[str]
    sessionReset: bool


class Rekeyed(msgspec.Struct, frozen=True):
    """A device that gets other root keys."""

    ref: int
    dev_eui: DevEui


def check_rekeying(connection: Connection, scope: Scope, ref: str, names: list[str]) -> Rekeyed:
    """The device, if it can have the keys that are named. Raises a `BadRequest`."""
    row = own_device(connection, scope, ref)
    if not names:
        raise MissingField(
            "{application_key} is mandatory: the AppKey, 32 hexadecimal digits",
            application_key=APPLICATION_KEY,
        )
    if row.activation_type != "OTAA":
        raise InvalidField("the device does not join (ABP) and has no root keys; delete and create it")
    profile = decode_profile(row.profile_settings)
    if NETWORK_KEY in names and not profile.version_11:
        raise InvalidField(
            "{network_key} is for LoRaWAN 1.1; the profile of the device is for 1.0.x",
            network_key=NETWORK_KEY,
        )
    if GEN_APP_KEY in names:
        check_gen_app_key(profile, joins=True)
    return Rekeyed(row.ref, DevEui.parse(row.dev_eui))


def check_gen_app_key(profile: ProfileSettings, *, joins: bool) -> None:
    """Whether a device of the profile has a GenAppKey. Raises `InvalidField`."""
    if profile.version_11:
        raise InvalidField(
            "{gen_app_key} is for LoRaWAN 1.0.x; devices of 1.1 use the AppKey for groups and updates",
            gen_app_key=GEN_APP_KEY,
        )
    if not joins:
        raise InvalidField("{gen_app_key} is for devices that join (OTAA)", gen_app_key=GEN_APP_KEY)


def change_root_keys(
    connection: Connection,
    scope: Scope,
    ref: int,
    sealed: Mapping[str, bytes],
    *,
    session_reset: bool,
) -> None:
    """Replace root keys of a device, by their names, and note it. Sessions under earlier ones live on until
    the next join."""
    now = moment(connection)
    values: dict[str, Any] = {_COLUMNS[name].name: octets for name, octets in sealed.items()}
    connection.execute(
        update(devices)
        .where(devices.c.ref == ref)
        .values(**values, updated_at=now, updated_by=scope.display_name)
    )
    connection.execute(
        insert(device_key_changes).values(
            device_ref=ref,
            at=now,
            actor=scope.display_name,
            keys=",".join(sealed),
            session_reset=session_reset,
        )
    )
    changes.note(connection, "device", ref)


def list_key_changes(connection: Connection, scope: Scope, ref: str) -> list[KeyChange]:
    """The newest hundred, the newest first."""
    device = own_device(connection, scope, ref).ref
    rows = connection.execute(
        select(device_key_changes)
        .where(device_key_changes.c.device_ref == device)
        .order_by(device_key_changes.c.ref.desc())
        .limit(_KEPT)
    )
    return [KeyChange(timestamp(row.at), row.actor, row.keys.split(","), row.session_reset) for row in rows]
