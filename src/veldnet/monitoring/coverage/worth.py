"""What each base station is worth: devices that only it hears, that depend on it, that it improves.

It is counted by pieces of the index of devices and base stations, now and then, in the store: so it costs
the frames nothing, and reading it costs as many rows as there are base stations.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, case, delete, func, insert, select

from veldnet.domain.resources import timestamp
from veldnet.store import Store, lock_table
from veldnet.store.schema import base_station_worth, hearing, subscribers

from .hearing import LEAST_MARGIN, LEAST_SHARE

# Rows of the index that one query reads, and seconds between two.
_PIECE = 20_000
_PAUSE = 0.05
# A base station improves a device where it is so many dB better than the next one, which has no more margin.
_BETTER, _ENOUGH = 3.0, 15.0

_COUNTERS = ("devices", "only", "weak", "best", "improved")


class StationWorth(msgspec.Struct):
    """What a base station is worth to the devices of an operator: how many it hears (`devices`), of these how
    many no other hears (`only`), others do too seldom or too faintly (`weak`), it hears best (`best`), and it
    hears 3 dB or more better than a next one without margin to spare (`improved`). Without it `only` and
    `weak` go dark; it adds nothing where it has none of the three. `computed` is empty before the first
    count."""

    id: str
    devices: int
    only: int
    weak: int
    best: int
    improved: int
    addsNothing: bool
    computed: str


class _Piece(NamedTuple):
    """What a part of the devices adds, and the last of them."""

    last: int | None
    counts: list[Any]


def _count(connection: Connection, after: int) -> _Piece:
    columns = hearing.c
    # Where the piece ends: all rows of a device belong to one.
    bound = connection.execute(
        select(columns.device_ref)
        .where(columns.device_ref > after)
        .order_by(columns.device_ref)
        .offset(_PIECE - 1)
        .limit(1)
    ).scalar()
    within = columns.device_ref > after
    if bound is not None:
        within &= columns.device_ref <= bound
    of_device, by_margin = columns.device_ref, columns.margin.desc().nulls_last()
    ranked = (
        select(
            columns.device_ref,
            columns.base_station,
            columns.subscriber_ref,
            columns.margin,
            columns.weight,
            func.count().over(partition_by=of_device).label("heard"),
            func.max(columns.weight).over(partition_by=of_device).label("most"),
            func.row_number().over(partition_by=of_device, order_by=by_margin).label("rank"),
            func.lead(columns.margin).over(partition_by=of_device, order_by=by_margin).label("next"),
        )
        .where(within)
        .subquery()
    )
    row = ranked.c
    is_good = (row.weight >= LEAST_SHARE * row.most) & (
        func.coalesce(row.margin, LEAST_MARGIN) >= LEAST_MARGIN
    )
    goods = func.count(case((is_good, 1))).over(partition_by=row.device_ref)
    judged = select(*ranked.c, case((is_good, 1), else_=0).label("good"), goods.label("goods")).subquery()
    row = judged.c
    better = (row.rank == 1) & (row.heard > 1) & (row.margin - row.next >= _BETTER) & (row.next < _ENOUGH)
    counts = connection.execute(
        select(
            subscribers.c.operator_ref,
            row.base_station,
            func.count().label("devices"),
            _number(row.heard == 1).label("only"),
            _number((row.heard > 1) & (row.goods - row.good == 0)).label("weak"),
            _number(row.rank == 1).label("best"),
            _number(better).label("improved"),
        )
        .join(subscribers, subscribers.c.ref == row.subscriber_ref)
        .group_by(subscribers.c.operator_ref, row.base_station)
    ).all()
    return _Piece(bound, list(counts))


def _number(condition: Any) -> Any:
    return func.count(case((condition, 1)))


async def roll_up_worth(store: Store, clock: Callable[[], float]) -> int:
    """Count what all base stations are worth; returns how many rows that makes."""
    totals: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    after: int | None = 0
    while after is not None:
        piece = await store.read(partial(_count, after=after))
        for row in piece.counts:
            totals[(row.operator_ref, row.base_station)].update(
                {name: int(getattr(row, name)) for name in _COUNTERS}
            )
        after = piece.last
        if after is not None:
            await asyncio.sleep(_PAUSE)
    now = round(clock() * 1000)
    rows = [
        {"operator_ref": operator, "base_station": station, "computed_at": now}
        | {name: counts[name] for name in _COUNTERS}
        for (operator, station), counts in totals.items()
    ]
    await store.write(lambda connection: _put(connection, rows))
    return len(rows)


def _put(connection: Connection, rows: list[dict[str, int]]) -> None:
    lock_table(connection, base_station_worth)
    connection.execute(delete(base_station_worth))
    if rows:
        connection.execute(insert(base_station_worth), rows)


def list_worth(connection: Connection, operator_ref: int, stations: Iterable[str] = ()) -> list[StationWorth]:
    """What base stations are worth, those with most that depends on them first. `stations` are there also
    where they hear nothing."""
    columns = base_station_worth.c
    rows = connection.execute(select(*columns).where(columns.operator_ref == operator_ref)).all()
    found = {f"{row.base_station:08X}": row for row in rows}
    computed = timestamp(rows[0].computed_at) if rows else ""
    listed = [
        StationWorth(
            station,
            row.devices,
            row.only,
            row.weak,
            row.best,
            row.improved,
            not (row.only or row.weak or row.improved),
            timestamp(row.computed_at),
        )
        for station, row in found.items()
    ]
    listed += [
        StationWorth(station, 0, 0, 0, 0, 0, bool(rows), computed)
        for station in stations
        if station not in found
    ]
    return sorted(listed, key=lambda one: (-(one.only + one.weak), -one.improved, -one.devices, one.id))
