"""Checks of a new or changed device that need no other rows."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.domain.errors import InvalidField, MissingField, NotUpdatable, WeakKey
from veldnet.domain.resources import Device
from veldnet.inventory.names import check_name
from veldnet.lorawan import AesKey, DevEui, InvalidIdentifier, InvalidKey, JoinEui

from .fields import UPDATABLE_FIELDS, check_fields
from .personalisation import Personalisation, check_personalisation, refuse_personalisation

UPDATABLE = frozenset(
    {
        "name",
        "routingProfileId",
        "processingStrategyId",
        "connectivityPlanId",
        "deviceProfileId",
        "applicationEUI",
    }
)
# ThingPark's DX API lets a device move, too.
DX_UPDATABLE = UPDATABLE | {"geoLatitude", "geoLongitude"}
# Veldnet's API has fields of its own.
OWN_UPDATABLE = UPDATABLE | UPDATABLE_FIELDS
_OBSERVED = ("statistics", "commercialDetails", "classBState")
_MAX_TEXT = 255


class NewDevice(msgspec.Struct, frozen=True):
    """A device whose members have been checked as far as that needs no other row."""

    dev_eui: DevEui
    join_eui: JoinEui | None
    # None for a device that is personalised, and for a key that comes encrypted.
    app_key: AesKey | None
    body: Device
    personalisation: Personalisation | None = None


def check_new_device(
    body: Device, *, hsm_required: bool, abp: bool = False, key_encrypted: bool = False
) -> NewDevice:
    """Check the members of a creation request; `abp` says whether it may ask for a personalised device.
    Raises a `BadRequest` that names the member."""
    dev_eui = check_dev_eui(body)
    if body.deviceProfileId is UNSET:
        raise MissingField("deviceProfileId is mandatory; see GET /deviceProfiles")
    personalisation = app_key = None
    if body.activationType == "ABP":
        if not abp:
            raise InvalidField(
                "activationType must be OTAA; ABP needs api-version v1.1.1 and an operator who allows it"
            )
        personalisation = check_personalisation(body)
    else:
        app_key = None if key_encrypted else _app_key(body)
        refuse_personalisation(body)
    if body.hsmGroupId is UNSET and hsm_required and personalisation is None:
        raise MissingField("hsmGroupId is mandatory; see GET /hsmGroups")
    given_by_network = ("ref", "classBState", "statistics", "commercialDetails")
    for name in given_by_network if personalisation is not None else (*given_by_network, "networkAddress"):
        if getattr(body, name) is not UNSET:
            raise InvalidField("{name} is set by the network and must not be sent", name=name)
    if body.name is not UNSET:
        check_name(body.name)
    check_location(body)
    check_fields(body)
    return NewDevice(dev_eui, parse_join_eui(body.applicationEUI), app_key, body, personalisation)


def check_dev_eui(body: Device) -> DevEui:
    """The DevEUI, which is mandatory."""
    if body.EUI is UNSET:
        raise MissingField("EUI is mandatory: the DevEUI of the device, 16 hexadecimal digits")
    try:
        return DevEui.parse(body.EUI)
    except InvalidIdentifier as error:
        raise InvalidField("EUI {eui!r}: {error}", eui=body.EUI[:40], error=error) from None


def _app_key(body: Device) -> AesKey:
    if body.applicationKey is UNSET:
        raise MissingField("applicationKey is mandatory for OTAA: the AppKey, 32 hexadecimal digits")
    return check_root_key(body.applicationKey, "applicationKey")


def check_root_key(text: str, where: str) -> AesKey:
    """A root key. One digit again and again is a placeholder, and the first key that is guessed."""
    try:
        key = AesKey.parse(text)
    except InvalidKey:
        raise InvalidField("{where} must be 32 hexadecimal digits", where=where) from None
    if len(set(key.hex())) == 1:
        raise WeakKey("{where} is one digit repeated; use a random key", where=where)
    return key


def parse_join_eui(text: str | UnsetType) -> JoinEui | None:
    """The JoinEUI, None when absent."""
    if text is UNSET:
        return None
    try:
        return JoinEui.parse(text)
    except InvalidIdentifier as error:
        raise InvalidField("applicationEUI {text!r}: {error}", text=text[:40], error=error) from None


def check_location(body: Device) -> None:
    """Latitude and longitude of a body. Raises a `BadRequest`."""
    for name, limit in (("geoLatitude", 90.0), ("geoLongitude", 180.0)):
        value = getattr(body, name)
        if value is not UNSET and not -limit <= value <= limit:
            raise InvalidField(
                "{name} {value} must lie between -{limit:.0f} and {limit:.0f} degrees",
                name=name,
                value=value,
                limit=limit,
            )
    if (body.geoLatitude is UNSET) != (body.geoLongitude is UNSET):
        raise MissingField("geoLatitude and geoLongitude go together")


def check_unchanged(body: Device, current: Device, updatable: frozenset[str]) -> None:
    """A member that cannot change may be sent only with the value it has. What the network observes is
    ignored: it may have changed since the caller read it."""
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if value is UNSET or name in updatable or name in _OBSERVED:
            continue
        if name == "networkAddress" and current.activationType == "OTAA":
            continue
        if name in ("applicationKey", "networkSessionKey", "applicationSessionKeyRules"):
            raise NotUpdatable("{name} cannot be changed; delete the device and create it again", name=name)
        if not _same(name, value, getattr(current, name)):
            changeable = ", ".join(sorted(updatable))
            raise NotUpdatable(
                "{name} cannot be changed; delete the device and create it again. Changeable: {changeable}",
                name=name,
                changeable=changeable,
            )


def _same(name: str, given: Any, stored: Any) -> bool:
    """Whether a member has the value already, however it is written."""
    if stored is UNSET or given in ([], {}):
        return stored is UNSET and given in ([], {})
    if name in ("EUI", "networkAddress", "homeNsNetID"):
        plain = (str(text).replace("-", "").replace(":", "").upper() for text in (given, stored))
        return next(plain) == next(plain)
    return bool(msgspec.to_builtins(given) == msgspec.to_builtins(stored))
