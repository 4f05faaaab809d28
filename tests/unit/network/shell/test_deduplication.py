"""Copies become one frame; late ones are folded in; repetitions are not."""

from __future__ import annotations

from msgspec.structs import replace

from tests.unit.network.builders import copy, uplink_frame
from veldnet.lorawan import BaseStationId, frames
from veldnet.network.shell.admission.deduplication import MAX_COPIES, Deduplicator

PHY = uplink_frame(0)


def test_a_window_collects_and_orders_copies() -> None:
    dedup = Deduplicator(0.2, 2.0)
    frame = frames.parse(PHY)
    assert isinstance(frame, frames.DataFrame)
    window = dedup.open(frame, copy(PHY, snr=1.0), 10.0)
    for station, snr, rssi in ((2, 5.0, -100.0), (3, 5.0, -90.0), (2, 4.0, -100.0)):
        found = dedup.find(PHY, 10.1)
        assert found is window
        found.copies.append(copy(PHY, snr=snr, base_station=BaseStationId(station), rssi=rssi))
    assert dedup.close_due(10.199) == [] and dedup.next_close == 10.2
    assert dedup.close_due(10.2) == [window]
    ordered = window.ordered()
    assert [int(c.base_station) for c in ordered[:2]] == [3, 2], "best SNR first, then RSSI"
    assert len(ordered) == 3, "one copy of each base station"
    late = replace(copy(PHY, snr=20.0), late=True)
    window.copies.append(late)
    assert window.ordered()[-1].base_station == late.base_station or not window.ordered()[0].late


def test_a_base_station_that_repeats_a_copy_takes_no_room_from_others() -> None:
    frame = frames.parse(PHY)
    assert isinstance(frame, frames.DataFrame)
    first = copy(PHY, snr=1.0)
    window = Deduplicator(0.2, 2.0).open(frame, first, 10.0)
    for _time in range(1000):
        window.add(copy(PHY, snr=2.0))
    for station in range(100, 104):
        window.add(copy(PHY, snr=0.0, base_station=BaseStationId(station)))
    assert sorted(int(one.base_station) for one in window.ordered())[:4] == [100, 101, 102, 103]
    assert len(window.ordered()) == 5 and window.ordered()[0].snr == 2.0 and window.copies[0] is first
    for station in range(200, 300):
        window.add(copy(PHY, base_station=BaseStationId(station)))
    assert len(window.copies) == MAX_COPIES


def test_late_copies_find_the_closed_window_until_a_repetition_is_possible() -> None:
    dedup = Deduplicator(0.2, 2.0)
    frame = frames.parse(PHY)
    assert isinstance(frame, frames.DataFrame)
    window = dedup.open(frame, copy(PHY), 10.0)
    dedup.close_due(10.2)
    assert dedup.find(PHY, 10.3) is window
    dedup.close_due(11.9)
    assert dedup.find(PHY, 11.9) is window
    # Also where nothing else has closed since, as on a quiet network.
    assert dedup.find(PHY, 12.0) is None
    again = dedup.open(frame, copy(PHY), 13.0)
    assert dedup.close_due(13.2) == [again]
    assert dedup.find(PHY, 13.3) is again and len(dedup) == 0
    dedup.close_due(15.0)
    assert dedup.find(PHY, 15.0) is None
