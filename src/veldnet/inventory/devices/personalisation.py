"""Checks of personalised (ABP) devices: address and session keys."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import Device
from veldnet.lorawan import AesKey, DevAddr, InvalidIdentifier, InvalidKey

_FIRST_PORT, _LAST_PORT = 1, 223
_MOST_RULES = 20


class PortRule(msgspec.Struct, frozen=True):
    """An AppSKey for the ports from `first` to `last`; without `first` for all others."""

    key: AesKey
    first: int | None = None
    last: int | None = None


class Personalisation(msgspec.Struct, frozen=True):
    """What a personalised device and the network know of each other."""

    dev_addr: DevAddr
    nwk_s_key: AesKey
    rules: tuple[PortRule, ...] = ()


def check_personalisation(body: Device) -> Personalisation:
    """The members of an ABP device. Raises a `BadRequest` that names the member."""
    for name in ("applicationKey", "hsmGroupId"):
        if getattr(body, name) is not UNSET:
            raise InvalidField(
                "{name} is for OTAA devices and must not be sent with activationType ABP", name=name
            )
    if body.networkAddress is UNSET:
        raise MissingField("networkAddress is mandatory for ABP: the DevAddr, 8 hexadecimal digits")
    try:
        dev_addr = DevAddr.parse(body.networkAddress)
    except InvalidIdentifier as error:
        raise InvalidField("networkAddress: {error}", error=error) from None
    if body.networkSessionKey is UNSET:
        raise MissingField("networkSessionKey is mandatory for ABP: the NwkSKey, 32 hexadecimal digits")
    rules = [] if body.applicationSessionKeyRules is UNSET else body.applicationSessionKeyRules
    if len(rules) > _MOST_RULES:
        raise InvalidField(
            "applicationSessionKeyRules holds at most {most_rules} rules", most_rules=_MOST_RULES
        )
    checked = [
        each
        for position, rule in enumerate(rules)
        for each in port_rules(
            rule.applicationSessionKey, rule.sourcePorts, f"applicationSessionKeyRules[{position}]"
        )
    ]
    return Personalisation(dev_addr, parse_key(body.networkSessionKey, "networkSessionKey"), tuple(checked))


def refuse_personalisation(body: Device) -> None:
    """OTAA devices negotiate what these members say."""
    for name in ("networkSessionKey", "applicationSessionKeyRules"):
        if getattr(body, name) is not UNSET:
            raise InvalidField("{name} is for activationType ABP, in api-version v1.1.1", name=name)


def parse_key(text: object, where: str) -> AesKey:
    """A session key, 32 hexadecimal digits. Raises `InvalidField`."""
    try:
        return AesKey.parse(text if isinstance(text, str) else "")
    except InvalidKey:
        raise InvalidField("{where} must be 32 hexadecimal digits", where=where) from None


def port_rules(key: object, ports: object, where: str) -> list[PortRule]:
    """The rules of one AppSKey: `*`, or ports and ranges separated by commas. Raises a `BadRequest`."""
    parsed = parse_key(key, f"{where}.applicationSessionKey")
    if not isinstance(ports, str):
        raise MissingField(
            "{where}.sourcePorts is mandatory: *, or ports and ranges such as 1,2,10-20", where=where
        )
    if ports.strip() == "*":
        return [PortRule(parsed)]
    rules = []
    for part in ports.split(","):
        low, dash, high = part.strip().partition("-")
        bounds = (low, high if dash else low)
        if not all(bound.isascii() and bound.isdigit() and len(bound) < 4 for bound in bounds):
            raise InvalidField(
                "{where}.sourcePorts {ports!r} must look like 7, 1,2,3, 10-20 or *",
                where=where,
                ports=ports[:80],
            )
        first, last = int(bounds[0]), int(bounds[1])
        if not _FIRST_PORT <= first <= last <= _LAST_PORT:
            raise InvalidField(
                "{where}.sourcePorts: {part} is not within 1 to 223", where=where, part=part.strip()
            )
        rules.append(PortRule(parsed, first, last))
    return rules
