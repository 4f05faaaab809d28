"""Cayenne Low Power Payload: channel, type and value, one behind the other (myDevices' published format)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from veldnet.texts import Text


class CayenneError(ValueError):
    """Nothing of the payload can be read as Cayenne LPP."""


class Reading(NamedTuple):
    """Values by `type_channel`, and where and why reading stopped before the end."""

    values: dict[str, Any]
    warning: Text | None = None


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


# A digital input of channel 0 that is off, which cannot be told from padding of the same length.
_OFF = bytes(3)


def decode_cayenne(payload: bytes) -> Reading:
    """The values up to the end or to the first octet that cannot be read. Raises `CayenneError` where
    there is none."""
    values: dict[str, Any] = {}
    position = 0
    while position < len(payload):
        problem = _problem(payload, position)
        if problem is not None:
            if not values:
                raise CayenneError(problem)
            return Reading(values, Text("{problem}; what follows was not read", problem=problem))
        name, size, read = TYPES[payload[position + 1]]
        values[f"{name}_{payload[position]}"] = read(payload[position + 2 : position + 2 + size])
        position += 2 + size
    return Reading(values)


def _problem(payload: bytes, position: int) -> Text | None:
    """Why no value can be read at a position."""
    rest = payload[position:]
    if position and rest != _OFF and not any(rest):
        return Text(
            "octet {position}: {count} octets of zeros are padding", position=position, count=len(rest)
        )
    if len(rest) < 2:
        return Text("octet {position}: a channel without a type", position=position)
    known = TYPES.get(rest[1])
    if known is None:
        return Text("octet {position}: type {type} is unknown", position=position + 1, type=rest[1])
    name, size, _read = known
    if len(rest) < 2 + size:
        return Text(
            "octet {position}: {name} needs {size} octets, {left} are left",
            position=position + 2,
            name=name,
            size=size,
            left=len(rest) - 2,
        )
    return None
