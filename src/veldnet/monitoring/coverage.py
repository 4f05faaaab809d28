"""Coverage from real traffic: which base station hears what, by cells of the map.

Nothing of it is computed with a frame. Every half minute a bounded part of the journal is read, those frames
of devices that have a location, and added to an index by cells; under heavy traffic that is a sample. A map
reads the index alone, so it costs the same whatever the number of devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from veldnet.domain.resources import timestamp
from veldnet.monitoring.logger.search import Whose
from veldnet.monitoring.statistics.rollups import esp_of
from veldnet.network.core import FrameKind
from veldnet.network.shell import unpack_copies
from veldnet.store import Store, first_id_at, millis_of, read_property, write_property
from veldnet.store.coverage import COVERAGE_LEVELS, CoverageRow, add_coverage
from veldnet.store.schema import coverage, devices, frames, subscribers

_MARK = "coverage_mark"
# Frames of a pass.
_PIECE = 5000
# What is further back than this is left out rather than read later.
_BEHIND = 120_000
MOST_CELLS = 2000
# Below so many large cells small ones are put together.
_FINE = 0.5
MOST_STATIONS = 1000

Key = tuple[int, int, int, int, int]


def _read(connection: Connection, now: int) -> tuple[int, dict[Key, tuple[int, float, int]]]:
    """What the next frames of the journal add, by cell and base station, and up to which frame."""
    mark = int(read_property(connection, _MARK) or 0)
    piece = (
        select(frames.c.id, frames.c.device_ref)
        .where(frames.c.id > max(mark, first_id_at(now - _BEHIND) if mark else 0))
        .order_by(frames.c.id)
        .limit(_PIECE)
        .subquery()
    )
    rows = connection.execute(
        select(
            piece.c.id,
            frames.c.kind,
            frames.c.rssi,
            frames.c.snr,
            frames.c.base_station,
            frames.c.heard,
            devices.c.subscriber_ref,
            devices.c.latitude,
            devices.c.longitude,
        )
        .join(frames, (frames.c.device_ref == piece.c.device_ref) & (frames.c.id == piece.c.id))
        .join(devices, devices.c.ref == piece.c.device_ref, isouter=True)
        .order_by(piece.c.id)
    ).all()
    found: dict[Key, tuple[int, float, int]] = {}
    for row in rows:
        if row.kind == int(FrameKind.UPLINK) and row.latitude is not None and row.longitude is not None:
            _take(found, row)
    return (rows[-1].id if rows else mark), found


def _take(found: dict[Key, tuple[int, float, int]], row: Any) -> None:
    heard = unpack_copies(row.heard) if row.heard else [(row.base_station, row.rssi, row.snr)]
    for station, rssi, snr in heard:
        if station is None or rssi is None or snr is None:
            continue
        esp = esp_of(rssi, snr) / 10
        for level, cells in enumerate(COVERAGE_LEVELS):
            place = (math.floor((row.latitude + 90) * cells), math.floor((row.longitude + 180) * cells))
            key = (row.subscriber_ref, level, *place, station)
            count, total, _at = found.get(key, (0, 0.0, 0))
            found[key] = (count + 1, total + esp, millis_of(row.id))


async def take_coverage(store: Store, clock: Callable[[], float]) -> int:
    """Take up the next part of the journal; returns how many cells it has changed."""
    now = round(clock() * 1000)
    mark, found = await store.read(lambda connection: _read(connection, now))
    if not mark:
        return 0

    def write(connection: Connection) -> None:
        add_coverage(
            connection,
            (CoverageRow(*key, count, total / count, at) for key, (count, total, at) in found.items()),
        )
        write_property(connection, _MARK, str(mark))

    await store.write(write)
    return len(found)


class CoverageCell(msgspec.Struct):
    """A cell of the map, `size` degrees wide: frames heard there, by how many base stations, and the level of
    the best in dBm ESP."""

    south: float
    west: float
    size: float
    frames: int
    stations: int
    esp: float


class HeardStation(msgspec.Struct, frozen=True):
    """What a base station has heard, and when last."""

    base_station: int
    frames: int
    last_heard: str


class Box(msgspec.Struct, frozen=True):
    """A part of the map, in degrees."""

    south: float
    west: float
    north: float
    east: float


def _own(whose: Whose) -> ColumnElement[bool]:
    if whose.subscriber_ref is not None:
        return coverage.c.subscriber_ref == whose.subscriber_ref
    own = select(subscribers.c.ref).where(subscribers.c.operator_ref == whose.operator_ref)
    return coverage.c.subscriber_ref.in_(own)


def coverage_cells(
    connection: Connection, whose: Whose, box: Box, size: float, station: int | None = None
) -> list[CoverageCell]:
    """Cells of at least `size` degrees within a box, as many as a map can show; of one base station, or of
    the best in each."""
    # Not smaller than a map of the box could show; small cells are many, so they are for small parts only.
    area = max(box.north - box.south, 0.0) * max(box.east - box.west, 0.0)
    size = max(size, math.sqrt(area / (2 * MOST_CELLS)))
    level = 1 if size * COVERAGE_LEVELS[0] < _FINE else 0
    cells, columns = COVERAGE_LEVELS[level], coverage.c
    step = max(round(size * cells), 1)
    while True:
        query = (
            select(
                (columns.row // step).label("row"),
                (columns.col // step).label("col"),
                func.sum(columns.frames).label("frames"),
                func.count(columns.base_station.distinct()).label("stations"),
                func.max(columns.esp).label("esp"),
            )
            .where(
                _own(whose),
                columns.level == level,
                columns.row.between(
                    math.floor((box.south + 90) * cells), math.floor((box.north + 90) * cells)
                ),
                columns.col.between(
                    math.floor((box.west + 180) * cells), math.floor((box.east + 180) * cells)
                ),
            )
            .group_by(columns.row // step, columns.col // step)
            .limit(MOST_CELLS + 1)
        )
        if station is not None:
            query = query.where(columns.base_station == station)
        rows = connection.execute(query).all()
        if len(rows) <= MOST_CELLS:
            break
        step *= 2
    wide = step / cells
    return [
        CoverageCell(
            round(row.row * wide - 90, 5),
            round(row.col * wide - 180, 5),
            round(wide, 5),
            int(row.frames),
            int(row.stations),
            round(row.esp, 1),
        )
        for row in rows
    ]


def heard_by(connection: Connection, whose: Whose) -> list[HeardStation]:
    """The base stations that heard devices with a location, those that heard most first."""
    columns = coverage.c
    total = func.sum(columns.frames)
    rows = connection.execute(
        select(columns.base_station, total.label("frames"), func.max(columns.last_at).label("last_at"))
        .where(_own(whose), columns.level == 0)
        .group_by(columns.base_station)
        .order_by(total.desc())
        .limit(MOST_STATIONS)
    )
    return [HeardStation(row.base_station, int(row.frames), timestamp(row.last_at)) for row in rows]
