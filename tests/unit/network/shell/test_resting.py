"""Devices that rest take little memory, are found as before, and come back as they were."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from tests.unit.network.builders import ADDR, row, runtime, session
from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.locations import LocationState
from veldnet.lorawan import BaseStationId, NetId
from veldnet.monitoring.state import MonitoringState, state_of
from veldnet.network.core.state import (
    Bucket,
    DeviceState,
    InFlight,
    JoinMemory,
    decode_state,
    encode_join_memory,
    encode_state,
)
from veldnet.network.shell.catalogue import Catalogue
from veldnet.network.shell.devices import DeviceTable
from veldnet.network.shell.entries import Entry
from veldnet.network.shell.options import ServerOptions
from veldnet.network.shell.resting import REST_AFTER
from veldnet.network.shell.session_addresses import SessionAddresses
from veldnet.store import Store


def _state(dev_addr: int = ADDR) -> DeviceState:
    """Of a device that has sent for a while."""
    heard = replace(
        session(dev_addr=type(ADDR)(dev_addr)),
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


MEMORY = JoinMemory(join_nonce=3, dev_nonces=bytes(20), last_dev_nonce=9)
MONITORING = MonitoringState(
    1_700_000_000_000,
    1_700_000_900_000,
    recent=bytes(20),
    uplinks=(8,) * 12,
    uplink_slot=236_000,
    intervals=bytes(16),
    stations=(0xFF000065,),
    silent_since=1_700_000_900_000,
)


class Devices:
    """A store that has devices, and counts how often it is asked."""

    def __init__(self, *rows: DeviceRow) -> None:
        self.rows = {each.ref: each for each in rows}
        self.asked = 0

    async def devices_by_ref(self, refs: Sequence[int]) -> list[DeviceRow]:
        self.asked += 1
        return [self.rows[ref] for ref in refs if ref in self.rows]

    async def devices_by_dev_eui(self, dev_euis: Sequence[str]) -> list[DeviceRow]:
        self.asked += 1
        return [each for each in self.rows.values() if each.dev_eui in dev_euis]

    async def devices_by_dev_addr(self, dev_addrs: Sequence[int]) -> list[DeviceRow]:
        self.asked += 1
        return [
            each
            for each in self.rows.values()
            if any(one.dev_addr in dev_addrs for one in decode_state(each.state).sessions)
        ]


def stored(ref: int, dev_addr: int = ADDR, **changes: object) -> DeviceRow:
    return row(
        ref=ref,
        dev_eui=f"{ref:016X}",
        name=f"Meter {ref}",
        state=encode_state(_state(dev_addr)),
        join_memory=encode_join_memory(MEMORY),
        monitoring=msgspec.msgpack.encode(MONITORING),
        **changes,
    )


class Scene:
    """A table over such a store, and its time."""

    def __init__(self, *rows: DeviceRow, capacity: int = 1000) -> None:
        self.store = Devices(*rows)
        self.now = 0.0
        self.in_flight: list[Entry] = []
        catalogue = Catalogue()
        catalogue.profiles[1] = ProfileSettings()
        catalogue.plans[1] = PlanSettings()
        self.catalogue = catalogue
        self.table = DeviceTable(
            runtime(lambda: self.now),
            cast("Store", self.store),
            catalogue,
            SessionAddresses(NetId(0)),
            ServerOptions(capacity=capacity),
            on_load=self.in_flight.append,
        )

    async def load(self, dev_addr: int = ADDR) -> list[Entry]:
        self.table.request_address(dev_addr)
        while self.table.loading:
            for task in self.table.loading:
                await task
        entries = self.table.on_address(dev_addr)
        assert entries is not None
        return entries

    def pass_time(self, *used: Entry, seconds: float = REST_AFTER) -> None:
        """So long nothing but these is used."""
        self.now += seconds
        for entry in used:
            self.table.used(entry, self.now)

    def rests(self, ref: int) -> bool:
        return ref in self.table._resting


async def test_a_device_rests_once_it_was_not_used_for_a_while_and_comes_back_as_it_was() -> None:
    place = LocationState(sides={7: 1})
    scene = Scene(stored(1, tags=("roof",), silence_steps=((3600, 3),), network_location=place), stored(2))
    first, second = await scene.load()
    as_it_was = first.device
    assert state_of(first) == MONITORING
    scene.pass_time(second, seconds=REST_AFTER / 2)
    assert not scene.rests(1)
    scene.pass_time(second, seconds=REST_AFTER / 2)
    assert scene.rests(1) and first.removed and not scene.rests(2) and len(scene.table) == 2
    asked = scene.store.asked
    found = scene.table.on_address(ADDR)
    assert found is not None and found[1] is second, "in the order in which they came"
    back = found[0]
    assert back is not first and not back.removed and not scene.rests(1)
    assert back.device == as_it_was and back.state == _state() and back.memory == MEMORY
    assert state_of(back) == MONITORING and scene.store.asked == asked
    assert scene.table.by_ref(1) is back and scene.table.by_dev_eui(f"{1:016X}") is back


async def test_a_search_for_garbage_has_little_to_look_at_in_devices_in_use() -> None:
    """While it goes on nothing is received. What is left, subtypes of built-in values, leads nowhere."""
    scene = Scene(*(stored(ref) for ref in range(1, 201)))
    gc.collect()
    before = {id(each) for each in gc.get_objects()}
    entries = await scene.load()
    assert all(state_of(entry) == MONITORING for entry in entries)
    gc.collect()
    left = [each for each in gc.get_objects() if id(each) not in before and each is not before]
    composed = [each for each in left if not isinstance(each, int | bytes)]
    assert len(entries) == 200 and len(composed) < len(entries) / 2 and len(left) < 5 * len(entries)


async def test_what_is_still_to_be_written_stays_as_it_is() -> None:
    scene = Scene(stored(1), stored(2), stored(3))
    written, awaited, used = await scene.load()
    written.unwritten, awaited.pending = 1, 1
    for _ in range(5):
        scene.pass_time(used)
    assert not scene.rests(1) and not scene.rests(2)
    written.unwritten = 0
    scene.pass_time(used)
    assert scene.rests(1) and not scene.rests(2)


async def test_whoever_rests_is_found_by_its_dev_eui_and_its_reference() -> None:
    scene = Scene(stored(1), stored(2))
    first, second = await scene.load()
    first.state = replace(first.state, battery=7)
    scene.pass_time(second)
    assert scene.table.by_dev_eui(f"{1:016X}") is None, "the store is asked"
    by_eui = await scene.table.get(dev_eui=f"{1:016X}")
    # What is in memory goes before what the store was asked for.
    assert by_eui is not None and by_eui.state.battery == 7
    scene.pass_time(second)
    assert scene.rests(1)
    by_ref = await scene.table.get(ref=1)
    assert by_ref is not None and by_ref.state.battery == 7 and len(scene.table) == 2


async def test_a_downlink_in_flight_is_taken_up_when_its_device_wakes() -> None:
    flight = InFlight(5, BaseStationId(1), 1.0, False, ADDR, 1, 1, b"", 12, False, False, False, None, None)
    scene = Scene(stored(1), stored(2))
    first, second = await scene.load()
    first.state = replace(first.state, in_flight=(flight,))
    scene.pass_time(second)
    assert scene.in_flight == []
    back = scene.table.by_ref(1)
    assert back is not None and scene.in_flight == [back]


async def test_a_change_of_the_inventory_reaches_whoever_rests() -> None:
    scene = Scene(stored(1), stored(2))
    _first, second = await scene.load()
    scene.pass_time(second)
    scene.store.rows[1] = stored(1, plan_ref=None)
    await scene.table.refresh([1])
    assert scene.table.on_address(ADDR) is None, "one of its devices is in the store only"
    entries = await scene.load()
    assert [entry.device.plan for entry in entries if entry.device.row.ref == 1] == [None]
    scene.pass_time(second)
    del scene.store.rows[1]
    await scene.table.refresh([1])
    assert [entry.device.row.ref for entry in await scene.load()] == [2] and len(scene.table) == 1


async def test_a_device_without_a_profile_is_not_woken_and_keeps_no_other_from_being_heard() -> None:
    scene = Scene(stored(1), stored(2))
    _first, second = await scene.load()
    scene.pass_time(second)
    rules = scene.catalogue.profiles.pop(1)
    assert scene.table.on_address(ADDR) == [second]
    scene.catalogue.profiles[1] = rules
    assert scene.table.on_address(ADDR) is None, "asked for once more"
    scene.table.refresh_rules()
    assert len(await scene.load()) == 2


async def test_another_as_transport_key_reaches_the_devices_of_the_routing_profile() -> None:
    rows = [stored(ref, routing_profile_ref=profile) for ref, profile in ((1, 8), (2, 9), (3, 9))]
    scene = Scene(*rows)
    *_others, used = await scene.load()
    scene.pass_time(used)
    assert scene.rests(1) and scene.rests(2)
    scene.store.rows = {
        each.ref: replace(each, sealed_as_transport_key=b"new") for each in scene.store.rows.values()
    }
    await scene.table.refresh_routing(9)
    keys = {each.device.row.ref: each.device.row.sealed_as_transport_key for each in await scene.load()}
    assert keys == {1: None, 2: b"new", 3: b"new"} and scene.table.by_ref(3) is used


async def test_devices_of_a_partition_are_forgotten_wherever_they_are() -> None:
    scene = Scene(stored(1, partition=5), stored(2, partition=6), stored(3, partition=5))
    *_others, used = await scene.load()
    scene.pass_time(used)
    scene.table.forget(frozenset([5]))
    assert used.removed and scene.rests(2) and len(scene.table) == 1
    assert scene.table.on_address(ADDR) is None
    scene.table.forget_all()
    assert len(scene.table) == 0


async def test_those_that_have_rested_longest_are_dropped_first() -> None:
    scene = Scene(*(stored(ref, ADDR + ref) for ref in range(8)), capacity=4)
    for ref in range(4):
        (entry,) = await scene.load(ADDR + ref)
        scene.pass_time(entry, seconds=REST_AFTER / 2)
    assert [scene.rests(ref) for ref in range(4)] == [True, True, False, False]
    await scene.load(ADDR + 4)
    assert len(scene.table) == 4 and not scene.rests(0) and scene.rests(1)
    assert scene.table.on_address(ADDR) is None
    assert [each.device.row.ref for each in await scene.load(ADDR)] == [0]


async def test_a_device_that_rests_takes_little_memory() -> None:
    """Counted, not measured: a field more here is one for each of a million devices. To it come its places in
    two tables, 150 octets."""
    scene = Scene(stored(1), stored(2))
    _first, second = await scene.load()
    scene.pass_time(second)
    resting = sys.getsizeof(scene.table._resting._rows[1])
    assert resting <= 650, f"{resting} octets"
