"""Messages of ChirpStack's MQTT protocol as a base station writes and reads them, in both encodings.

Written from the numbers of the protocol and apart from what the server uses, so that a mistake in one of the
two shows.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

# A message: its members by their names in JSON, each with its number and type. A type in a list is repeated,
# a tuple of names an enumeration, a mapping a message.
Schema = Mapping[str, tuple[int, Any]]

_CODE_RATES = ("CR_UNDEFINED", "CR_4_5", "CR_4_6", "CR_4_7", "CR_4_8")
_STATUSES = (
    "IGNORED", "OK", "TOO_LATE", "TOO_EARLY", "COLLISION_PACKET", "COLLISION_BEACON", "TX_FREQ", "TX_POWER",
    "GPS_UNLOCKED", "QUEUE_FULL", "INTERNAL_ERROR", "DUTY_CYCLE_OVERFLOW",
)  # fmt: skip
MODULATION: Schema = {
    "lora": (
        3,
        {
            "bandwidth": (1, "uint"),
            "spreadingFactor": (2, "uint"),
            "polarizationInversion": (4, "bool"),
            "codeRate": (5, _CODE_RATES),
        },
    ),
    "fsk": (4, {"frequencyDeviation": (1, "uint"), "datarate": (2, "uint")}),
}
UPLINK: Schema = {
    "phyPayload": (1, "bytes"),
    "txInfo": (4, {"frequency": (1, "uint"), "modulation": (2, MODULATION)}),
    "rxInfo": (
        5,
        {
            "gatewayId": (1, "string"),
            "uplinkId": (2, "uint"),
            "gwTime": (3, "span"),
            "timeSinceGpsEpoch": (4, "span"),
            "fineTimeSinceGpsEpoch": (5, "span"),
            "rssi": (6, "int"),
            "snr": (7, "float"),
            "context": (13, "bytes"),
            "crcStatus": (16, ("NO_CRC", "BAD_CRC", "CRC_OK")),
        },
    ),
}
STATS: Schema = {
    "rxPacketsReceived": (5, "uint"),
    "rxPacketsReceivedOk": (6, "uint"),
    "txPacketsReceived": (7, "uint"),
    "txPacketsEmitted": (8, "uint"),
    "gatewayId": (17, "string"),
}
CONN: Schema = {"state": (2, ("OFFLINE", "ONLINE")), "gatewayId": (3, "string")}
ACK: Schema = {
    "downlinkId": (2, "uint"),
    "items": (5, [{"status": (1, _STATUSES)}]),
    "gatewayId": (6, "string"),
}
DOWNLINK: Schema = {
    "downlinkId": (3, "uint"),
    "items": (
        5,
        [
            {
                "phyPayload": (1, "bytes"),
                "txInfo": (
                    3,
                    {
                        "frequency": (1, "uint"),
                        "power": (2, "int"),
                        "modulation": (3, MODULATION),
                        "timing": (
                            6,
                            {
                                "immediately": (1, {}),
                                "delay": (2, {"delay": (1, "span")}),
                                "gpsEpoch": (3, {"timeSinceGpsEpoch": (1, "span")}),
                            },
                        ),
                        "context": (7, "bytes"),
                    },
                ),
            }
        ],
    ),
    "gatewayId": (7, "string"),
}
_MASK = (1 << 64) - 1
_NANOS = 1_000_000_000


def encode(schema: Schema, message: Mapping[str, Any], *, as_json: bool) -> bytes:
    """Octets are `bytes`, times nanoseconds, enumerations their names."""
    return json.dumps(_plain(schema, message)).encode() if as_json else _wire(schema, message)


def decode(schema: Schema, payload: bytes, *, as_json: bool) -> dict[str, Any]:
    """The same way back."""
    return _rich(schema, json.loads(payload)) if as_json else _read(schema, payload)


# Protocol buffers.


def _varint(value: int) -> bytes:
    value &= _MASK
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _wire(schema: Schema, message: Mapping[str, Any]) -> bytes:
    octets = b""
    for name, (number, kind) in schema.items():
        if name not in message:
            continue
        values = message[name] if isinstance(kind, list) else [message[name]]
        for value in values:
            octets += _field(number, kind[0] if isinstance(kind, list) else kind, value)
    return octets


def _field(number: int, kind: Any, value: Any) -> bytes:
    octets: bytes = value if kind == "bytes" else b""
    if kind in ("uint", "int", "bool"):
        return _varint(number << 3) + _varint(int(value))
    if kind == "float":
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(kind, tuple):
        return _varint(number << 3) + _varint(kind.index(value))
    if kind == "span":
        seconds, nanos = divmod(value, _NANOS)
        octets = b"\x08" + _varint(seconds) + b"\x10" + _varint(nanos)
    elif kind == "string":
        octets = value.encode()
    elif kind != "bytes":
        octets = _wire(kind, value)
    return _varint(number << 3 | 2) + _varint(len(octets)) + octets


def _fields(octets: bytes) -> Iterator[tuple[int, Any]]:
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            octet = octets[at]
            at += 1
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return value

    while at < len(octets):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = varint() if key & 7 == 2 else {1: 8, 5: 4}[key & 7]
        yield key >> 3, octets[at : at + size]
        at += size


def _read(schema: Schema, octets: bytes) -> dict[str, Any]:
    names = {number: (name, kind) for name, (number, kind) in schema.items()}
    message: dict[str, Any] = {}
    for number, value in _fields(octets):
        if number not in names:
            continue
        name, kind = names[number]
        if isinstance(kind, list):
            message.setdefault(name, []).append(_value(kind[0], value))
        else:
            message[name] = _value(kind, value)
    return message


def _value(kind: Any, value: Any) -> Any:
    if kind == "int":
        return value - (1 << 64) if value >> 63 else value
    if kind == "span":
        parts = dict(_fields(value))
        return parts.get(1, 0) * _NANOS + parts.get(2, 0)
    if kind == "string":
        return value.decode()
    if isinstance(kind, tuple):
        return kind[value]
    return _read(kind, value) if isinstance(kind, Mapping) else value


# JSON.


def _plain(schema: Schema, message: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in message.items():
        kind = schema[name][1]
        if isinstance(kind, list):
            found[name] = [_plain(kind[0], each) for each in value]
        elif isinstance(kind, Mapping):
            found[name] = _plain(kind, value)
        elif kind == "bytes":
            found[name] = base64.b64encode(value).decode()
        else:
            found[name] = f"{value / _NANOS:.9f}s" if kind == "span" else value
    return found


def _rich(schema: Schema, message: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in message.items():
        kind = schema[name][1] if name in schema else None
        if isinstance(kind, list):
            found[name] = [_rich(kind[0], each) for each in value]
        elif isinstance(kind, Mapping):
            found[name] = _rich(kind, value)
        elif kind == "bytes":
            found[name] = base64.b64decode(value)
        else:
            found[name] = round(float(value.rstrip("s")) * _NANOS) if kind == "span" else value
    return found
