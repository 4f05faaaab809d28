"""Forged frames cost little, and real devices are not held up by them."""

from __future__ import annotations

from tests.unit.network.builders import ADDR, copy, data_event, device, session, uplink_frame
from veldnet.lorawan import BaseStationId
from veldnet.network.core.state import DeviceState, JoinMemory, Session
from veldnet.network.shell.admission.flood_guard import VAULT_WEIGHT, FloodGuard
from veldnet.network.shell.entries import Entry
from veldnet.network.shell.shared_addresses import likeliest_first

HERE, THERE = BaseStationId(1), BaseStationId(2)
LIMIT = 64


def test_a_base_station_that_brings_nothing_but_refused_frames_is_watched_for_a_while() -> None:
    guard = FloodGuard()
    for number in range(LIMIT + 10):
        assert not guard.floods(HERE, 100.0 + number / 1000) or number >= LIMIT
        guard.refused(HERE, 100.0 + number / 1000)
    assert guard.floods(HERE, 100.2) and not guard.floods(THERE, 100.2)
    assert not guard.floods(HERE, 103.0), "it has recovered"


def test_throttling_is_reported_once_a_minute() -> None:
    guard = FloodGuard()
    said = [second for second in range(180) for _ in range(200) if guard.refused(HERE, 100.0 + second)]
    assert said == [0, 60, 120]
    assert not guard.admitted(THERE, 100.0)


def test_a_few_refused_frames_every_second_are_normal() -> None:
    guard = FloodGuard()
    for second in range(100):
        for number in range(20):
            guard.refused(HERE, second + number / 20)
        assert not guard.floods(HERE, second + 1.0)


def test_a_flood_through_many_base_stations_is_one_too() -> None:
    guard = FloodGuard()
    for number in range(2000):
        guard.refused(BaseStationId(number % 100), 100.0 + number / 1000)
    assert guard.floods(BaseStationId(5), 102.0)
    assert not guard.floods(BaseStationId(500), 102.0), "those that bring none are not watched"


def test_frames_of_unknown_devices_count_from_admission_until_they_prove_genuine() -> None:
    guard = FloodGuard()
    for _ in range(LIMIT):
        guard.admitted(HERE, 100.0)
    assert guard.floods(HERE, 100.0), "a burst does not wait for the judgement of its first frames"
    for _ in range(5):
        guard.genuine(HERE, 100.0)
    assert not guard.floods(HERE, 100.0)
    guard.refused(HERE, 100.0, admitted=True)
    assert not guard.floods(HERE, 100.0), "what was let in and refused counts once"
    guard.refused(HERE, 100.0, VAULT_WEIGHT, admitted=True)
    assert guard.floods(HERE, 100.0), "what the vault had to judge counts more"
    guard.genuine(THERE, 100.0)
    assert not guard.floods(THERE, 100.0)


def entry(number: int, **values: object) -> Entry:
    base: Session = session(**values)
    return Entry(device(ref=number), DeviceState(session=base), JoinMemory(), 0.0)


def test_the_device_whose_counter_and_place_fit_best_is_tried_first() -> None:
    phy = uplink_frame(500)
    event = data_event(phy, base_station=HERE)
    entries = [
        entry(0, fcnt_up=499, last_base_station=THERE),
        entry(1, fcnt_up=700, last_base_station=HERE),
        entry(2, fcnt_up=499, last_base_station=HERE),
        entry(3, fcnt_up=400, last_base_station=HERE),
        entry(4, fcnt_up=None),
    ]
    order = likeliest_first(entries, event.frame, event.received)
    assert [e.device.row.ref for e in order] == [2, 3, 4, 1, 0]
    assert likeliest_first(entries[:1], event.frame, event.received) == entries[:1]
    assert copy(phy).phy_payload[1:5] == ADDR.to_wire()
