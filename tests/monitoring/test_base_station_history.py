"""What was measured at base stations and when they were away, by hours, over many days and restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.lorawan import BaseStationId
from veldnet.monitoring import Retention, prune
from veldnet.monitoring import base_station_history as history
from veldnet.monitoring.base_station_history import Channel, Levels, Look, Measures, Recorder, Spread
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, StoreError

STATION, OTHER = BaseStationId(0xFF000001), BaseStationId(0xFF000002)
HOUR, DAY = 3600.0, 86_400.0
# The beginning of a day.
START = 1_800_000_000.0 // DAY * DAY


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    opened = await DataDirectory.open(Settings(data=str(tmp_path / "data")), create=True)
    yield opened.store
    await opened.close()


class Clocked:
    """A recorder under a clock, with base stations that are there or not."""

    def __init__(self, store: DatabaseStore, now: float = START) -> None:
        self.now = now
        self.store = store
        self.recorder = Recorder(store, lambda: self.now, 180.0)

    async def look(
        self,
        seconds: float,
        seen_at: float | None = None,
        *,
        up_since: float = START,
        breaks: Sequence[tuple[float, float]] = (),
        measures: Measures | None = None,
    ) -> None:
        """Let time pass and look; without `seen_at` the base station is heard just now."""
        self.now += seconds
        seen = self.now if seen_at is None else seen_at
        await self.recorder.look({STATION: Look(seen, up_since, breaks, measures or Measures())})

    async def availability(self, days: int = 35) -> history.Availability:
        now = round(self.now * 1000)
        return await self.store.read(lambda c: history.availability(c, int(STATION), now, days))

    async def slots(self, hours: int = 24) -> list[history.StationSlot]:
        span = Span(round((self.now - 40 * DAY) * 1000), round(self.now * 1000) + 1)
        return await self.store.read(lambda c: history.station_slots(c, int(STATION), span, hours))

    async def outages(self) -> list[tuple[str, str | None, float]]:
        now = round(self.now * 1000)
        page = await self.store.read(lambda c: history.list_outages(c, int(STATION), now, 1, 100))
        return [
            (outage.began[11:19], outage.ended and outage.ended[11:19], outage.seconds)
            for outage in page.outages
        ]


def measured() -> Measures:
    return Measures(
        packets=100,
        bad_packets=7,
        downlinks={"SENT": 3, "TOO_LATE": 1},
        duty_cycle={"G1": 0.004},
        temperature=Spread(2, 50.0, 20.0, 30.0),
        round_trip=Spread(1, 0.04, 0.04, 0.04),
    )


async def test_measures_are_added_up_by_hours_and_days(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    for _ in range(3):
        await clocked.look(HOUR / 2, measures=measured())
    first, second = await clocked.slots(hours=1)
    assert first.packets == 200 and first.badPackets == 14 and second.packets == 100
    assert first.downlinks == {"SENT": 6, "TOO_LATE": 2} and first.dutyCycle == {"G1": 0.004}
    assert (first.temperature, first.temperatureMin, first.temperatureMax) == (25.0, 20.0, 30.0)
    assert first.roundTrip == 0.04 and first.clockOffset is None and first.acknowledged is None
    assert (first.watched, first.connected) == (HOUR, 1.0) and first.uplinks == 0
    (day,) = await clocked.slots()
    assert day.packets == 300 and day.downlinks["SENT"] == 9 and day.watched == 1.5 * HOUR


@pytest.mark.parametrize("by", [-5 * HOUR, 5 * HOUR])
async def test_a_step_of_the_clock_is_no_time_that_went_by(store: DatabaseStore, by: float) -> None:
    clocked = Clocked(store, START + 8 * HOUR)
    await clocked.recorder.start()
    await clocked.look(600)
    gone = clocked.now
    await clocked.look(240, gone)
    clocked.recorder.stepped(by)
    clocked.now += by
    await clocked.look(60, gone + by)
    await clocked.look(60, up_since=clocked.now + 60)
    (day,) = (each for each in (await clocked.availability()).days if each.watched)
    # Ten minutes there, five away, and again there for the last.
    assert day.watched == 960.0 and day.connected == pytest.approx(1 - 360 / 960, abs=1e-3)
    assert day.outages == 1 and (await clocked.availability()).awaySince is None


def heard_and_sent() -> Measures:
    """A frame on a channel that a base station does not say exactly, and one that it sends there."""
    levels = Levels(1, -1000, -1000, -1000), Levels(1, 55, 55, 55)
    return Measures(
        channels={
            868_100: Channel(1, *levels, 1, 36_000),
            868_101: Channel(2, Levels(2, -2100, -1100, -1000), Levels(2, 0, -5, 5)),
            0: Channel(3),
        }
    )


async def test_channels_are_added_up_by_name_and_the_fullest_hour_is_known(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    for _ in range(3):
        await clocked.look(HOUR / 2, measures=heard_and_sent())
    span = Span(round((clocked.now - DAY) * 1000), round(clocked.now * 1000) + 1)

    def named(frequency: int) -> str:
        return "LC1" if frequency else "other"

    other, first = await store.read(lambda c: history.channel_totals(c, int(STATION), span, named))
    assert (other.channel, other.frequency, other.frames, other.rssi) == ("other", None, 9, None)
    assert (first.channel, first.frequency, first.frames, first.downlinks) == ("LC1", 868.1, 9, 3)
    assert (first.rssi, first.rssiMin, first.rssiMax) == (-103.3333, -110.0, -100.0)
    assert (first.snr, first.snrMin, first.snrMax) == (1.8333, -0.5, 5.5)
    # For 72 seconds in the first hour, for 36 in the second.
    assert (first.airtime, first.dutyCycle, first.dutyCycleMax) == (108.0, 0.015, 0.02)
    hours = await store.read(lambda c: history.channel_slots(c, int(STATION), span, 1, named))
    assert [(each.date[11:16], each.channel, each.frames) for each in hours] == [
        ("00:00", "other", 6),
        ("00:00", "LC1", 6),
        ("01:00", "other", 3),
        ("01:00", "LC1", 3),
    ]


async def test_an_outage_begins_when_it_was_heard_last_and_ends_when_it_is_back(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    await clocked.look(HOUR)
    gone = clocked.now
    await clocked.look(60, gone)
    assert await clocked.outages() == [], "it may be back in time"
    await clocked.look(180, gone)
    assert await clocked.outages() == [("01:00:00", None, 240.0)]
    assert (await clocked.availability()).awaySince is not None
    await clocked.look(2 * HOUR, gone)
    await clocked.look(60, up_since=clocked.now + 30, breaks=[(gone, clocked.now + 30)])
    assert await clocked.outages() == [("01:00:00", "03:04:30", 7470.0)]
    found = await clocked.availability()
    assert found.awaySince is None and found.outages == 1 and found.watched == 3 * HOUR + 300
    assert found.connected == pytest.approx(1 - 7470 / (3 * HOUR + 300), abs=1e-6)
    assert [slot.connected for slot in await clocked.slots(hours=1)][:3] == [1.0, 0.0, 0.0]


async def test_an_outage_between_two_looks_counts_and_a_short_break_does_not(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    await clocked.look(DAY, breaks=[(START + 100, START + 250), (START + HOUR, START + 2 * HOUR)])
    assert await clocked.outages() == [("01:00:00", "02:00:00", HOUR)]
    assert (await clocked.availability()).connected == pytest.approx(23 / 24, abs=1e-6)


async def test_what_nobody_watched_is_no_outage_and_an_open_one_goes_on(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    await clocked.look(HOUR, START + 600)
    # The server is away for five hours; the base station is back an hour after it.
    again = Clocked(store, START + 6 * HOUR)
    await again.recorder.start()
    await again.look(HOUR / 2, again.now)
    assert await again.outages() == [("00:10:00", None, 6.5 * HOUR - 600)]
    back = again.now + HOUR / 2
    await again.look(HOUR, up_since=back)
    assert await again.outages() == [("00:10:00", "07:00:00", 7 * HOUR - 600)]
    found = await again.availability()
    assert found.watched == 2.5 * HOUR
    assert found.connected == pytest.approx(1 - (HOUR - 600 + HOUR) / (2.5 * HOUR), abs=1e-6)


async def test_days_pass_and_what_is_old_goes(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    for day in range(40):
        await clocked.look(
            DAY, breaks=[(START + day * DAY + 60, START + day * DAY + 60 + HOUR)], measures=measured()
        )
    long = 400 * DAY
    await prune(store, clocked.now, Retention(long, long, long, long, long))
    found = await clocked.availability()
    assert len(found.days) == 35 and found.connected == pytest.approx(23 / 24, abs=1e-4)
    assert all(day.outages == 1 and day.watched == DAY for day in found.days[:-1])
    slots, outages = await clocked.slots(), await clocked.outages()
    assert len(slots) == 35 and len(outages) == 35
    assert await store.read(history.shares) == {int(STATION): pytest.approx(23 / 24, abs=1e-4)}


async def test_nothing_is_lost_while_the_store_does_not_write(
    store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()

    async def refuse(_change: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr(store, "write", refuse)
        await clocked.look(60, measures=measured())
    await clocked.look(60, measures=measured())
    (slot,) = await clocked.slots(hours=1)
    assert slot.packets == 200 and slot.watched == 120


async def test_a_removed_base_station_is_away_no_longer(store: DatabaseStore) -> None:
    clocked = Clocked(store)
    await clocked.recorder.start()
    await clocked.look(HOUR, START)
    clocked.now += HOUR
    await clocked.recorder.look({})
    assert await clocked.outages() == [("00:00:00", "02:00:00", 2 * HOUR)]


def test_results_that_base_stations_invent_are_bounded() -> None:
    total = Measures()
    for number in range(100):
        total.add(Measures(downlinks={f"ERROR_{number}": 1}))
    assert len(total.downlinks) == 25 and total.downlinks["OTHER"] == 76
