"""Messages as ThingPark's tunnel interface posts them, JSON or XML, and the payloads in them."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import msgspec

from veldnet.lorawan import AesKey, DevAddr, InvalidIdentifier
from veldnet.lorawan.crypto import DOWNLINK, UPLINK, crypt_payload

from .keys import AsKey, ClientError


class Downlink(msgspec.Struct, frozen=True):
    """A payload for a device, encrypted, and the counter that it was encrypted with."""

    payload_hex: str
    fcnt: int


class Message:
    """A message: its kind, such as `DevEUI_uplink`, and its members by name."""

    def __init__(self, kind: str, fields: dict[str, Any]) -> None:
        self.kind = kind
        self.fields = fields

    @property
    def dev_eui(self) -> str:
        return self.text("DevEUI")

    @property
    def is_uplink(self) -> bool:
        """Whether it is a data uplink; join-requests come as `DevEUI_uplink` too."""
        return self.kind == "DevEUI_uplink" and "FCntUp" in self.fields

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None or value == "":
            raise ClientError(f"the {self.kind} has no {name}")
        return str(value)

    def number(self, name: str) -> int:
        text = self.text(name)
        if not (text.isascii() and text.isdigit()):
            raise ClientError(f"{name} of the {self.kind} is no number")
        return int(text)

    @property
    def dev_addr(self) -> DevAddr:
        try:
            return DevAddr.parse(self.text("DevAddr"))
        except InvalidIdentifier as error:
            raise ClientError(f"DevAddr: {error}") from None

    def app_s_key(self, as_key: AsKey) -> AesKey:
        """The AppSKey of the device's session."""
        if self.kind == "DevEUI_notification":
            return as_key.unwrap(self.text("Var1"))
        return as_key.unwrap(self.text("AppSKey"))

    def payload(self, as_key: AsKey | None = None) -> bytes:
        """The payload of an uplink in clear; `as_key` opens it where it is encrypted."""
        try:
            octets = bytes.fromhex(str(self.fields.get("payload_hex") or ""))
        except ValueError:
            raise ClientError("payload_hex is not hexadecimal") from None
        if str(self.fields.get("PayloadEncryption") or "0") == "0":
            return octets
        if as_key is None:
            raise ClientError("the payload is encrypted: the AS key of its routing profile is needed")
        key = self.app_s_key(as_key)
        return crypt_payload(key, UPLINK, self.dev_addr, self.number("FCntUp"), octets)

    def downlink(self, as_key: AsKey, payload: bytes, *, ahead: int = 0) -> Downlink:
        """A payload encrypted for the device's session. The uplink names the next counter; `ahead` says how
        many downlinks were submitted since."""
        if not payload:
            raise ClientError("a downlink has a payload of at least one octet")
        fcnt = self.number("FCntDn") + ahead
        key = self.app_s_key(as_key)
        return Downlink(crypt_payload(key, DOWNLINK, self.dev_addr, fcnt, payload).hex(), fcnt)


def read_message(body: bytes) -> Message:
    """Read a message as it was posted. Raises `ClientError`."""
    if body.lstrip()[:1] == b"<":
        return _from_xml(body)
    try:
        decoded = json.loads(body)
    except ValueError:
        raise ClientError("the message is neither JSON nor XML") from None
    if not isinstance(decoded, dict) or len(decoded) != 1:
        raise ClientError("a message is an object with one member, such as DevEUI_uplink")
    ((kind, fields),) = decoded.items()
    if not isinstance(fields, dict):
        raise ClientError(f"{kind} is not an object")
    return Message(kind, fields)


def _from_xml(body: bytes) -> Message:
    # Messages declare nothing; without declarations XML can neither expand nor fetch anything.
    if b"<!" in body:
        raise ClientError("a message has no declarations")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - see above
    except ElementTree.ParseError as error:
        raise ClientError(f"the message is not well-formed XML: {error}") from None
    return Message(
        _local(root.tag), {_local(child.tag): child.text or "" for child in root if not len(child)}
    )


def _local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
