"""Alarm 004 and the state of health: thresholds, learnt rhythm, plans that go, servers that restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import select

from tests.monitoring.stage import FREE, Stage, on_stage
from tests.monitoring.test_alarm_types import forged_frame
from veldnet.domain.resources import Device
from veldnet.inventory import devices
from veldnet.monitoring import health
from veldnet.monitoring.alarms import types
from veldnet.store.schema import device_states
from veldnet.virtual.mortal import MortalServer

HOUR = 3600.0
DAY = 86_400.0


async def check_at(stage: Stage) -> int | None:
    return await stage.store.read(lambda c: c.execute(select(device_states.c.check_at)).scalar())


async def counts(stage: Stage) -> tuple[int, int, int]:
    scope = await stage.scope()
    return await stage.store.read(lambda c: health.counts(c, scope.subscriber_ref))


def test_two_steps_in_their_time(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("1_HOUR", "WARNING"), ("1_DAY", "CRITICAL"))
        await stage.uplink()
        await stage.pass_time(HOUR - 120, step=30)
        assert not await stage.alarms(), "not before its time"
        await stage.pass_time(240, step=30)
        first = await stage.alarm(types.SILENCE)
        assert (first.alarmState, first.additionalInfo1) == ("WARNING", "1")
        await stage.pass_time(22.8 * HOUR, step=60)
        assert (await stage.alarm(types.SILENCE)).alarmState == "WARNING"
        await stage.pass_time(HOUR, step=60)
        second = await stage.alarm(types.SILENCE)
        assert (second.alarmState, second.additionalInfo1) == ("CRITICAL", "24")
        # No higher severity follows: it is not checked any more.
        assert await check_at(stage) is None
        await stage.pass_time(3 * DAY)
        assert (await stage.alarm(types.SILENCE)).lastUpdateTime == second.lastUpdateTime
        await stage.uplink()
        cleared = await stage.alarm(types.SILENCE)
        assert (cleared.alarmState, cleared.additionalInfo1) == ("CLEARED", "96")
        assert await check_at(stage) is not None

    on_stage(tmp_path, story)


def test_a_device_that_speaks_is_looked_at_once_an_interval(tmp_path: Path) -> None:
    """However often it sends, the store is told a new time only when the one before has come."""

    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("5_HOURS", "MINOR"))
        await stage.uplink()
        planned = await check_at(stage)
        for _ in range(20):
            await stage.pass_time(600, step=600)
            await stage.uplink()
            assert await check_at(stage) == planned
        await stage.pass_time(2 * HOUR, step=60)
        moved = await check_at(stage)
        assert moved is not None and planned is not None and moved > planned
        assert not await stage.alarms()

    on_stage(tmp_path, story)


def test_without_thresholds_there_is_no_alarm_but_the_device_counts_as_lost(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert await counts(stage) == (0, 1, 0)
        await stage.pass_time(6.9 * DAY)
        assert await counts(stage) == (0, 1, 0)
        await stage.pass_time(0.3 * DAY)
        assert await counts(stage) == (0, 0, 1)
        shown = await stage.shown()
        assert shown.statistics and shown.statistics.healthState == "RF_CNX_ERROR"
        assert not await stage.alarms()
        await stage.uplink()
        assert await counts(stage) == (0, 1, 0)

    on_stage(tmp_path, story)


def test_a_device_begins_in_init(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert await counts(stage) == (1, 0, 0)
        await stage.pass_time(30 * DAY, step=DAY)
        assert await counts(stage) == (1, 0, 0), "what was never heard has lost nothing"
        await stage.join()
        assert await counts(stage) == (0, 1, 0)

    on_stage(tmp_path, story, joined=False)


def test_silence_is_found_by_the_server_that_comes_after(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("1_HOUR", "MINOR"))
        await stage.uplink()
        await asyncio.sleep(600)
        stage.server.die()
        await asyncio.sleep(2 * HOUR)
        assert isinstance(stage.server, MortalServer) and stage.deaths == 1
        await stage.monitoring.check_devices()
        assert (await stage.alarm(types.SILENCE)).alarmState == "MINOR"
        stage.server.die()
        await asyncio.sleep(60)
        await stage.uplink()
        assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED"

    on_stage(tmp_path, story)


def test_without_a_plan_silence_means_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("1_HOUR", "MAJOR"))
        await stage.uplink()
        await stage.pass_time(2 * HOUR, step=60)
        assert (await stage.alarm(types.SILENCE)).alarmState == "MAJOR"
        scope = await stage.scope()

        async def set_plan(plan_id: str) -> None:
            body = Device(connectivityPlanId=plan_id)
            await stage.store.write(lambda c: devices.update_device(c, scope, "1", body))
            await stage.server.platform.apply_changes()
            await stage.network.commits.drain()

        await set_plan("reset")
        assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED"
        assert await counts(stage) == (1, 0, 0)
        await stage.pass_time(2 * DAY)
        assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED"
        await set_plan("virtual/plan")
        await stage.pass_time(2 * DAY)
        assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED", "it has not joined again"
        await stage.join()
        await stage.pass_time(2 * HOUR, step=60)
        assert (await stage.alarm(types.SILENCE)).alarmState == "MAJOR"

    on_stage(tmp_path, story)


def test_shorter_thresholds_take_effect_at_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("2_DAYS", "MINOR"))
        await stage.uplink()
        await stage.pass_time(3 * HOUR)
        assert not await stage.alarms()
        await stage.set_thresholds(("1_HOUR", "MINOR"))
        assert (await stage.alarm(types.SILENCE)).alarmState == "MINOR"

    on_stage(tmp_path, story)


def test_the_rhythm_is_learnt(tmp_path: Path) -> None:
    """A device that sends every ten minutes is missed after four of its longest intervals."""

    async def story(stage: Stage) -> None:
        for _ in range(10):
            await stage.pass_time(600, step=60)
            await stage.uplink()
        await stage.pass_time(30 * 60, step=60)
        assert not await stage.alarms()
        await stage.pass_time(20 * 60, step=60)
        assert (await stage.alarm(types.SILENCE)).alarmState == "WARNING"
        await stage.pass_time(60 * 60, step=60)
        assert (await stage.alarm(types.SILENCE)).alarmState == "MINOR"
        await stage.uplink()
        assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED"

    on_stage(tmp_path, story, settings={"alarms.learnt_factor": 4.0})


def test_a_learnt_rhythm_never_overrules_a_customers_own_thresholds(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("1_DAY", "MAJOR"))
        for _ in range(10):
            await stage.pass_time(600, step=60)
            await stage.uplink()
        await stage.pass_time(20 * HOUR, step=600)
        assert not await stage.alarms()
        await stage.pass_time(5 * HOUR, step=600)
        assert (await stage.alarm(types.SILENCE)).alarmState == "MAJOR"

    on_stage(tmp_path, story, plan=FREE, settings={"alarms.learnt_factor": 3.0})


def test_another_alarm_that_is_active_does_not_hide_silence(tmp_path: Path) -> None:
    """Its quiet time ends tomorrow; the device is missed today, each time."""

    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("1_HOUR", "MINOR"))
        await stage.uplink()
        await forged_frame(stage)
        for _ in range(3):
            await stage.pass_time(2 * HOUR, step=60)
            assert (await stage.alarm(types.SILENCE)).alarmState == "MINOR"
            await stage.uplink()
            assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED"

    on_stage(tmp_path, story)
