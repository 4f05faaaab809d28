"""A store with a history: frame rows of a large fleet over seven days, made inside the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from veldnet.network import FrameKind
from veldnet.store import first_id_at
from veldnet.store.schema import HOURLY_COUNTERS

from .fleet import FIRST_BASE_STATION, SITES

DAYS = 7
SPAN = DAYS * 86_400_000
# So many devices send every quarter of an hour, all others share the rest of the rows evenly.
TALKATIVE = 1000
TALKATIVE_ROWS = DAYS * 96
# One device in so many has lost its connection.
LOST_EVERY = 50
_PIECE = 1_000_000
# Coprime to any number of devices that a benchmark is run with, so that neighbours in time are none in the
# fleet.
_STRIDE = 7_368_787

_FRAMES = """
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
INSERT INTO frames (id, device_ref, kind, outcome, fcnt, fport, size, rssi, snr, data_rate, base_station,
  copies, flags, gap, airtime, sf, subscriber_ref, plan_ref)
SELECT :start_id + n * :step, :base + n * :stride % :devices,
  CASE WHEN n % 10 = 9 THEN :down ELSE :up END,
  CASE WHEN n % 10 = 9 THEN 'sent' ELSE 'accepted' END,
  n / :devices, 1, 20, CASE WHEN n % 10 = 9 THEN NULL ELSE -1200 + n % 400 END,
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
    """Write `rows` frame rows of the devices 1 to `devices` up to now. The index comes last, and nothing is
    durable before the end: a benchmark that is broken off starts anew."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
            connection.execute(f"PRAGMA {pragma}").close()
        subscriber, plan = connection.execute(
            "SELECT subscriber_ref, plan_ref FROM devices WHERE ref = 1"
        ).fetchone()
        connection.execute("DROP INDEX ix_frames_device_ref_id")
        talkative = min(TALKATIVE, devices)
        chatter = talkative * TALKATIVE_ROWS
        _write(connection, 1, talkative, chatter, now_ms, subscriber, plan, 1, progress, 0)
        _write(connection, 1, devices, rows - chatter, now_ms, subscriber, plan, 0, progress, chatter)
        connection.execute("CREATE INDEX ix_frames_device_ref_id ON frames (device_ref, id)")
        connection.execute("UPDATE devices SET health = 1 + (ref % ? = 0)", (LOST_EVERY,))
        _write_totals(connection, subscriber, rows, now_ms)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA journal_mode=WAL").close()
    finally:
        connection.close()


def _write(
    connection: sqlite3.Connection,
    base: int,
    devices: int,
    rows: int,
    now_ms: int,
    subscriber: int,
    plan: int,
    parity: int,
    progress: Callable[[int], None],
    done: int,
) -> None:
    """Rows evenly over the time; `parity` keeps the identifiers of two runs apart."""
    start = first_id_at(now_ms - SPAN)
    step = (first_id_at(now_ms) - start) // rows & ~1
    for first in range(0, rows, _PIECE):
        end = min(first + _PIECE, rows)
        connection.execute(
            _FRAMES,
            {
                "first": first,
                "end": end,
                "start_id": (start & ~1) + parity,
                "step": step,
                "base": base,
                "devices": devices,
                "subscriber": subscriber,
                "plan": plan,
                "stride": _STRIDE,
                "up": int(FrameKind.UPLINK),
                "down": int(FrameKind.DOWNLINK),
                "first_station": FIRST_BASE_STATION,
                "stations": SITES,
            },
        )
        progress(done + end)


def _write_totals(connection: sqlite3.Connection, subscriber: int, rows: int, now_ms: int) -> None:
    """The hourly totals of the fleet; even figures serve, as only their number matters here."""
    hour, per_hour = now_ms // 3_600_000, rows // (DAYS * 24)
    values = [per_hour if name in ("uplinks", "downlinks_sent") else 0 for name in HOURLY_COUNTERS]
    marks = ", ".join("?" * (3 + len(values)))
    connection.executemany(
        f"INSERT INTO hourly_statistics VALUES ({marks})",  # noqa: S608 - only marks
        [(1, subscriber, hour - back, *values) for back in range(DAYS * 24)],
    )
