"""The backtest says what the monitor did, and what it would have done with other rules."""

from __future__ import annotations

from pathlib import Path

from tests.monitoring.stage import Stage, on_stage
from tests.monitoring.test_alarm_types import battery, forged_frame, old_frame
from veldnet.domain.alarm_levels import Level
from veldnet.domain.documents import PlanSettings
from veldnet.monitoring.alarms import types
from veldnet.monitoring.alarms.silence import SilenceRules
from veldnet.monitoring.alarms.types import DEVICE_TYPES
from veldnet.monitoring.backtest import Finding, Rules, backtest

HOUR = 3600.0


async def replay(stage: Stage, rules: Rules) -> dict[int, Finding]:
    await stage.network.commits.drain()
    end = round(stage.clock() * 1000)
    found = await stage.store.read(lambda c: backtest(c, rules, end - 30 * 86_400_000, end))
    return {finding.type: finding for finding in found}


def test_it_agrees_with_what_happened_and_tries_what_did_not(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.set_thresholds(("5_HOURS", "WARNING"))
        await battery(60)(stage)
        await battery(250)(stage)
        await forged_frame(stage)
        await old_frame(stage)
        for hours in (3, 6, 30):
            await stage.pass_time(hours * HOUR, step=60)
            await stage.uplink()
        raised = dict(stage.monitoring.monitor.counters.raised)
        assert raised[types.SILENCE] == 2

        same = await replay(stage, Rules(DEVICE_TYPES, SilenceRules()))
        assert {kind: f.raised for kind, f in same.items() if f.raised} == raised
        assert same[types.SILENCE].devices == 1 and same[types.SILENCE].cleared == 2

        strict = Rules(DEVICE_TYPES, SilenceRules(), ((2 * 3600, int(Level.MINOR)),))
        assert (await replay(stage, strict))[types.SILENCE].raised == 3
        lax = Rules(DEVICE_TYPES, SilenceRules(), ((40 * 3600, int(Level.MINOR)),))
        assert (await replay(stage, lax))[types.SILENCE].raised == 0
        # It has changed nothing.
        assert (await stage.alarm(types.SILENCE)).alarmState == "CLEARED"
        assert dict(stage.monitoring.monitor.counters.raised) == raised

    on_stage(tmp_path, story)


def test_a_learnt_rhythm_can_be_tried_before_it_is_switched_on(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(12):
            await stage.pass_time(1200, step=1200)
            await stage.uplink()
        await stage.pass_time(8 * HOUR)
        await stage.uplink()
        assert (await replay(stage, Rules(DEVICE_TYPES, SilenceRules())))[types.SILENCE].raised == 0
        tried = await replay(stage, Rules(DEVICE_TYPES, SilenceRules(learnt_factor=5)))
        assert tried[types.SILENCE].raised == 1

    on_stage(tmp_path, story, plan=PlanSettings(uplinkRate=0, downlinkRate=0))
