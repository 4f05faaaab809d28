"""Cayenne Low Power Payload: channel, type and value, one behind the other (myDevices' published format)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class CayenneError(ValueError):
    """The payload is no Cayenne LPP."""


def _whole(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _scaled(scale: float, digits: int, *, signed: bool = False) -> Callable[[bytes], float]:
    return lambda octets: round(int.from_bytes(octets, "big", signed=signed) * scale, digits)


def _axes(scale: float, digits: int) -> Callable[[bytes], dict[str, float]]:
    one = _scaled(scale, digits, signed=True)
    return lambda octets: {axis: one(octets[2 * at : 2 * at + 2]) for at, axis in enumerate("xyz")}


def _place(octets: bytes) -> dict[str, float]:
    degrees, metres = _scaled(0.0001, 4, signed=True), _scaled(0.01, 2, signed=True)
    return {
        "latitude": degrees(octets[0:3]),
        "longitude": degrees(octets[3:6]),
        "altitude": metres(octets[6:9]),
    }


def _colour(octets: bytes) -> dict[str, int]:
    return dict(zip(("r", "g", "b"), octets, strict=True))


# Type: name, octets, reader.
TYPES: dict[int, tuple[str, int, Callable[[bytes], Any]]] = {
    0: ("digital_input", 1, _whole),
    1: ("digital_output", 1, _whole),
    2: ("analog_input", 2, _scaled(0.01, 2, signed=True)),
    3: ("analog_output", 2, _scaled(0.01, 2, signed=True)),
    100: ("generic", 4, _whole),
    101: ("luminosity", 2, _whole),
    102: ("presence", 1, _whole),
    103: ("temperature", 2, _scaled(0.1, 1, signed=True)),
    104: ("relative_humidity", 1, _scaled(0.5, 1)),
    113: ("accelerometer", 6, _axes(0.001, 3)),
    115: ("barometric_pressure", 2, _scaled(0.1, 1)),
    116: ("voltage", 2, _scaled(0.01, 2)),
    117: ("current", 2, _scaled(0.001, 3)),
    118: ("frequency", 4, _whole),
    120: ("percentage", 1, _whole),
    121: ("altitude", 2, _scaled(1, 0, signed=True)),
    125: ("concentration", 2, _whole),
    128: ("power", 2, _whole),
    130: ("distance", 4, _scaled(0.001, 3)),
    131: ("energy", 4, _scaled(0.001, 3)),
    132: ("direction", 2, _whole),
    133: ("unix_time", 4, _whole),
    134: ("gyrometer", 6, _axes(0.01, 2)),
    135: ("colour", 3, _colour),
    136: ("gps", 9, _place),
    142: ("switch", 1, _whole),
}


def decode_cayenne(payload: bytes) -> dict[str, Any]:
    """Values by `type_channel`. Raises `CayenneError` with the place where reading stopped."""
    values: dict[str, Any] = {}
    position = 0
    while position < len(payload):
        if position + 2 > len(payload):
            raise CayenneError(f"octet {position}: a channel without a type")
        channel, kind = payload[position], payload[position + 1]
        known = TYPES.get(kind)
        if known is None:
            raise CayenneError(f"octet {position + 1}: type {kind} is unknown")
        name, size, read = known
        octets = payload[position + 2 : position + 2 + size]
        if len(octets) < size:
            raise CayenneError(f"octet {position + 2}: {name} needs {size} octets, {len(octets)} are left")
        values[f"{name}_{channel}"] = read(octets)
        position += 2 + size
    return values
