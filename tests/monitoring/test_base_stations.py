"""Alarms of base stations: each type rises and clears by what a base station shows of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.alarm_levels import Level
from veldnet.gateways import Presence
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.monitoring import BaseStationMonitor, Facts, NotificationSettings, Recipients
from veldnet.monitoring.alarms import listing, types
from veldnet.monitoring.alarms.types import BASE_STATION_TYPES
from veldnet.monitoring.base_stations import acknowledge_stored
from veldnet.monitoring.monitor import FrameAlarm
from veldnet.monitoring.notification.events import OPERATOR, decode_event
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, IdSource
from veldnet.store.schema import base_station_alarms, notifications

STATION = BaseStationId(0xFF000001)
NOW = 1_800_000_000.0
GOOD = Facts(name="Roof", operator_ref=1, seen_at=NOW, up_since=NOW - 90_000, frame_at=NOW, gps_at=NOW)


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    opened = await DataDirectory.open(Settings(data=str(tmp_path / "data")), create=True)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    yield opened.store
    await opened.close()


def monitor(store: DatabaseStore, recipients: Recipients | None = None) -> BaseStationMonitor:
    return BaseStationMonitor(store, IdSource(), recipients or Recipients(), clock=lambda: NOW)


async def acknowledge(store: DatabaseStore, watcher: BaseStationMonitor, kind: int) -> None:
    """Have somebody acknowledge an alarm, as the API and the command do."""
    assert await store.write(lambda c: acknowledge_stored(c, STATION, kind, 5, "Somebody"))
    await watcher.load()


async def listed(store: DatabaseStore) -> dict[int, listing.BaseStationAlarm]:
    found = await store.read(lambda c: listing.list_base_station_alarms(c, cleared=True))
    return {alarm.alarmTypeId: alarm for alarm in found}


async def test_a_base_station_that_cannot_be_judged_keeps_no_other_from_it(store: DatabaseStore) -> None:
    watcher, other = monitor(store), BaseStationId(0xFF000009)
    silent = replace(GOOD, seen_at=NOW - 181)
    await watcher.check({other: replace(silent, packets="many"), STATION: silent})
    assert watcher.is_down(STATION) and not watcher.is_down(other)


CASES: list[tuple[int, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # Type, state, what raises it, what neither raises nor clears it, what clears it.
    (
        types.RESTARTED,
        "WARNING",
        {"restarted_at": NOW - 3599},
        {"seen_at": None},
        {"restarted_at": NOW - 3601},
    ),
    (types.CONNECTION, "CRITICAL", {"seen_at": NOW - 181}, {"seen_at": None}, {"seen_at": NOW - 179}),
    (
        types.LOW_TRAFFIC,
        "MINOR",
        {"frame_at": NOW - 43_201},
        {"frame_at": None},
        {"frame_at": NOW - 60},
    ),
    (
        types.INVALID_CRC,
        "MINOR",
        {"packets": 200, "bad_packets": 190},
        {"packets": 200, "bad_packets": 170},
        {"packets": 200, "bad_packets": 100},
    ),
    (
        types.DOWNLINK_OVERLOAD,
        "MAJOR",
        {"downlink_load": 0.95},
        {"downlink_load": 0.8},
        {"downlink_load": 0.1},
    ),
    (types.TIME_LOST, "MAJOR", {"gps_at": NOW - 601}, {"gps_at": None}, {"gps_at": NOW}),
    (types.TIME_LOST, "MAJOR", {"clock_error": -1800.0}, {"gps_at": None}, {"gps_at": NOW}),
    (
        types.DUPLICATE_EUI,
        "MAJOR",
        {"addresses": ("10.0.0.1:1000", "10.0.0.2:1000")},
        {"seen_at": None},
        {"addresses": ()},
    ),
    (types.BACKHAUL, "MAJOR", {"acknowledged": 0.5}, {"acknowledged": 0.9}, {"acknowledged": 1.0}),
    (types.BEACON_FAILURE, "MAJOR", {"gps_refused": True}, {"gps_refused": None}, {"gps_refused": False}),
    (types.WRONG_STAMPS, "MINOR", {"wrong_stamps": True}, {"wrong_stamps": None}, {"wrong_stamps": False}),
    (types.UPDATE_OVERDUE, "MAJOR", {"overdue": "firmware"}, {"overdue": None}, {"overdue": ""}),
]


def test_no_type_is_without_a_case() -> None:
    assert {case[0] for case in CASES} | set(types.OF_FRAMES.values()) == set(BASE_STATION_TYPES)


@pytest.mark.parametrize(("kind", "state", "bad", "between", "good"), CASES)
async def test_an_alarm_rises_stays_clears_and_is_recycled(
    store: DatabaseStore,
    kind: int,
    state: str,
    bad: dict[str, Any],
    between: dict[str, Any],
    good: dict[str, Any],
) -> None:
    watcher = monitor(store)
    await watcher.check({STATION: GOOD})
    await watcher.check({STATION: replace(GOOD, **between)})
    assert await listed(store) == {}
    await watcher.check({STATION: replace(GOOD, **bad)})
    raised = (await listed(store))[kind]
    assert (raised.alarmState, raised.acked) == (state, False) and raised.name
    assert set(await listed(store)) == {kind}, "one cause is one alarm"
    for _ in range(3):
        await watcher.check({STATION: replace(GOOD, **bad)})
    assert (await listed(store))[kind] == raised, "a state that goes on is not written again"
    await watcher.check({STATION: replace(GOOD, **between)})
    assert (await listed(store))[kind].alarmState == state

    await acknowledge(store, watcher, kind)
    assert (await listed(store))[kind].acked
    # Another process goes on from what is stored.
    watcher = monitor(store)
    await watcher.load()
    assert watcher.active[kind] == 1
    await watcher.check({STATION: replace(GOOD, **good)})
    assert (await listed(store))[kind].alarmState == "CLEARED"
    await watcher.check({STATION: replace(GOOD, **bad)})
    again = (await listed(store))[kind]
    assert (again.alarmState, again.acked) == (state, False) and again.creationTime == raised.creationTime


async def test_an_acknowledgement_of_another_process_is_not_written_over(store: DatabaseStore) -> None:
    watcher = monitor(store)
    await watcher.check({STATION: replace(GOOD, seen_at=NOW - 1000)})
    assert await store.write(lambda c: acknowledge_stored(c, STATION, types.CONNECTION, 5, "Somebody"))
    await watcher.check({STATION: GOOD})
    cleared = (await listed(store))[types.CONNECTION]
    assert (cleared.alarmState, cleared.acked) == ("CLEARED", True)
    await watcher.check({STATION: replace(GOOD, seen_at=NOW - 1000)})
    assert not (await listed(store))[types.CONNECTION].acked


async def test_what_was_away_was_not_deaf(store: DatabaseStore) -> None:
    watcher = monitor(store)
    back = replace(GOOD, frame_at=NOW - 50_000, up_since=NOW - 60)
    await watcher.check({STATION: back})
    assert await listed(store) == {}


async def test_alarms_go_with_the_base_station(store: DatabaseStore) -> None:
    watcher = monitor(store)
    await watcher.check({STATION: replace(GOOD, seen_at=NOW - 1000)})
    assert watcher.is_down(STATION) and watcher.cause((int(STATION),)) == str(STATION)
    assert watcher.cause((int(STATION), 5)) is None, "another one hears the device too"
    assert watcher.cause(()) is None
    await watcher.check({})
    assert await listed(store) == {} and not watcher.is_down(STATION)
    assert not await store.write(lambda c: acknowledge_stored(c, STATION, types.CONNECTION, 5, "Somebody"))


async def test_operators_are_told(store: DatabaseStore) -> None:
    recipients = Recipients()
    recipients.load({(OPERATOR, 1): NotificationSettings("BASIC", ["noc@o.example"])})
    watcher = monitor(store, recipients)
    woken: list[bool] = []
    watcher.on_notification(lambda: woken.append(True))
    await watcher.check({STATION: replace(GOOD, seen_at=NOW - 1000)})
    await watcher.check({STATION: replace(GOOD, seen_at=NOW - 1000)})
    rows = await store.read(lambda c: c.execute(notifications.select()).all())
    assert [(r.scope, r.scope_ref, decode_event(r.event).type) for r in rows] == [(OPERATOR, 1, 102)]
    assert woken == [True]


def test_presence() -> None:
    presence = Presence()
    seen = presence.seen(STATION, 1000.0)
    assert presence.seen(STATION, 1030.0).up_since == 1000.0
    assert presence.seen(STATION, 5000.0).up_since == 5000.0
    # A single poor report is a bad minute, two are a bad backhaul.
    seen.status(5000, 100, 100, 100, 50)
    assert seen.acknowledged is None
    seen.status(5030, 100, 100, 100, 50)
    assert seen.acknowledged == 0.5
    seen.status(5060, 100, 40, 100, 100)
    assert seen.acknowledged == 1.0 and seen.packets() == (300, 60)
    seen.status(5060 + 3 * 3600, 10, 10, 10, 100)
    assert seen.packets() == (10, 0), "what is long ago is forgotten"


async def test_frames_that_were_forged_are_counted_at_the_base_station_for_a_day(
    store: DatabaseStore,
) -> None:
    now = [NOW]
    recipients = Recipients()
    recipients.load({(OPERATOR, 1): NotificationSettings("BASIC", ["noc@o.example"])})
    watcher = BaseStationMonitor(store, IdSource(), recipients, clock=lambda: now[0])
    forged = FrameAlarm(STATION, 114, ("0059AC0000170311", "0059AC0000000001"))

    async def heard(times: int) -> tuple[str, int, bool]:
        for _ in range(times):
            watcher.heard(forged)
        await watcher.check({STATION: replace(GOOD, seen_at=now[0], frame_at=now[0], gps_at=now[0])})
        row = await store.read(lambda c: c.execute(base_station_alarms.select()).one())
        return Level(row.state).name, row.occurrence, row.acked

    watcher.heard(FrameAlarm(BaseStationId(0xFF000009), 114, ()))
    assert await heard(1) == ("WARNING", 1, False)
    await acknowledge(store, watcher, 114)
    # What changes nothing but its count is written all the same, and leaves the acknowledgement.
    assert await heard(3) == ("WARNING", 4, True)
    assert await heard(100) == ("MAJOR", 104, False)
    now[0] += 86_399
    assert (await heard(0))[0] == "MAJOR"
    now[0] += 1
    assert (await heard(0))[0] == "CLEARED"
    assert await heard(2) == ("WARNING", 2, False), "it begins again"
    rows = await store.read(lambda c: c.execute(notifications.select()).all())
    told = [decode_event(row.event).change for row in rows]
    assert told == ["raised", "unacknowledged", "cleared", "raised"]
    assert set(await listed(store)) == {114}
