"""Sensors with real-looking readings and payloads, and how to read them."""

from __future__ import annotations

import math
import random
import struct
from typing import Protocol

Reading = dict[str, float | int | str | bool]

_DAY = 86_400.0


class Sensor(Protocol):
    """What a device measures. `now` in Unix seconds."""

    model: str
    fport: int

    def encode(self, now: float) -> bytes: ...

    @staticmethod
    def decode(payload: bytes) -> Reading: ...


class Climate:
    """Temperature, humidity and battery voltage."""

    model = "climate"
    fport = 2
    _FORM = struct.Struct(">hBH")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._base = rng.uniform(16, 22)
        self._battery = rng.uniform(3.3, 3.6)

    def encode(self, now: float) -> bytes:
        swing = 4 * math.sin(2 * math.pi * (now % _DAY) / _DAY - 2)
        temperature = self._base + swing + self._rng.gauss(0, 0.2)
        humidity = 55 - 2 * swing + self._rng.gauss(0, 1)
        return self._FORM.pack(
            round(temperature * 100), round(min(max(humidity, 0), 100) * 2), round(self._battery * 1000)
        )

    @staticmethod
    def decode(payload: bytes) -> Reading:
        temperature, humidity, battery = Climate._FORM.unpack(payload)
        return {
            "temperature °C": temperature / 100,
            "humidity %": humidity / 2,
            "battery V": battery / 1000,
        }


class WaterMeter:
    """A meter that counts litres, and knows of leaks."""

    model = "water meter"
    fport = 10
    _FORM = struct.Struct(">IHB")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._litres = rng.randrange(10_000, 900_000)
        self._leak = rng.random() < 0.1

    def encode(self, now: float) -> bytes:
        used = self._rng.randrange(0, 12) + (3 if self._leak else 0)
        self._litres += used
        return self._FORM.pack(self._litres, used, self._leak)

    @staticmethod
    def decode(payload: bytes) -> Reading:
        litres, used, leak = WaterMeter._FORM.unpack(payload)
        return {"total m³": litres / 1000, "used l": used, "leak": bool(leak)}


class Tracker:
    """A thing that moves about."""

    model = "tracker"
    fport = 5
    _FORM = struct.Struct(">iiB")

    def __init__(self, rng: random.Random, latitude: float = 52.09, longitude: float = 5.12) -> None:
        self._rng = rng
        self._latitude, self._longitude = latitude, longitude

    def encode(self, now: float) -> bytes:
        self._latitude += self._rng.gauss(0, 0.0004)
        self._longitude += self._rng.gauss(0, 0.0006)
        speed = abs(self._rng.gauss(0, 12))
        return self._FORM.pack(
            round(self._latitude * 1e6), round(self._longitude * 1e6), min(round(speed), 255)
        )

    @staticmethod
    def decode(payload: bytes) -> Reading:
        latitude, longitude, speed = Tracker._FORM.unpack(payload)
        return {"latitude": latitude / 1e6, "longitude": longitude / 1e6, "speed km/h": speed}


class ParkingSpot:
    """Whether a car stands on it, and for how long."""

    model = "parking spot"
    fport = 7
    _FORM = struct.Struct(">BH")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._occupied = rng.random() < 0.5
        self._minutes = rng.randrange(0, 200)

    def encode(self, now: float) -> bytes:
        if self._rng.random() < 0.3:
            self._occupied, self._minutes = not self._occupied, 0
        self._minutes = min(self._minutes + self._rng.randrange(1, 10), 65_535)
        return self._FORM.pack(self._occupied, self._minutes)

    @staticmethod
    def decode(payload: bytes) -> Reading:
        occupied, minutes = ParkingSpot._FORM.unpack(payload)
        return {"occupied": bool(occupied), "since min": minutes}


MODELS: tuple[type[Climate] | type[WaterMeter] | type[Tracker] | type[ParkingSpot], ...] = (
    Climate,
    WaterMeter,
    Tracker,
    ParkingSpot,
)
_BY_PORT = {model.fport: model for model in MODELS}


def decode(fport: int, payload: bytes) -> tuple[str, Reading]:
    """Model and reading of a payload on a port. Raises `ValueError` for none of ours."""
    model = _BY_PORT.get(fport)
    if model is None:
        raise ValueError(f"no sensor sends on port {fport}")
    try:
        return model.model, model.decode(payload)
    except struct.error:
        raise ValueError(f"{len(payload)} bytes are no payload of a {model.model}") from None
