"""Units of readings. A decoder's owner can set them; else they follow from names that everybody uses.

TS013 has no place for units, so a name that says nothing has none: better no unit than a wrong one.
"""

from __future__ import annotations

import re

# Words of a name, and the unit that they mean. The last word that is known counts.
_WORDS = {
    "temperature": "°C", "temp": "°C", "dewpoint": "°C",
    "humidity": "%", "rh": "%", "percentage": "%", "percent": "%", "moisture": "%",
    "co2": "ppm", "tvoc": "ppb", "concentration": "ppm",
    "pressure": "hPa", "barometer": "hPa",
    "voltage": "V", "volt": "V", "volts": "V", "vdd": "V", "vbat": "V",
    "current": "A", "power": "W", "energy": "kWh", "frequency": "Hz",
    "luminosity": "lx", "illuminance": "lx", "light": "lx", "lux": "lx",
    "distance": "m", "altitude": "m", "depth": "m", "level": "",
    "accelerometer": "g", "acceleration": "g", "gyrometer": "°/s",
    "direction": "°", "angle": "°", "latitude": "°", "longitude": "°",
    "speed": "m/s", "noise": "dB", "rssi": "dBm", "snr": "dB",
}  # fmt: skip
# What stands at the end of a name as a unit itself.
_SUFFIXES = {
    "c": "°C", "degc": "°C", "celsius": "°C", "f": "°F", "fahrenheit": "°F", "pct": "%",
    "v": "V", "mv": "mV", "a": "A", "ma": "mA", "w": "W", "kw": "kW", "wh": "Wh", "kwh": "kWh",
    "m": "m", "cm": "cm", "mm": "mm", "km": "km", "kg": "kg", "l": "l", "m3": "m³", "lx": "lx",
    "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "mbar": "mbar", "bar": "bar", "ppm": "ppm", "ppb": "ppb",
    "db": "dB", "dbm": "dBm", "hz": "Hz", "s": "s", "ms": "ms", "min": "min", "h": "h", "deg": "°",
}  # fmt: skip
_PARTS = re.compile(r"[^A-Za-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MOST_NAME = 200


def infer_unit(name: str) -> str | None:
    """The unit that the name of a reading means, None where it means none."""
    # Numbers name channels, as in temperature_1.
    parts = [part for part in _PARTS.split(name[:_MOST_NAME]) if part and not part.isdigit()]
    words = [word.lower() for part in parts for word in _CAMEL.split(part)]
    if len(words) > 1:
        for ending in (parts[-1].lower(), words[-1]):
            if ending in _SUFFIXES:
                return _SUFFIXES[ending]
    for word in reversed(words):
        if word in _WORDS:
            return _WORDS[word] or None
    return None
