"""Payloads of the virtual sensors, and how they travel."""

from __future__ import annotations

import random

import pytest

from veldnet.lorawan.modulation import Lora
from veldnet.simulator.energy import transmit_energy
from veldnet.simulator.propagation import Place, Propagation
from veldnet.simulator.sensors import MODELS, Climate, WaterMeter, decode


@pytest.mark.parametrize("model", MODELS)
def test_what_a_sensor_encodes_is_read_again(model: type[Climate]) -> None:
    sensor = model(random.Random(1))
    for hour in range(48):
        name, reading = decode(sensor.fport, sensor.encode(hour * 3600.0))
        assert name == model.model and reading


def test_a_meter_never_counts_backwards() -> None:
    meter = WaterMeter(random.Random(2))
    totals = [float(decode(10, meter.encode(0.0))[1]["total m³"]) for _ in range(50)]
    assert totals == sorted(totals)


@pytest.mark.parametrize(("port", "words"), [(99, "port 99"), (2, "1 bytes are no payload")])
def test_payloads_of_nobody(port: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(port, b"x")


def test_shadowing_belongs_to_a_pair_of_places_in_both_directions() -> None:
    air = Propagation(random.Random(3))
    here, there = Place(0, 0), Place(1.5, -2)
    assert air.path_loss(here, there) == air.path_loss(there, here) == air.path_loss(here, there)


def test_what_is_far_away_is_weaker_until_it_is_not_heard() -> None:
    air = Propagation(random.Random(4), shadowing=0.0, fading=0.0)
    heard = [air.receive(Place(0, 0), Place(km, 0), 14.0, Lora(12, 125)) for km in (0.1, 1, 5, 200)]
    levels = [signal.rssi for signal in heard if signal is not None]
    assert len(levels) == 3 and levels == sorted(levels, reverse=True) and heard[3] is None
    assert air.receive(Place(0, 0), Place(5, 0), 14.0, Lora(7, 125)) is None, "SF7 does not reach as far"


def test_more_power_and_more_airtime_cost_more() -> None:
    assert transmit_energy(2, 0.05) == transmit_energy(7, 0.05) < transmit_energy(14, 0.05)
    assert transmit_energy(20, 0.05) == transmit_energy(27, 0.05) > transmit_energy(17, 0.05)
    assert transmit_energy(14, 1.0) > transmit_energy(14, 0.05)
