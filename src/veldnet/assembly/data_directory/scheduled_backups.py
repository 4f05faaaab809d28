"""Backups that the server makes by itself, and which of them are kept."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import structlog

from veldnet.assembly.data_directory.backups import BackupError, back_up
from veldnet.assembly.data_directory.directory import database_of
from veldnet.settings import Settings
from veldnet.texts import Text

log = structlog.get_logger(__name__)

_FORM = "veldnet-%Y%m%dT%H%M%SZ.db"
# After one that failed, at most.
_RETRY = 600.0
# Bytes that must be free besides the copy.
_LEAST_FREE = 100_000_000


class BackupCounters(msgspec.Struct):
    """Since the start, but for the time of the last success, which is that of the newest file."""

    succeeded_at: float = 0.0
    failures: int = 0
    seconds: float = 0.0
    size: int = 0


class ScheduledBackups:
    """Makes a backup when the newest one is old enough; so a server that is restarted keeps the rhythm."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = Path(settings.backup.directory)
        self._failed_at: float | None = None
        self.problem: str | None = None
        self.counters = BackupCounters()

    async def run(self) -> None:
        """Make a backup if it is time."""
        now = self._clock()
        wait = min(_RETRY, self._settings.backup.every)
        if self._failed_at is not None and 0 <= now - self._failed_at < wait:
            return
        await asyncio.to_thread(self._run, now)

    def _run(self, now: float) -> None:
        try:
            newest = max((at for at, _file in self._files()), default=None)
            if newest is not None:
                self.counters.succeeded_at = newest
                # One from the future is of a clock that was wrong.
                if 0 <= now - newest < self._settings.backup.every:
                    return
            self._make(now)
        except BackupError as error:
            self._failed_at = now
            self.counters.failures += 1
            self.problem = Text("the backup of {time} failed: {error}", time=_time(now), error=str(error))
            log.error("backup_failed", error=str(error))
        else:
            self._failed_at = self.problem = None

    def _make(self, now: float) -> None:
        begun = time.monotonic()
        target = self._directory / datetime.datetime.fromtimestamp(now, datetime.UTC).strftime(_FORM)
        size = database_of(self._settings).size()
        try:
            # What an earlier process did not finish.
            for partial in self._directory.glob("veldnet-*.db.partial"):
                partial.unlink(missing_ok=True)
            free = shutil.disk_usage(self._directory).free
        except OSError as error:
            raise BackupError(f"{self._directory} cannot be written: {error.strerror}") from None
        if free < size + _LEAST_FREE:
            raise BackupError(
                f"{self._directory} has {free // 1_000_000} MB free, and the database {size // 1_000_000} MB"
            )
        back_up(self._settings, target)
        target.chmod(0o600)
        self.counters.succeeded_at = now
        self.counters.size = target.stat().st_size
        self.counters.seconds = time.monotonic() - begun
        log.info("backup_made", file=str(target), bytes=self.counters.size)
        self._rotate()

    def _files(self) -> list[tuple[float, Path]]:
        # A directory that is not there is a disk that is not mounted: none is made in its place.
        if not self._directory.is_dir():
            raise BackupError(f"there is no directory {self._directory}")
        try:
            files = list(self._directory.iterdir())
        except OSError as error:
            raise BackupError(f"{self._directory} cannot be read: {error.strerror}") from None
        return [(at, file) for file in files if (at := _made_at(file)) is not None]

    def _rotate(self) -> None:
        files = dict(self._files())
        backup = self._settings.backup
        for at in set(files) - kept(files, daily=backup.daily, weekly=backup.weekly):
            try:
                files[at].unlink()
            except OSError as error:
                raise BackupError(f"{files[at]} cannot be deleted: {error.strerror}") from None
            log.info("backup_deleted", file=str(files[at]))


def kept(times: Iterable[float], *, daily: int, weekly: int) -> set[float]:
    """Which backups stay: the newest one, and the last one of each of the latest days, and weeks, that have
    any."""
    ordered = sorted(times, reverse=True)
    chosen = set(ordered[:1])
    for count, form in ((daily, "%Y-%m-%d"), (weekly, "%G-%V")):
        last: dict[str, float] = {}
        for at in ordered:
            last.setdefault(datetime.datetime.fromtimestamp(at, datetime.UTC).strftime(form), at)
        chosen |= set(list(last.values())[:count])
    return chosen


def _made_at(file: Path) -> float | None:
    """When a backup of ours was made; None for other files, which are left alone."""
    try:
        made = datetime.datetime.strptime(file.name, _FORM)
    except ValueError:
        return None
    return made.replace(tzinfo=datetime.UTC).timestamp()


def _time(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
