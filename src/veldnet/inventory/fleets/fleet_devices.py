"""Devices of a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.errors import MissingField, NotFound, UnknownReference
from veldnet.domain.resources import VeldnetDevice
from veldnet.inventory import devices
from veldnet.inventory.devices import OWN_UPDATABLE, Creation
from veldnet.keys import ClearKey, labels
from veldnet.lorawan import AesKey

from .documents import DeviceItem
from .kinds import KINDS, Context, Here, members_of

_SAME = (
    "name",
    "deviceClass",
    "deviceProfileId",
    "connectivityPlanId",
    "administrativeInfo",
    "applicationEUI",
)
_MORE = ("motionIndicator", "geoLatitude", "geoLongitude", "tags")
_KEYS = ("applicationKey", "networkKey")
_UPDATABLE = OWN_UPDATABLE | {"geoLatitude", "geoLongitude"}


def find_device(connection: Connection, context: Context, eui: str, names: Mapping[str, str]) -> Here | None:
    """A device of the customer; `names` are those of routing profiles, by their ids."""
    try:
        found = devices.get_veldnet_device(connection, context.scope, f"e{eui}")
    except NotFound:
        return None
    return Here(str(found.ref), device_members(found, names))


def device_members(found: VeldnetDevice, names: Mapping[str, str]) -> dict[str, Any]:
    """A device as a document has it; its keys are not shown."""
    members = {name: value for name in (*_SAME, *_MORE) if (value := getattr(found, name)) is not UNSET}
    if found.routingProfileId is not UNSET:
        members["routingProfile"] = names.get(found.routingProfileId, found.routingProfileId)
    return members


def wanted_device(item: DeviceItem) -> dict[str, Any]:
    wanted = members_of(item)
    for name in ("EUI", *_KEYS):
        wanted.pop(name, None)
    if isinstance(item.applicationEUI, str):
        wanted["applicationEUI"] = item.applicationEUI.upper()
    return wanted


def routing_names(connection: Connection, context: Context) -> dict[str, str]:
    """The names of routing profiles by their ids."""
    found = KINDS["routingProfiles"].read(connection, context)
    return {str(here.members["id"]): name for name, here in found.items()}


def _body(item: DeviceItem, names: Mapping[str, str]) -> VeldnetDevice:
    body = VeldnetDevice()
    for name in (*_SAME, *_MORE):
        setattr(body, name, getattr(item, name))
    if item.routingProfile is not UNSET:
        ids = {name: identifier for identifier, name in names.items()}
        if item.routingProfile not in ids:
            raise UnknownReference("there is no routing profile {name}", name=item.routingProfile[:80])
        body.routingProfileId = ids[item.routingProfile]
    return body


def root_keys(item: DeviceItem) -> list[ClearKey]:
    """The root keys of a new device, to be sealed. Raises a `Refusal`."""
    if item.applicationKey is UNSET:
        raise MissingField("applicationKey is mandatory for a new device: its AppKey, 32 hexadecimal digits")
    eui = devices.check_dev_eui(VeldnetDevice(EUI=item.EUI))
    found = [ClearKey(labels.app_key(eui), bytes(_key(item.applicationKey, "applicationKey")))]
    if item.networkKey is not UNSET:
        found.append(ClearKey(labels.nwk_key(eui), bytes(_key(item.networkKey, "networkKey"))))
    return found


def _key(text: str, where: str) -> AesKey:
    return devices.check_root_key(text, where)


def create(
    connection: Connection, context: Context, item: DeviceItem, sealed: list[bytes], names: Mapping[str, str]
) -> None:
    """`names` are those of routing profiles, by their ids. Raises a `Refusal`."""
    body = _body(item, names)
    body.EUI, body.activationType = item.EUI, "OTAA"
    new = devices.check_new_device(body, hsm_required=False, key_encrypted=True)
    creation = Creation(new, sealed[0], None if item.networkKey is UNSET else sealed[1])
    lookups = devices.Lookups(connection, context.scope)
    (ref,) = devices.insert_devices(connection, lookups, [creation])
    if not isinstance(ref, int):
        raise ref


def change(
    connection: Connection, context: Context, item: DeviceItem, here: Here, names: Mapping[str, str]
) -> None:
    """Raises a `Refusal`."""
    body = _body(item, names)
    if body.administrativeInfo == here.members.get("administrativeInfo"):
        body.administrativeInfo = UNSET
    devices.update_device(connection, context.scope, here.ref, body, updatable=_UPDATABLE)
