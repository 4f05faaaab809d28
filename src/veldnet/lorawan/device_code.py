"""QR codes on devices: LoRa Alliance TR005, its drafts that are still on labels, and plain EUIs.

A code names a device, never its AppKey.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from veldnet.texts import Text

from .identifiers import DevEui, InvalidIdentifier, JoinEui

E = TypeVar("E", DevEui, JoinEui)

MOST_LENGTH = 500
_URN_DP = re.compile(r"URN:LW:DP:([0-9A-F]{16}):([0-9A-F]{16}):([0-9A-F]{8})(?::(.*))?", re.IGNORECASE)
_URN_DEV = re.compile(
    r"URN:DEV:LW:([0-9A-F]{16})_([0-9A-F]{16})_([0-9A-F]{8})((?:_[A-Z][^_]*)*)", re.IGNORECASE
)
_EUI = r"((?:[0-9A-F]{2}[-]?){7}[0-9A-F]{2})"
_PLAIN = re.compile(
    rf"(?:DEVEUI[:=]\s*)?{_EUI}(?:[:;,/ ]\s*(?:(?:APPEUI|JOINEUI)[:=]\s*)?{_EUI})?", re.IGNORECASE
)
# Parts of a TR005 code behind the three identifiers, by their first letter.
_PARTS = {"O": "owner_token", "S": "serial_number", "P": "proprietary", "C": "checksum"}
_DRAFT_PARTS = {"V": "owner_token", "S": "serial_number", "P": "proprietary"}


class InvalidDeviceCode(ValueError):
    """A text that is no code of a device; says why."""

    def __init__(self, form: str, /, **values: Any) -> None:
        super().__init__(Text(form, **values))


class DeviceCode(msgspec.Struct, frozen=True):
    """What a code says. `vendor` and `profile` are the LoRa Alliance's number of the maker and the maker's of
    a profile; 0 is none. `checksum_matches` is None where there is no checksum."""

    dev_eui: DevEui
    join_eui: JoinEui | None = None
    vendor: int = 0
    profile: int = 0
    owner_token: str = ""
    serial_number: str = ""
    proprietary: str = ""
    checksum_matches: bool | None = None


def parse_device_code(text: str) -> DeviceCode:
    """Read a code as a camera or a person gives it. Raises `InvalidDeviceCode`."""
    text = text.strip()
    if len(text) > MOST_LENGTH:
        raise InvalidDeviceCode("the code has more than {most_length} characters", most_length=MOST_LENGTH)
    if not text.isascii() or not text.isprintable():
        raise InvalidDeviceCode("the code has characters that codes of devices do not have")
    head = text.upper()
    if head.startswith("LW:"):
        return _tr005(text)
    for start, pattern, split in (
        ("URN:LW:DP:", _URN_DP, _percent_parts),
        ("URN:DEV:LW:", _URN_DEV, _underscore_parts),
    ):
        if head.startswith(start):
            return _draft(text, pattern, split)
    return _plain(text)


def _tr005(text: str) -> DeviceCode:
    _scheme, version, *rest = text.split(":")
    if version.upper() != "D0":
        raise InvalidDeviceCode("the code is of a version of TR005 that is not known; LW:D0 is")
    if len(rest) < 3:
        raise InvalidDeviceCode("the code must be LW:D0:JoinEUI:DevEUI:ProfileID")
    join_eui, dev_eui, profile, *parts = rest
    found: dict[str, str] = {}
    for part in parts:
        name = _PARTS.get(part[:1].upper())
        # Letters that come with later versions are passed over.
        if name is None or len(part) < 2:
            continue
        if name in found:
            raise InvalidDeviceCode("the code has {upper} twice", upper=part[:1].upper())
        found[name] = part[1:]
    checksum = found.pop("checksum", None)
    matches = None if checksum is None else _matches(text, checksum)
    return _code(join_eui, dev_eui, profile, found, matches)


def _matches(text: str, checksum: str) -> bool:
    """Whether the checksum, which comes last, is that of everything before it."""
    if not re.fullmatch(r"[0-9A-Fa-f]{4}", checksum):
        return False
    before, _colon, last = text.rpartition(":")
    return last[1:] == checksum and crc16(before.encode("ascii")) == int(checksum, 16)


def crc16(octets: bytes) -> int:
    """CRC-16 with the reversed polynomial 0x8005 and all ones at first (as Modbus has it)."""
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet
        for _bit in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _draft(text: str, pattern: re.Pattern[str], split: Callable[[str], list[str]]) -> DeviceCode:
    match = pattern.fullmatch(text)
    if match is None:
        raise InvalidDeviceCode("the code must have JoinEUI, DevEUI and ProfileID behind its prefix")
    join_eui, dev_eui, profile, rest = match.groups()
    found = {
        _DRAFT_PARTS[part[0].upper()]: part[1:]
        for part in split(rest or "")
        if len(part) > 1 and part[0].upper() in _DRAFT_PARTS
    }
    return _code(join_eui, dev_eui, profile, found, None)


def _percent_parts(text: str) -> list[str]:
    return text.replace("%25", "%").split("%")


def _underscore_parts(text: str) -> list[str]:
    return text.split("_")


def _plain(text: str) -> DeviceCode:
    """Some makers print the DevEUI alone, or DevEUI and JoinEUI."""
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise InvalidDeviceCode(
            "this is no code of a device: it should begin with LW:D0: (LoRa Alliance TR005), or be a DevEUI"
        )
    dev_eui, join_eui = match.groups()
    return _code(join_eui, dev_eui, None, {}, None)


def _code(
    join_eui: str | None, dev_eui: str, profile: str | None, parts: dict[str, str], matches: bool | None
) -> DeviceCode:
    if profile is not None and not re.fullmatch(r"[0-9A-Fa-f]{8}", profile):
        raise InvalidDeviceCode("the ProfileID of the code must be 8 hexadecimal digits")
    number = 0 if profile is None else int(profile, 16)
    return DeviceCode(
        _eui(DevEui, dev_eui, "DevEUI"),
        None if join_eui is None else _eui(JoinEui, join_eui, "JoinEUI"),
        number >> 16,
        number & 0xFFFF,
        checksum_matches=matches,
        **parts,
    )


def _eui(kind: type[E], text: str, name: str) -> E:
    try:
        return kind.parse(text)
    except InvalidIdentifier:
        raise InvalidDeviceCode("the {name} of the code must be 16 hexadecimal digits", name=name) from None
