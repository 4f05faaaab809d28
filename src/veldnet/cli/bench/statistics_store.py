"""A store with a history: frame rows of a large fleet over seven days, made inside the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from veldnet.network.core import FrameKind
from veldnet.store import HOURLY_COUNTERS, first_id_at

from .fleet import FIRST_BASE_STATION, SITES

DAYS = 7
SPAN = DAYS * 86_400_000
# So many devices send every quarter of an hour, all others share the other rows evenly.
TALKATIVE = 1000
TALKATIVE_ROWS = DAYS * 96
# One device in so many has lost its connection.
LOST_EVERY = 50
_PIECE = 1_000_000

# Devices one after the other, as they lie in the table; each one's frames are spread evenly over the time.
_FRAMES = """
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
INSERT INTO frames (id, device_ref, kind, outcome, fcnt, fport, size, rssi, snr, data_rate, base_station,
  copies, flags, gap, airtime, sf, subscriber_ref, plan_ref)
SELECT :start_id + (n % :each * :devices + n / :each) * :step, :base + n / :each,
  CASE WHEN n % 10 = 9 THEN :down ELSE :up END,
  CASE WHEN n % 10 = 9 THEN 'sent' ELSE 'accepted' END,
  n % :each, 1, 20, CASE WHEN n % 10 = 9 THEN NULL ELSE -1200 + n % 400 END,
  CASE WHEN n % 10 = 9 THEN NULL ELSE -100 + n % 180 END, 5, :first_station + n % :stations, 1, 0,
  CASE WHEN n % 10 = 9 THEN NULL ELSE 1 + (n % 37 = 0) END, 616, 7, :subscriber, :plan FROM numbers
"""


def create_history(
    path: Path,
    devices: int,
    rows: int,
    now_ms: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write about `rows` frame rows of the devices 1 to `devices` up to now. Nothing is durable before the
    end: an interrupted benchmark starts over."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
            connection.execute(f"PRAGMA {pragma}").close()
        subscriber, plan = connection.execute(
            "SELECT subscriber_ref, plan_ref FROM devices WHERE ref = 1"
        ).fetchone()
        connection.execute("DROP INDEX ix_frames_id")
        chatter, quiet = TALKATIVE * TALKATIVE_ROWS, devices - TALKATIVE
        crowds = (
            _Crowd(1, TALKATIVE, TALKATIVE_ROWS),
            _Crowd(TALKATIVE + 1, quiet, max((rows - chatter) // quiet, 1)),
        )
        done = 0
        for parity, crowd in enumerate(crowds):
            common = {"subscriber": subscriber, "plan": plan} | _ids(crowd, now_ms, parity)
            done = _write(connection, crowd, common, done, progress)
        connection.execute("CREATE UNIQUE INDEX ix_frames_id ON frames (id)")
        connection.execute("UPDATE devices SET health = 1 + (ref % ? = 0)", (LOST_EVERY,))
        _write_totals(connection, subscriber, rows, now_ms)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA journal_mode=WAL").close()
    finally:
        connection.close()


class _Crowd(NamedTuple):
    """Devices from `base` on, so many of them, with so many rows each."""

    base: int
    devices: int
    each: int


def _ids(crowd: _Crowd, now_ms: int, parity: int) -> dict[str, int]:
    """The identifiers of a crowd, evenly over the time; `parity` keeps those of two crowds apart."""
    start = first_id_at(now_ms - SPAN)
    step = (first_id_at(now_ms) - start) // (crowd.devices * crowd.each) & ~1
    return {"start_id": (start & ~1) + parity, "step": step}


def _write(
    connection: sqlite3.Connection,
    crowd: _Crowd,
    common: dict[str, int],
    done: int,
    progress: Callable[[int], None],
) -> int:
    """Write the rows of a crowd; returns how many there are now."""
    total = crowd.devices * crowd.each
    for first in range(0, total, _PIECE):
        end = min(first + _PIECE, total)
        connection.execute(
            _FRAMES,
            {
                **common,
                **crowd._asdict(),
                "first": first,
                "end": end,
                "up": int(FrameKind.UPLINK),
                "down": int(FrameKind.DOWNLINK),
                "first_station": FIRST_BASE_STATION,
                "stations": SITES,
            },
        )
        progress(done + end)
    return done + total


def _write_totals(connection: sqlite3.Connection, subscriber: int, rows: int, now_ms: int) -> None:
    """The hourly totals of the fleet; even figures serve, as only their number matters here."""
    hour, per_hour = now_ms // 3_600_000, rows // (DAYS * 24)
    values = [per_hour if name in ("uplinks", "downlinks_sent") else 0 for name in HOURLY_COUNTERS]
    marks = ", ".join("?" * (3 + len(values)))
    connection.executemany(
        f"INSERT INTO hourly_statistics VALUES ({marks})",  # noqa: S608 - only marks
        [(1, subscriber, hour - back, *values) for back in range(DAYS * 24)],
    )
