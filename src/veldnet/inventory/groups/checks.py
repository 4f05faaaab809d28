"""Checks of a new or changed multicast group that need no other rows."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from veldnet.domain.errors import InvalidField, MissingField, NotUpdatable
from veldnet.inventory.devices import check_root_key
from veldnet.inventory.names import check_name
from veldnet.lorawan import AesKey, DevAddr, DevEui, InvalidIdentifier
from veldnet.lorawan.packages.multicast_keys import mc_app_s_key, mc_nwk_s_key
from veldnet.lorawan.regions import ChannelPlan, Region

from .resource import MulticastGroup

Plans = Mapping[str, ChannelPlan]
_PING_PERIODS = (1, 2, 4, 8, 16, 32, 64, 128)
_MOST_TAGS = 50
# Members that may change; the others are what its devices know.
CHANGEABLE = frozenset(
    {
        "name",
        "downlinkFrequency",
        "downlinkDataRate",
        "connectivityPlanId",
        "routingProfileId",
        "baseStationCoverage",
        "baseStationTags",
    }
)
_KEYS = ("multicastKey", "networkSessionKey", "applicationSessionKey")
# More than any channel has, and little enough to be rounded to hertz.
_MOST_MHZ = 100_000
_FIXED = ("EUI", "networkAddress", "deviceClass", "pingSlotPeriod", "region", "hsmGroupId")


class NewGroup(msgspec.Struct, frozen=True):
    """A group whose members have been checked as far as that needs no other row. `mc_key` is there where the
    session keys are derived of it, `keys` where they were given, neither where the vault of an HSM group
    makes them; `dev_addr` None: to be given."""

    dev_eui: DevEui
    dev_addr: DevAddr | None
    region: Region
    body: MulticastGroup
    mc_key: AesKey | None
    keys: bytes | None

    def session_keys(self, dev_addr: DevAddr) -> bytes:
        """NwkSKey, and AppSKey where the network has it."""
        if self.mc_key is None:
            assert self.keys is not None
            return self.keys
        return bytes(mc_nwk_s_key(self.mc_key, dev_addr)) + bytes(mc_app_s_key(self.mc_key, dev_addr))


def check_new_group(body: MulticastGroup, plans: Plans) -> NewGroup:
    """Check the members of a creation request; `plans` are the network's by region, the main one first.
    Raises a `BadRequest` that names the member."""
    if body.EUI is UNSET:
        raise MissingField("EUI is mandatory: the DevEUI of the group, 16 hexadecimal digits")
    try:
        dev_eui = DevEui.parse(body.EUI)
    except InvalidIdentifier as error:
        raise InvalidField("EUI: {error}", error=error) from None
    if body.name is UNSET:
        raise MissingField("name is mandatory")
    check_name(body.name, most=100)
    if body.deviceClass is UNSET:
        raise MissingField("deviceClass is mandatory: B or C")
    region = _region(body, plans)
    _check_ping_period(body)
    check_radio(body, region)
    check_coverage(body.baseStationCoverage, body.baseStationTags)
    mc_key, keys = _keys(body)
    return NewGroup(dev_eui, _address(body), region, body, mc_key, keys)


def _address(body: MulticastGroup) -> DevAddr | None:
    if body.networkAddress is UNSET:
        return None
    try:
        return DevAddr.parse(body.networkAddress)
    except InvalidIdentifier as error:
        raise InvalidField("networkAddress: {error}", error=error) from None


def _region(body: MulticastGroup, plans: Plans) -> Region:
    if body.region is UNSET:
        return next(iter(plans.values())).region
    plan = plans.get(body.region)
    if plan is None:
        raise InvalidField(
            "region {region} is not served; this network serves {known}",
            region=body.region[:40],
            known=", ".join(plans),
        )
    return plan.region


def _check_ping_period(body: MulticastGroup) -> None:
    period = None if body.pingSlotPeriod is UNSET else body.pingSlotPeriod
    if body.deviceClass == "C" and period is not None:
        raise InvalidField("pingSlotPeriod is for class B and must not be sent with deviceClass C")
    if body.deviceClass == "B" and period not in _PING_PERIODS:
        raise InvalidField("pingSlotPeriod is mandatory for class B: 1, 2, 4, 8, 16, 32, 64 or 128 seconds")


def check_radio(body: MulticastGroup, region: Region) -> None:
    """Frequency and data rate must be the region's. Raises `InvalidField`."""
    rate = body.downlinkDataRate
    if rate is not UNSET and rate is not None and rate not in region.downlink:
        raise InvalidField(
            "downlinkDataRate {rate} is not one of {region}: {known}",
            rate=rate,
            region=region.name,
            known=", ".join(map(str, sorted(region.downlink))),
        )
    frequency = body.downlinkFrequency
    if frequency is UNSET or frequency is None:
        return
    # JSON's numbers may be larger than any that can be rounded.
    if not 0 < frequency < _MOST_MHZ or region.sub_band(hertz(frequency)) is None:
        raise InvalidField(
            "downlinkFrequency {frequency:g} MHz lies in no band of {region}",
            frequency=frequency,
            region=region.name,
        )


def hertz(frequency: float) -> int:
    return round(frequency * 1_000_000)


def check_coverage(coverage: object, tags: object) -> None:
    """Tags are mandatory where they choose the base stations. Raises a `BadRequest`."""
    listed = tags if isinstance(tags, list) else []
    if coverage == "TAGS" and not listed:
        raise MissingField("baseStationTags is mandatory with baseStationCoverage TAGS: one tag or more")
    if len(listed) > _MOST_TAGS:
        raise InvalidField("baseStationTags holds at most {most} tags", most=_MOST_TAGS)
    for tag in listed:
        check_name(tag, what="baseStationTags", most=50)


def _keys(body: MulticastGroup) -> tuple[AesKey | None, bytes | None]:
    """The McKey, or the session keys."""
    given = {name: getattr(body, name) for name in _KEYS if getattr(body, name) is not UNSET}
    if body.hsmGroupId is not UNSET:
        for name in given:
            raise InvalidField("{name} must not be sent with hsmGroupId: its vault makes the keys", name=name)
        return None, None
    parsed = {name: check_root_key(text, name) for name, text in given.items()}
    if "multicastKey" in parsed:
        if len(parsed) > 1:
            raise InvalidField("multicastKey excludes networkSessionKey and applicationSessionKey")
        return parsed["multicastKey"], None
    if "networkSessionKey" not in parsed:
        raise MissingField(
            "multicastKey is mandatory, or networkSessionKey and applicationSessionKey: 32 hexadecimal digits"
        )
    app = parsed.get("applicationSessionKey")
    if app == parsed["networkSessionKey"]:
        raise InvalidField("networkSessionKey and applicationSessionKey must differ")
    return None, bytes(parsed["networkSessionKey"]) + (b"" if app is None else bytes(app))


def check_unchanged(body: MulticastGroup, current: MulticastGroup) -> None:
    """What devices of the group know cannot change; the same value is taken. Raises a `BadRequest`."""
    for name in _FIXED:
        value = getattr(body, name)
        if value is UNSET or value == getattr(current, name):
            continue
        if isinstance(value, str) and value.upper() == str(getattr(current, name)).upper():
            continue
        raise NotUpdatable(
            "{name} cannot change: the devices of the group know it; create another group", name=name
        )
    for name in _KEYS:
        if getattr(body, name) is not UNSET:
            raise NotUpdatable(
                "{name} cannot change: the devices of the group know it; create another group", name=name
            )
