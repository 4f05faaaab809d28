"""Scheduled backups: their rhythm, what is kept, and what an operator hears of one that failed."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.installation import sandbox
from veldnet.assembly.data_directory.backups import restore
from veldnet.assembly.data_directory.scheduled_backups import ScheduledBackups, kept
from veldnet.settings import Settings, SettingsError, load_settings

DAY = 86_400.0
# A Monday.
NOW = datetime.datetime(2027, 1, 4, 3, 0, tzinfo=datetime.UTC).timestamp()


class Stage:
    def __init__(self, folder: Path, **changes: object) -> None:
        self.now = NOW
        self.backups = folder / "backups"
        self.backups.mkdir()
        sandbox(folder / "data")
        flags = {"data": str(folder / "data"), "backup.directory": str(self.backups)} | changes
        self.settings: Settings = load_settings(flags, environment={})
        self.scheduled = self.fresh()

    def fresh(self) -> ScheduledBackups:
        return ScheduledBackups(self.settings, lambda: self.now)

    async def after(self, seconds: float) -> list[str]:
        self.now += seconds
        await self.scheduled.run()
        return sorted(file.name for file in self.backups.iterdir())


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_one_a_day_also_over_restarts_and_it_can_be_restored(stage: Stage, tmp_path: Path) -> None:
    (stage.backups / "veldnet-20270103T030000Z.db.partial").touch()
    assert await stage.after(0) == ["veldnet-20270104T030000Z.db"]
    assert (stage.backups / "veldnet-20270104T030000Z.db").stat().st_mode & 0o777 == 0o600
    stage.scheduled = stage.fresh()
    assert len(await stage.after(DAY - 1)) == 1
    assert stage.scheduled.counters.succeeded_at == NOW
    files = await stage.after(1)
    assert files[-1] == "veldnet-20270105T030000Z.db" and stage.scheduled.problem is None
    assert stage.scheduled.counters.size == (stage.backups / files[-1]).stat().st_size
    # Elsewhere, with the master key.
    other = tmp_path / "other"
    (other / "vault").mkdir(parents=True)
    key = (tmp_path / "data" / "vault" / "master.key").read_bytes()
    (other / "vault" / "master.key").write_bytes(key)
    (other / "vault" / "master.key").chmod(0o600)
    there = load_settings({"data": str(other), "keys.process": False}, environment={})
    assert await asyncio.to_thread(restore, there, stage.backups / files[-1]) is None


async def test_days_and_weeks_are_kept_and_other_files_left_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path, **{"backup.daily": 3, "backup.weekly": 2})
    (stage.backups / "veldnet-before-the-move.db").touch()
    for _day in range(20):
        files = await stage.after(DAY)
    days = [name[8:16] for name in files if name.startswith("veldnet-2")]
    # Sunday of the week before, then the last three days.
    assert days == ["20270117", "20270122", "20270123", "20270124"]
    assert "veldnet-before-the-move.db" in files


async def test_a_failed_backup_is_a_problem_until_one_succeeds(stage: Stage) -> None:
    stage.backups.rmdir()
    stage.now += 1
    await stage.scheduled.run()
    assert stage.scheduled.problem is not None
    assert stage.scheduled.problem.endswith(f"failed: there is no directory {stage.backups}")
    stage.backups.mkdir()
    assert await stage.after(300) == [] and stage.scheduled.problem is not None
    assert len(await stage.after(301)) == 1
    assert stage.scheduled.problem is None and stage.scheduled.counters.failures == 1


@given(st.lists(st.integers(0, 4000), unique=True), st.integers(0, 40), st.integers(0, 10))
def test_kept_are_the_newest_of_days_and_weeks(hours: list[int], daily: int, weekly: int) -> None:
    times = [NOW + hour * 3600.0 for hour in hours]
    chosen = kept(times, daily=daily, weekly=weekly)
    assert chosen <= set(times) and len(chosen) <= 1 + daily + weekly
    if times:
        assert max(times) in chosen
        days = {at // DAY for at in times}
        assert len({at // DAY for at in chosen}) >= min(daily, len(days))


def test_no_less_than_a_minute_between_two() -> None:
    with pytest.raises(SettingsError, match=r"backup\.every"):
        load_settings({"backup.every": "1s"}, environment={})
