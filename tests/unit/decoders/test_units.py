"""Units that follow from the names of readings."""

from __future__ import annotations

import pytest

from veldnet.decoders import infer_unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("temperature", "°C"),
        ("temperature_1", "°C"),
        ("outsideTemperature", "°C"),
        ("sensor.air.humidity", "%"),
        ("relative_humidity_12", "%"),
        ("batteryVoltage", "V"),
        ("battery_mV", "mV"),
        ("temp_f", "°F"),
        ("barometric_pressure_3", "hPa"),
        ("pressure_kPa", "kPa"),
        ("CO2", "ppm"),
        ("waterLevel", None),
        ("water_level_cm", "cm"),
        ("counter", None),
        ("m", None),
        ("", None),
        ("1", None),
        ("=cmd|'/C calc'!A0", None),
        ("temperature" * 1000, None),
    ],
)
def test_a_name_means_a_unit_or_none(name: str, unit: str | None) -> None:
    assert infer_unit(name) == unit
