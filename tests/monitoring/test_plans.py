"""Connectivity plans, enforced: regulators that mark and drop, and the switches; at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.monitoring.stage import FREE, Stage, on_stage
from veldnet.domain.documents import PlanSettings, Regulator
from veldnet.lorawan.mac_commands import DevStatusReq
from veldnet.monitoring.alarms import types
from veldnet.network.core import DownlinkRejectedRecord, DownlinkRequest, FrameKind, UplinkRecord
from veldnet.network.core.regulator import take
from veldnet.network.core.state import Bucket
from veldnet.store.schema import deliveries
from veldnet.store.schema import frames as frame_rows

TIGHT: dict[str, Any] = {"uplinkRate": 2, "uplinkRateUnit": "HOUR", "uplinkBucketSize": 2, "downlinkRate": 0}


async def uplinks_of(stage: Stage) -> list[UplinkRecord]:
    return [r for r in await stage.records() if isinstance(r, UplinkRecord) and r.outcome == "accepted"]


async def messages(stage: Stage) -> list[dict[str, Any]]:
    """Uplink messages that the application server has taken, in order."""
    await asyncio.sleep(30)
    await stage.network.commits.drain()
    return stage.messages


async def waiting(stage: Stage) -> int:
    return await stage.store.read(lambda c: len(c.execute(select(deliveries.c.id)).all()))


def test_mark_forwards_and_marks(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(4):
            await stage.uplink()
        records = await uplinks_of(stage)
        # The one that confirmed the join took the first of two tokens.
        assert [r.over_limit for r in records] == [False, False, True, True, True]
        assert all(r.reported for r in records), "marked ones are forwarded"
        assert "over the plan's uplink rate: marked" in records[-1].decisions
        flags = await stage.store.read(
            lambda c: list(
                c.execute(
                    select(frame_rows.c.flags)
                    .where(frame_rows.c.kind == int(FrameKind.UPLINK))
                    .order_by(frame_rows.c.id)
                ).scalars()
            )
        )
        assert [flag & 2 for flag in flags] == [0, 0, 2, 2, 2]
        assert (await stage.alarm(types.UPLINK_RATE)).occurrence == 3
        await stage.pass_time(1900, step=1900)
        await stage.uplink()
        assert not (await uplinks_of(stage))[-1].over_limit, "half an hour gives a token back"

    on_stage(tmp_path, story, plan=PlanSettings(**TIGHT))


def test_drop_records_and_does_not_forward(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(4):
            await stage.uplink()
        records = await uplinks_of(stage)
        assert [r.reported for r in records] == [True, True, False, False, False]
        assert len(await messages(stage)) == 2
        assert await waiting(stage) == 0
        assert [r.fcnt for r in records] == [0, 1, 2, 3, 4], "the session goes on"

    on_stage(tmp_path, story, plan=PlanSettings(**TIGHT, uplinkRegulatorPolicy="DROP"))


def test_error_121_where_the_plan_drops_downlinks(tmp_path: Path) -> None:
    plan = PlanSettings(
        uplinkRate=0, downlinkRate=1, downlinkRateUnit="DAY", downlinkBucketSize=2,
        downlinkRegulatorPolicy="DROP",
    )  # fmt: skip

    async def story(stage: Stage) -> None:
        eui, submit = stage.device.identity.dev_eui, stage.network.requests.submit
        answers = [await submit(eui, DownlinkRequest(fport=3, payload=b"x")) for _ in range(3)]
        assert answers[:2] == [None, None], "what waits has a claim on the tokens already"
        assert answers[2] is not None and answers[2].code == 121
        await stage.network.commits.drain()
        rejected = [r for r in await stage.records() if isinstance(r, DownlinkRejectedRecord)]
        assert [r.over_limit for r in rejected] == [True]
        assert (await stage.alarm(types.DOWNLINK_RATE)).alarmState == "MINOR"
        for _ in range(3):
            await stage.uplink()
        assert sum(bool(heard.payload) for heard in stage.heard) == 2
        refused = await submit(eui, DownlinkRequest(fport=3, payload=b"x"))
        assert refused is not None and refused.code == 121
        await stage.change_plan(downlinkRegulatorPolicy="MARK")
        assert await submit(eui, DownlinkRequest(fport=3, payload=b"x")) is None

    on_stage(tmp_path, story, plan=plan)


def test_switches_take_effect_at_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        eui, submit = stage.device.identity.dev_eui, stage.network.requests.submit
        assert await submit(eui, DownlinkRequest(fport=3, payload=b"a", confirmed=True)) is None
        await stage.uplink()
        await stage.change_plan(ackedDownlinkFrame=False)
        refused = await stage.network.requests.submit(
            eui, DownlinkRequest(fport=3, payload=b"b", confirmed=True)
        )
        assert refused is not None
        assert await submit(eui, DownlinkRequest(fport=3, payload=b"c")) is None
        await stage.uplink()
        await stage.change_plan(downlinkTransmission=False)
        assert await submit(eui, DownlinkRequest(fport=3, payload=b"d")) is not None
        assert [h.payload for h in stage.heard if h.payload] == [b"a", b"c"]

    on_stage(tmp_path, story)


def test_status_requests_begin_and_end_with_the_plan(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        def asked() -> int:
            return sum(isinstance(c, DevStatusReq) for heard in stage.heard for c in heard.commands)

        await stage.uplink()
        assert asked() == 0
        await stage.change_plan(deviceStatusRequestFrequency=24)
        for _ in range(8):
            await stage.pass_time(1800, step=1800)
            await stage.uplink()
        assert asked() in (4, 5)
        shown = await stage.shown()
        assert shown.statistics and shown.statistics.lastBatteryLevel == 254
        before = asked()
        await stage.change_plan(deviceStatusRequestFrequency=0)
        for _ in range(4):
            await stage.pass_time(3600)
            await stage.uplink()
        assert asked() == before

    on_stage(tmp_path, story)


@pytest.mark.parametrize(("routed", "expected"), [(True, 2), (False, 0)])
def test_routing_to_application_servers(tmp_path: Path, routed: bool, expected: int) -> None:
    async def story(stage: Stage) -> None:
        await stage.uplink()
        assert len(await messages(stage)) == expected

    plan = PlanSettings(uplinkRate=0, downlinkRate=0, thirdPartyAppServersRouting=routed)
    on_stage(tmp_path, story, plan=plan)


def test_error_rates_and_metadata_in_messages(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.uplink()
        plain = (await messages(stage))[-1]
        assert "InstantPER" not in plain and "Lrrs" in plain
        await stage.change_plan(addPerInfo=True, addLrrMetaInfo=False)
        await stage.uplink(skip=1)
        with_rates = (await messages(stage))[-1]
        # Of the last three counters two were heard, of all four three.
        assert float(with_rates["InstantPER"]) == pytest.approx(1 / 3, abs=1e-6)
        assert float(with_rates["MeanPER"]) == pytest.approx(1 / 4, abs=1e-6)
        assert "Lrrs" not in with_rates

    on_stage(tmp_path, story, plan=FREE)


frames_at = st.lists(st.floats(0, 50_000), min_size=1, max_size=200).map(sorted)


@given(frames_at, st.floats(0.0001, 1.0), st.integers(1, 50))
def test_a_bucket_never_lets_more_through_than_it_holds_and_refills(
    moments: list[float], rate: float, size: int
) -> None:
    """In any stretch of time no more frames pass than the bucket holds and what flows in meanwhile."""
    regulator, bucket = Regulator(rate, size, drop=True), None
    passed: list[float] = []
    for moment in moments:
        bucket, over = take(regulator, bucket, moment)
        if not over:
            passed.append(moment)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            flowed = (passed[last] - passed[first]) * rate
            assert last - first + 1 <= size + flowed + 1e-6


@given(st.floats(0, 1e9), st.floats(-1e6, 0), st.integers(1, 50))
def test_a_clock_that_steps_back_gives_nothing_away(now: float, back: float, size: int) -> None:
    regulator = Regulator(1.0, size, drop=False)
    bucket, _over = take(regulator, Bucket(0.0, now), now + back)
    assert bucket.tokens == 0.0 and bucket.at == now
