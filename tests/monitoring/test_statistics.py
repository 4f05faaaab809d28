"""Statistics of devices and fleets: what is counted, where, once, and that totals are those of the rows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from tests.monitoring.stage import FREE, STATIONS, Stage, on_stage
from tests.monitoring.test_alarm_types import forged_frame, old_frame
from veldnet.api import query
from veldnet.assembly.chores import clean_up
from veldnet.domain.documents import PlanSettings
from veldnet.domain.resources import FrameStatistics
from veldnet.monitoring.statistics import frame_statistics, recompute, totals
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.rollups import BASE_STATION, HOUR, PLAN, SUBSCRIBER, esp_of
from veldnet.network.core import DownlinkRequest, error_rate
from veldnet.store.schema import frames, hourly_statistics
from veldnet.virtual.mortal import EPOCH

NIGHT = round(EPOCH * 1000)
DAY = 86_400_000
EVERYTHING = Span(NIGHT - 40 * DAY, NIGHT + 40 * DAY)


async def of_device(stage: Stage, hours: int | None, station: int | None = None) -> list[FrameStatistics]:
    def read(c):  # type: ignore[no-untyped-def]
        if hours is None:
            return frame_statistics.of_frames(c, [1], station, EVERYTHING)
        return frame_statistics.by_slots(c, [1], station, EVERYTHING, hours)

    return await stage.store.read(read)


async def no_differences(stage: Stage) -> None:
    await stage.network.commits.drain()
    await stage.store.read(stage.checker.check_totals)


def test_each_frame_and_by_slots(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.uplink(payload=b"12345", rssi=-80, snr=4)
        await stage.uplink(payload=b"1234567", skip=2, rssi=-100, snr=8)
        eui = stage.device.identity.dev_eui
        assert await stage.network.requests.submit(eui, DownlinkRequest(fport=3, payload=b"abc")) is None
        await stage.uplink(rssi=-90, snr=0)

        single = await of_device(stage, None)
        up = [entry for entry in single if entry.type == "UPLINK"]
        assert [entry.payloadSize for entry in up] == [5, 5, 7, 5]
        assert [entry.averagePER for entry in up] == [0.0, 0.0, 0.5, 0.0]
        assert [entry.baseStationRSSI for entry in up[1:]] == [-80.0, -100.0, -90.0]
        down = [entry for entry in single if entry.type == "DOWNLINK"]
        assert [entry.payloadSentWithSuccessSize for entry in down if entry.payloadSize] == [3]

        (up_slot,) = [entry for entry in await of_device(stage, 1) if entry.type == "UPLINK"]
        assert (up_slot.frameCount, up_slot.payloadSize) == (4, 22)
        assert up_slot.baseStationRSSI == pytest.approx((-90 - 80 - 100 - 90) / 4)
        assert up_slot.baseStationSNR == pytest.approx((8 + 4 + 8 + 0) / 4)
        assert up_slot.averagePER == pytest.approx(0.5 / 4)
        assert up_slot.date == "2027-01-15T08:00:00.000+00:00"

    on_stage(tmp_path, story)


def test_slots_are_of_utc_whatever_the_step(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(30):
            await stage.pass_time(3600)
            await stage.uplink()
        for step in range(1, 25):
            slots = [e for e in await of_device(stage, step) if e.type == "UPLINK"]
            assert sum(int(str(e.frameCount)) for e in slots) == 31
            for entry in slots:
                at = datetime.fromisoformat(str(entry.date))
                assert at.timestamp() % (step * 3600) == 0, "aligned to 1970-01-01T00:00 UTC"

    on_stage(tmp_path, story)


def test_late_frames_count_in_the_hour_in_which_they_were_heard(tmp_path: Path) -> None:
    """A base station without backhaul keeps frames for hours, and then sends them."""

    async def story(stage: Stage) -> None:
        await stage.uplink()
        kept = [stage.device.uplink(1, b"kept") for _ in range(3)]
        heard = [stage.clock() + 600 * number for number in range(3)]
        await stage.pass_time(5 * 3600)
        for sent, moment in zip(kept, heard, strict=True):
            await stage.give(sent, heard_at=moment)
        await stage.uplink()

        slots = [entry for entry in await of_device(stage, 1) if entry.type == "UPLINK"]
        counted = {str(e.date)[11:13]: (e.frameCount, e.payloadReceivedLate) for e in slots}
        assert counted == {"08": (5, 3), "13": (1, 0)}
        assert [e.payloadReceivedLateSize for e in slots] == [12, 0]
        fleet = await stage.store.read(
            lambda c: totals.of_scope(c, SUBSCRIBER, 1, Span(NIGHT, NIGHT + DAY), 1)
        )
        assert [(t.uplinks, t.uplinksLate) for t in fleet] == [(5, 3), (1, 0)]
        assert [entry.date for entry in await of_device(stage, None)][:5] == sorted(
            entry.date for entry in await of_device(stage, None)
        )[:5]
        await no_differences(stage)

    on_stage(tmp_path, story)


def test_a_clock_that_jumps_counts_each_frame_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        sent = 1
        for jump in (3600.0, -7200.0, 5.0, -0.5, 86_400.0, -86_400.0):
            stage.offset += jump
            await stage.uplink()
            sent += 1
        slots = [entry for entry in await of_device(stage, 1) if entry.type == "UPLINK"]
        assert sum(int(str(entry.frameCount)) for entry in slots) == sent
        fleet = await stage.store.read(lambda c: totals.of_scope(c, SUBSCRIBER, 1, EVERYTHING, 24))
        assert sum(t.uplinks for t in fleet) == sent
        await no_differences(stage)

    on_stage(tmp_path, story)


def test_a_local_day_of_23_or_25_hours_is_cut_by_its_instants() -> None:
    """The night in which clocks change: a start given with its offset is an instant, and hours are UTC's."""
    amsterdam = ZoneInfo("Europe/Amsterdam")
    for day, following, hours in ((29, 30, 23), (25, 26, 25)):
        month = 3 if hours == 23 else 10
        begin = datetime(2026, month, day, tzinfo=amsterdam)
        end = datetime(2026, month, following, tzinfo=amsterdam)
        first = query.moment(begin.isoformat(), "startDate")
        last = query.moment(end.isoformat(), "startDate")
        assert last - first == hours * HOUR
        assert first == int(begin.astimezone(UTC).timestamp() * 1000)


def test_base_stations_each_by_its_own_levels(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.uplink(stations=3, rssi=-80, snr=6)
        await stage.uplink(stations=1, rssi=-70, snr=6)
        at = [
            [e for e in await of_device(stage, 24, int(station)) if e.type == "UPLINK"]
            for station in STATIONS
        ]
        assert [e.frameCount for (e,) in at] == [3, 1, 1]
        assert [e.baseStationRSSI for (e,) in at[1:]] == [-81.0, -82.0]
        assert await of_device(stage, 24, 0x12345678) == []
        per_station = [
            await stage.store.read(
                lambda c, ref=int(station): totals.of_scope(c, BASE_STATION, ref, EVERYTHING, 24)  # type: ignore[misc]
            )
            for station in STATIONS
        ]
        assert [t.uplinks for (t,) in per_station] == [3, 1, 1]
        assert per_station[1][0].rssi == -81.0 and per_station[2][0].snr == 4.0
        await no_differences(stage)

    on_stage(tmp_path, story)


def test_without_a_start_the_newest_of_each_direction(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.pass_time(3 * 3600)
        await stage.uplink(payload=b"last")
        found = await stage.store.read(lambda c: frame_statistics.latest(c, [1], None, None))
        assert [(e.type, e.payloadSize) for e in found if e.type == "UPLINK"] == [("UPLINK", 4)]
        by_day = await stage.store.read(lambda c: frame_statistics.latest(c, [1], None, 24))
        assert [(e.type, e.frameCount) for e in by_day if e.type == "UPLINK"] == [("UPLINK", 2)]
        assert await stage.store.read(lambda c: frame_statistics.latest(c, [99], None, 1)) == []

    on_stage(tmp_path, story)


def test_totals_of_fleet_plan_and_device_agree(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(12):
            await stage.pass_time(1200, step=1200)
            await stage.uplink(skip=number % 3, stations=1 + number % 3, sf=7 + number % 6)
        await forged_frame(stage)
        await old_frame(stage)
        stage.refuse_transmit = "TX_FREQ"
        await stage.uplink(confirmed=True)
        await asyncio.sleep(5)
        stage.refuse_transmit = None
        fleet = await stage.store.read(lambda c: totals.of_scope(c, SUBSCRIBER, 1, EVERYTHING, 24))
        entry = stage.network.devices.by_ref(1)
        assert entry is not None and entry.device.row.plan_ref is not None
        plan_ref = entry.device.row.plan_ref
        plan = await stage.store.read(lambda c: totals.of_scope(c, PLAN, plan_ref, EVERYTHING, 24))
        device = await stage.store.read(lambda c: totals.of_device(c, 1, EVERYTHING, 24))
        assert fleet == plan == device
        (day,) = fleet
        assert day.uplinks == 12 + 1 + 2 + 1 and day.lostUplinks == 12
        assert day.framesRefused == 2 and day.joins == 1 and day.downlinksFailed >= 1
        assert set(day.spreadingFactors) >= {"SF7", "SF8", "SF9", "SF10", "SF11", "SF12"}
        assert sum(day.spreadingFactors.values()) == day.uplinks
        assert day.uplinkAirtime > 12 * 0.04
        await no_differences(stage)

    on_stage(tmp_path, story)


def test_recomputation_finds_and_mends_what_is_wrong(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.uplink()
        await stage.uplink()
        hour = NIGHT // HOUR
        await no_differences(stage)
        table = hourly_statistics
        before = await stage.store.read(lambda c: c.execute(select(table)).all())
        await stage.store.write(
            lambda c: c.execute(
                update(table).where(table.c.scope == SUBSCRIBER).values(uplinks=7, rssi=table.c.rssi + 1)
            )
        )
        await stage.store.write(lambda c: c.execute(delete(table).where(table.c.scope == PLAN)))
        found, rows = await recompute.recompute(stage.data.store, hour)
        wrong = {(d.scope, d.counter) for d in found}
        assert {(SUBSCRIBER, "uplinks"), (SUBSCRIBER, "rssi"), (PLAN, "uplinks")} <= wrong
        assert rows == len(before)
        assert await stage.store.read(lambda c: c.execute(select(table)).all()) == before
        assert (await recompute.recompute(stage.data.store, hour))[0] == []

    on_stage(tmp_path, story)


def test_statistics_on_the_device(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(3):
            await stage.pass_time(4 * 3600)
            await stage.uplink(rssi=-101, snr=-2, skip=1)
        shown = (await stage.shown()).statistics
        assert shown
        assert (shown.lastRSSI, shown.lastSNR) == (-101.0, -2.0)
        assert shown.averageRSSI == pytest.approx((-90 - 101 * 3) / 4, abs=0.001)
        assert shown.lastInstantPER == pytest.approx(1 / 3, abs=1e-6)
        assert shown.lastMeanPER == pytest.approx(1 - 4 / 7, abs=1e-6)
        assert shown.last24hUplinkCount == 4
        assert str(shown.firstUplinkTime) < str(shown.lastUplinkTime)
        assert shown.healthState == "ACTIVE" and shown.alarmStatistics
        await stage.pass_time(21 * 3600)
        await stage.uplink()
        later = (await stage.shown()).statistics
        assert later and later.last24hUplinkCount == 2
        await stage.pass_time(30 * 3600)
        silent = (await stage.shown()).statistics
        assert silent and silent.last24hUplinkCount == 0

    on_stage(tmp_path, story, plan=FREE)


def test_over_limits_are_counted(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(4):
            await stage.uplink()
        (day,) = await stage.store.read(lambda c: totals.of_scope(c, SUBSCRIBER, 1, EVERYTHING, 24))
        assert (day.uplinks, day.uplinksOverLimit) == (5, 3)
        await no_differences(stage)

    on_stage(tmp_path, story, plan=PlanSettings(uplinkRate=1, uplinkBucketSize=2, downlinkRate=0))


# Vectors.


@pytest.mark.parametrize(("gap", "rate"), [(None, 0.0), (1, 0.0), (2, 1 / 3), (3, 0.5), (9, 0.8)])
def test_instant_error_rate(gap: int | None, rate: float) -> None:
    """From counter 24 to 26 a third was lost, from 33 to 36 half (ThingPark's examples)."""
    assert error_rate.instant(gap) == pytest.approx(rate)


def test_mean_error_rate_over_fifty() -> None:
    gaps = b""
    for gap in (None, 1, 1, 2, 1, 4):
        gaps = error_rate.remember(gaps, gap)
    # Six distinct uplinks in ten counters.
    assert error_rate.mean(gaps) == pytest.approx(1 - 6 / 10)
    for _ in range(200):
        gaps = error_rate.remember(gaps, 1)
    assert error_rate.mean(gaps) == pytest.approx(0.0), "what is long ago is forgotten"


@pytest.mark.parametrize(
    ("rssi", "snr", "esp"),
    [(-1000, 0, -1030), (-1000, 100, -1004), (-1200, -200, -1400), (-1000, -100, -1104)],
)
def test_estimated_signal_power(rssi: int, snr: int, esp: int) -> None:
    """RSSI less the noise in it: 10 log10(1 + 10^(-SNR/10))."""
    assert esp_of(rssi, snr) == esp


@given(st.integers(-1400, 0), st.integers(-250, 150))
def test_the_signal_is_never_more_than_all_that_was_received(rssi: int, snr: int) -> None:
    assert esp_of(rssi, snr) <= rssi


def test_pruning_in_small_pieces(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(5):
            await stage.uplink()
            await stage.pass_time(DAY / 1000)
        platform = stage.server.platform
        await clean_up(platform)
        count = await stage.store.read(lambda c: len(c.execute(select(frames.c.id)).all()))
        assert count > 5
        stage.offset += 400 * 86_400
        await clean_up(platform)
        assert await stage.store.read(lambda c: c.execute(select(frames.c.id)).all()) == []

    on_stage(tmp_path, story)
