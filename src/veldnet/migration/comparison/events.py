"""Events for applications as other network servers publish them, by MQTT or to webhooks, and as this one."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

import msgspec

from veldnet.lorawan import DevEui, InvalidIdentifier

from .pairs import Heard, Joined

Rival = Literal["chirpstack", "tts"]

# What applications subscribe to for the uplinks of all devices.
TOPICS: dict[Rival, str] = {
    "chirpstack": "application/+/device/+/event/up",
    "tts": "v3/+/devices/+/up",
}
# And for joins, which come besides where those topics are not changed.
JOIN_TOPICS: dict[Rival, str] = {
    "chirpstack": "application/+/device/+/event/join",
    "tts": "v3/+/devices/+/join",
}
_MOST_FCNT = 0xFFFFFFFF


class BadEvent(Exception):
    """A message is no event; the text says why."""


def read_event(octets: bytes) -> Heard | Joined | None:
    """An uplink or a join of ChirpStack v4 or The Things Stack v3 in JSON; None for other events. Raises
    `BadEvent`."""
    try:
        document = msgspec.json.decode(octets)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadEvent(f"no JSON: {error}; does it publish protocol buffers?") from None
    if not isinstance(document, dict):
        raise BadEvent("no JSON object")
    if "end_device_ids" in document:
        return _things_stack(document)
    if "deviceInfo" in document:
        return _chirpstack(document)
    raise BadEvent("neither deviceInfo (ChirpStack v4) nor end_device_ids (The Things Stack v3) is in it")


def _chirpstack(document: dict[str, Any]) -> Heard | Joined | None:
    info = document["deviceInfo"]
    if not isinstance(info, dict):
        raise BadEvent("deviceInfo is no JSON object")
    name = str(info.get("deviceName") or "")[:100]
    # Of all events only uplinks and joins tell the address, and uplinks the counter of it.
    if document.get("devAddr") and not {"fCnt", "data"} & document.keys():
        return Joined(_eui(info.get("devEui")), name)
    # Other events have no payload, and frames without one are nothing to applications. 0 may be left out.
    if not document.get("data"):
        return None
    return Heard(
        dev_eui=_eui(info.get("devEui")),
        fcnt=_fcnt(document.get("fCnt", 0)),
        fport=_port(document.get("fPort")),
        payload=_payload(document.get("data")),
        value=document.get("object") or None,
        name=name,
    )


def _things_stack(document: dict[str, Any]) -> Heard | Joined | None:
    ids, message = document["end_device_ids"], document.get("uplink_message")
    if not isinstance(ids, dict):
        raise BadEvent("end_device_ids is no JSON object")
    name = str(ids.get("device_id") or "")[:100]
    if "join_accept" in document:
        return Joined(_eui(ids.get("dev_eui")), name)
    if not isinstance(message, dict) or not message.get("frm_payload"):
        return None
    return Heard(
        dev_eui=_eui(ids.get("dev_eui")),
        fcnt=_fcnt(message.get("f_cnt", 0)),
        fport=_port(message.get("f_port")),
        payload=_payload(message.get("frm_payload")),
        value=message.get("decoded_payload") or None,
        name=name,
    )


def read_own(line: dict[str, Any]) -> Heard | None:
    """A frame as Veldnet's live events have it; None for one that has nothing for applications."""
    if line.get("type") != "UPLINK_DATA" or line.get("fCntUp") is None:
        return None
    if line.get("encrypted") or not line.get("payload"):
        return None
    decoded = line.get("decoded")
    value = decoded.get("data", decoded) if isinstance(decoded, dict) else decoded
    if isinstance(decoded, dict) and decoded.get("errors"):
        value = None
    return Heard(
        dev_eui=_eui(line.get("deviceEUI")),
        fcnt=_fcnt(line["fCntUp"]),
        fport=_port(line.get("fPort")),
        payload=bytes.fromhex(str(line.get("payload") or "")),
        value=value or None,
        name=str(line.get("deviceName") or ""),
    )


def _eui(value: object) -> str:
    try:
        return str(DevEui.parse(str(value or "")))
    except InvalidIdentifier:
        raise BadEvent(f"DevEUI {str(value)[:40]!r} does not have 16 hexadecimal digits") from None


def _fcnt(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_FCNT:
        raise BadEvent(f"frame counter {str(value)[:40]!r} is no number of 32 bits")
    return value


def _port(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _payload(value: object) -> bytes:
    if value is None:
        return b""
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise BadEvent("its payload is no base64") from None
