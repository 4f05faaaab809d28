"""A history for benchmarks: frame rows of a large fleet over seven days, made inside the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, case, insert, select, text, update

from .database import Database
from .ids import first_id_at
from .rows import HOURLY_COUNTERS
from .schema import devices as device_rows
from .schema import hourly_statistics

DAYS = 7
SPAN = DAYS * 86_400_000
# So many devices send every quarter of an hour, all others share the other rows evenly.
TALKATIVE = 1000
TALKATIVE_ROWS = DAYS * 96
# One device in so many has lost its connection.
LOST_EVERY = 50
_PIECE = 1_000_000

# As an engine keeps rows: SQLite a device's side by side, so devices come one after the other; PostgreSQL
# as they come, so all devices take turns. Each one's frames are spread evenly over the time.
_BY_DEVICE = ("(n % :each * :devices + n / :each)", "n / :each", "n % :each")
_BY_TIME = ("n", "n % :devices", "n / :devices")
_FRAMES = """
WITH RECURSIVE numbers(n) AS (
  SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
INSERT INTO frames (id, device_ref, kind, outcome, fcnt, fport, size, rssi, snr, data_rate, base_station,
  copies, flags, gap, airtime, sf, subscriber_ref, plan_ref)
SELECT :start_id + {place} * :step, :base + {device},
  CASE WHEN n % 10 = 9 THEN :down ELSE :up END,
  CASE WHEN n % 10 = 9 THEN 'sent' ELSE 'accepted' END,
  {number}, 1, 20, CASE WHEN n % 10 = 9 THEN NULL ELSE -1200 + n % 400 END,
  CASE WHEN n % 10 = 9 THEN NULL ELSE -100 + n % 180 END, 5, :first_station + n % :stations, 1, 0,
  CASE WHEN n % 10 = 9 THEN NULL WHEN n % 37 = 0 THEN 2 ELSE 1 END, 616, 7, :subscriber, :plan FROM numbers
"""


class Traffic(NamedTuple):
    """What the frames are: `up` and `down` their kinds, `first_station` the first of so many `stations`."""

    up: int
    down: int
    first_station: int
    stations: int


def create_history(
    database: Database,
    traffic: Traffic,
    devices: int,
    rows: int,
    now_ms: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write about `rows` frame rows of the devices 1 to `devices` up to now. Nothing is durable before the
    end: an interrupted benchmark starts over."""
    ids = range(first_id_at(now_ms - SPAN), first_id_at(now_ms))
    with database.bulk_load(ids) as connection:
        columns = device_rows.c
        subscriber, plan = connection.execute(
            select(columns.subscriber_ref, columns.plan_ref).where(columns.ref == 1)
        ).one()
        connection.execute(text("DROP INDEX ix_frames_id"))
        chatter, quiet = TALKATIVE * TALKATIVE_ROWS, devices - TALKATIVE
        crowds = (
            _Crowd(1, TALKATIVE, TALKATIVE_ROWS),
            _Crowd(TALKATIVE + 1, quiet, max((rows - chatter) // quiet, 1)),
        )
        done = 0
        for parity, crowd in enumerate(crowds):
            common = {"subscriber": subscriber, "plan": plan, **traffic._asdict()} | _ids(
                crowd, now_ms, parity
            )
            done = _write(connection, crowd, common, done, progress)
        connection.execute(text("CREATE UNIQUE INDEX ix_frames_id ON frames (id)"))
        lost = case((columns.ref % LOST_EVERY == 0, 2), else_=1)
        connection.execute(update(device_rows).values(health=lost))
        _write_totals(connection, subscriber, rows, now_ms)
        connection.execute(text("ANALYZE"))


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
    connection: Connection,
    crowd: _Crowd,
    common: dict[str, int],
    done: int,
    progress: Callable[[int], None],
) -> int:
    """Write the rows of a crowd; returns how many there are now."""
    total = crowd.devices * crowd.each
    place, device, number = _BY_TIME if connection.dialect.name == "postgresql" else _BY_DEVICE
    frames = text(_FRAMES.format(place=place, device=device, number=number))
    for first in range(0, total, _PIECE):
        end = min(first + _PIECE, total)
        connection.execute(
            frames,
            {
                **common,
                **crowd._asdict(),
                "first": first,
                "end": end,
            },
        )
        progress(done + end)
    return done + total


def _write_totals(connection: Connection, subscriber: int, rows: int, now_ms: int) -> None:
    """The hourly totals of the fleet; even figures serve, as only their number matters here."""
    hour, per_hour = now_ms // 3_600_000, rows // (DAYS * 24)
    values = {name: per_hour if name in ("uplinks", "downlinks_sent") else 0 for name in HOURLY_COUNTERS}
    connection.execute(
        insert(hourly_statistics),
        [{"scope": 1, "scope_ref": subscriber, "hour": hour - back, **values} for back in range(DAYS * 24)],
    )
