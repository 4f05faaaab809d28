"""Devices that rest take little memory, and come back as they were."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from msgspec.structs import replace

from tests.unit.network.builders import device, session
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.state import MonitoringState, state_of
from veldnet.network.core.state import Bucket, DeviceState, decode_join_memory
from veldnet.network.shell.entries import REST_AFTER, Entry, Resting


def _state() -> DeviceState:
    """Of a device that has sent for a while."""
    heard = replace(
        session(),
        fcnt_up=1000,
        n_fcnt_down=70,
        last_mic=b"\x01\x02\x03\x04",
        adr_history=bytes(100),
        last_uplink_at=1.7e9,
        last_base_station=BaseStationId(0xFF000065),
        heard_by=bytes(18),
        gaps=bytes(10),
        smoothed_per=0.01,
    )
    return DeviceState(session=heard, uplink_bucket=Bucket(10.0, 1.7e9), downlink_bucket=Bucket(9.0, 1.7e9))


def _monitoring() -> MonitoringState:
    return MonitoringState(
        1_700_000_000_000,
        1_700_000_900_000,
        recent=bytes(20),
        uplinks=[8] * 12,
        uplink_slot=236_000,
        intervals=bytes(16),
        stations=(0xFF000065,),
        silent_since=1_700_000_900_000,
    )


def _entry(ref: int, used_at: float = 0.0) -> Entry:
    row = msgspec.structs.replace(device().row, ref=ref, dev_eui=f"{ref:016X}", name=f"Meter {ref}")
    return Entry(replace(device(), row=row), _state(), decode_join_memory(None), used_at, _monitoring())


def _table(*entries: Entry) -> Resting:
    resting = Resting()
    for entry in entries:
        entry.device = replace(entry.device, row=resting.compact(entry.device.row))
        resting.watch(entry)
    return resting


def test_a_device_rests_once_it_was_not_used_for_a_while_and_comes_back_as_it_was() -> None:
    first, second = _entry(1), _entry(2)
    resting = _table(first, second)
    resting.used(second, REST_AFTER / 2)
    second.used_at = REST_AFTER / 2
    assert not first.rests
    second.used_at = REST_AFTER
    resting.used(second, REST_AFTER)
    assert first.rests and not second.rests and len(resting) == 1
    stored = first.stored_monitoring
    assert isinstance(first.monitoring, bytes) and first.monitoring == stored
    assert first.state == _state() and state_of(first) == _monitoring()
    assert first.state is first.state, "decoded once"
    assert not first.rests and len(resting) == 2, "whoever looks at it wakes it"


def test_what_is_still_to_be_written_stays_as_it_is() -> None:
    written, awaited, used = _entry(1), _entry(2), _entry(3)
    written.unwritten, awaited.pending = 1, 1
    resting = _table(written, awaited, used)
    for now in range(1, 10):
        used.used_at = now * REST_AFTER
        resting.used(used, used.used_at)
    assert not written.rests and not awaited.rests
    written.unwritten = 0
    used.used_at = 11 * REST_AFTER
    resting.used(used, used.used_at)
    assert written.rests and not awaited.rests


def test_a_device_that_is_dropped_is_not_kept() -> None:
    dropped = _entry(1)
    resting = _table(dropped)
    dropped.rest()
    dropped.removed = True
    resting.forget(dropped)
    assert dropped.state == _state() and len(resting) == 0


def _size(value: Any, shared: set[int]) -> int:
    """Octets of a value and of what it alone refers to."""
    if id(value) in shared or value is None or isinstance(value, bool | type):
        return 0
    shared.add(id(value))
    size = sys.getsizeof(value)
    if isinstance(value, msgspec.Struct):
        size += sum(_size(getattr(value, name), shared) for name in value.__struct_fields__)
    elif isinstance(value, tuple | list):
        size += sum(_size(each, shared) for each in value)
    return size


def _size_of(entry: Entry, shared: set[int]) -> int:
    slots = (getattr(entry, name) for name in Entry.__slots__ if name != "_awake")
    return sys.getsizeof(entry) + sum(_size(value, shared) for value in slots)


def test_a_device_that_rests_takes_little_memory() -> None:
    """Counted, not measured: a field more here is one for each of a million devices."""
    first, counted = _entry(1), _entry(1001)
    _table(first, counted)
    shared: set[int] = {id(counted.device.profile), id(counted.device.plan)}
    _size_of(first, shared)
    awake = _size_of(counted, set(shared))
    counted.rest()
    resting = _size_of(counted, set(shared))
    assert resting <= 1100, f"{resting} octets, {awake} awake"
    assert awake - resting >= 1000
