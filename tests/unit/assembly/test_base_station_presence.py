"""What a base station has shown of itself, and where its downlinks go, outlive the process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.unit.gateways.test_odd_datagrams import PACKET
from tests.unit.gateways.test_semtech_udp import EUI, HERE, STATION, THERE, Harness, window
from veldnet.assembly.base_station_presence import PresenceKeeper
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.downlink_paths import DownlinkPathKeeper
from veldnet.diagnosis.base_stations import conduct
from veldnet.diagnosis.language import finding_in
from veldnet.gateways import SemtechUdpServer
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import BaseStation
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, StoreError
from veldnet.texts import in_language


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    opened = await DataDirectory.open(Settings(data=str(tmp_path / "data")), create=True)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", EUI))
    yield opened.store
    await opened.close()


def keeper(store: Any, harness: Harness) -> PresenceKeeper:
    return PresenceKeeper(store, harness.presence, lambda: harness.now)


def paths(store: Any, harness: Harness) -> DownlinkPathKeeper:
    return DownlinkPathKeeper(store, harness.server)


def push(harness: Harness, *packets: Any) -> None:
    harness.push(json.dumps({"rxpk": packets}).encode())


async def station(store: DatabaseStore) -> BaseStation:
    (found,) = await store.read(base_stations.list_base_stations)
    assert found.id == str(STATION)
    return found


def way(server: SemtechUdpServer) -> tuple[str, int] | None:
    path = server.path(STATION)
    return None if path is None else path.address


async def test_c14_the_next_process_sends_where_this_one_sent(store: DatabaseStore) -> None:
    first = Harness()
    first.pull()
    await paths(store, first).write()
    assert not first.server.moved, "written once, not with every keep-alive"
    first.now += 5
    first.pull()
    await paths(store, first).write()
    second = Harness()
    second.now = 112.0
    await paths(store, second).restore()
    second.server.transmit(GatewayDownlink(1, b"abc", window(Lora(9, 125))))
    assert second.sent[-1][1] == HERE
    second.pull(THERE)
    assert way(second.server) == HERE
    for _ in range(3):
        second.now += 10
        second.pull(THERE)
    await paths(store, second).write()
    third = Harness()
    await paths(store, third).restore()
    assert way(third.server) == THERE


async def test_c14_a_removed_base_station_leaves_no_way(store: DatabaseStore) -> None:
    first = Harness()
    first.pull()
    await keeper(store, first).write()
    await store.write(lambda c: base_stations.remove_base_station(c, str(STATION)))
    await paths(store, first).write()
    second = Harness()
    await paths(store, second).restore()
    assert way(second.server) is None


async def test_b9_refusals_add_up_over_processes(store: DatabaseStore) -> None:
    for run, bad in enumerate((2, 3)):
        harness = Harness()
        harness.now += 1000 * run
        writer = keeper(store, harness)
        for _ in range(bad):
            push(harness, PACKET, {"freq": 868.1}, PACKET | {"lsnr": 128})
            await writer.write()
        await writer.write()
        found = await station(store)
        assert found.refused_frames == found.irregular_frames == (2, 5)[run]
        assert found.last_refusal == "bad_rxpk: data is missing or not text"
        assert found.last_refusal_at == round(harness.now * 1000)
        assert found.last_irregularity == "no_signal: lsnr 128 is not in dB"
        in_dutch = in_language(found.last_refusal, "nl")
        assert in_dutch == "bad_rxpk: data ontbreekt of is geen tekst"
    # A process in which nothing was refused keeps what is known.
    quiet = Harness()
    quiet.pull()
    await keeper(store, quiet).write()
    assert (await station(store)).refused_frames == 5 and (await station(store)).last_refusal


async def test_refusals_in_the_name_of_who_was_never_heard_are_written_down(store: DatabaseStore) -> None:
    harness = Harness()
    writer = keeper(store, harness)
    for count in (1, 2):
        harness.presence.note_refusal(STATION, "foreign_network", str(count), harness.now)
        await writer.write()
        await writer.write()
        found = await station(store)
        assert (found.refused_frames, found.last_refusal) == (count, f"foreign_network: {count}")
        assert found.last_seen_at is None and STATION not in harness.presence.stations
    # One that was heard, and is silent while others speak in its name.
    harness.pull()
    heard_at = harness.now
    await writer.write()
    harness.now += 60
    harness.presence.note_refusal(STATION, "foreign_network", "3", harness.now)
    await writer.write()
    found = await station(store)
    assert (found.refused_frames, found.last_refusal) == (3, "foreign_network: 3")
    assert found.last_seen_at == round(heard_at * 1000)


async def test_b9_what_could_not_be_written_is_written_later(store: DatabaseStore) -> None:
    class Broken:
        async def write(self, _work: Any) -> None:
            raise StoreError("the disk is full")

    harness = Harness()
    push(harness, {})
    try:
        await keeper(Broken(), harness).write()
    except StoreError:
        await keeper(store, harness).write()
    assert (await station(store)).refused_frames == 1 and (await station(store)).last_seen_at == 100_000


async def test_bs_05_and_b9_explanations_speak_of_the_base_stations(store: DatabaseStore) -> None:
    harness = Harness()
    writer = keeper(store, harness)
    assert await store.read(lambda c: conduct(c, {STATION}, harness.now)) == []
    for _ in range(4):
        harness.pull(HERE)
        harness.pull(THERE)
    push(harness, {})
    await writer.write()
    assert (await station(store)).duplicate_addresses == "127.0.0.1:1000, 127.0.0.1:2000"
    everywhere: set[BaseStationId] = set()
    for heard in ({STATION}, everywhere):
        found = await store.read(partial(conduct, heard=heard, now=harness.now))
        duplicate, refused = (finding_in("en", finding) for finding in found)
        assert duplicate.level == "problem" and "127.0.0.1:2000" in duplicate.text and duplicate.next
        assert "bad_rxpk" in refused.text and str(STATION) in refused.text
    later = await store.read(lambda c: conduct(c, {STATION}, harness.now + 7200))
    assert [finding.level for finding in later] == ["problem"], "old refusals say nothing of now"
    harness.now += 400
    harness.pull(HERE)
    await writer.write()
    assert (await station(store)).duplicate_addresses is None
    assert base_stations.remarks(await station(store)) == []


async def test_c10_the_list_names_a_wrong_clock(store: DatabaseStore) -> None:
    harness = Harness()
    harness.now = 1_800_000_000.0
    push(harness, PACKET | {"tmms": 1_000})
    await keeper(store, harness).write()
    assert "behind ours" in base_stations.remarks(await station(store))[0]
    harness.now += 700
    push(harness, PACKET)
    await keeper(store, harness).write()
    assert (await station(store)).clock_error is None
