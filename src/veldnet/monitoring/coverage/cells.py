"""Which base station hears what, by cells of the map. A map reads the index of cells alone, so it costs the
same whatever the number of devices.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, select

from veldnet.domain.resources import timestamp
from veldnet.monitoring.logger.search import Whose
from veldnet.store.coverage import COVERAGE_LEVELS
from veldnet.store.expressions import total
from veldnet.store.schema import coverage, subscribers

MOST_CELLS = 2000
# Below so many large cells small ones are put together.
_FINE = 0.5
MOST_STATIONS = 1000


class CoverageCell(msgspec.Struct):
    """A cell of the map, `size` degrees wide: frames heard there, by how many base stations, and the level of
    the best in dBm ESP."""

    south: float
    west: float
    size: float
    frames: int
    stations: int
    esp: float


class FailureCell(msgspec.Struct):
    """A cell that a base station hears: frames there, its level in dBm ESP, and that of the best other one,
    null where no other hears anything."""

    south: float
    west: float
    size: float
    frames: int
    esp: float
    otherEsp: float | None


class CellStation(msgspec.Struct, frozen=True):
    """A base station that hears a cell: frames, level in dBm ESP, and when last."""

    base_station: int
    frames: int
    esp: float
    last_heard: str


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


class _Grid:
    """The cells of a box that a map can show: large ones put together of those of the index."""

    def __init__(self, box: Box, size: float) -> None:
        # Not smaller than a map of the box could show; small cells are many, so they are for small parts.
        area = max(box.north - box.south, 0.0) * max(box.east - box.west, 0.0)
        size = max(size, math.sqrt(area / (2 * MOST_CELLS)))
        self.level = 1 if size * COVERAGE_LEVELS[0] < _FINE else 0
        self.cells = COVERAGE_LEVELS[self.level]
        self.step = max(round(size * self.cells), 1)
        self._box = box

    @property
    def wide(self) -> float:
        return self.step / self.cells

    def within(self, whose: Whose) -> ColumnElement[bool]:
        columns, box, cells = coverage.c, self._box, self.cells
        return (
            _own(whose)
            & (columns.level == self.level)
            & columns.row.between(math.floor((box.south + 90) * cells), math.floor((box.north + 90) * cells))
            & columns.col.between(math.floor((box.west + 180) * cells), math.floor((box.east + 180) * cells))
        )

    def read(
        self, connection: Connection, sums: list[Any], where: ColumnElement[bool], having: Any = None
    ) -> list[Any]:
        """Sums of each cell; where there are too many cells, of larger ones."""
        columns = coverage.c
        while True:
            row, col = columns.row // self.step, columns.col // self.step
            query = select(row.label("row"), col.label("col"), *sums).where(where).group_by(row, col)
            if having is not None:
                query = query.having(having)
            rows = list(connection.execute(query.limit(MOST_CELLS + 1)))
            if len(rows) <= MOST_CELLS:
                return rows
            self.step *= 2

    def place(self, row: int, col: int) -> tuple[float, float, float]:
        """South, west and size of a cell, in degrees."""
        wide = self.wide
        return round(row * wide - 90, 5), round(col * wide - 180, 5), round(wide, 5)


def coverage_cells(
    connection: Connection, whose: Whose, box: Box, size: float, station: int | None = None
) -> list[CoverageCell]:
    """Cells of at least `size` degrees within a box, as many as a map can show; of one base station, or of
    the best in each."""
    grid, columns = _Grid(box, size), coverage.c
    where = grid.within(whose)
    if station is not None:
        where &= columns.base_station == station
    sums = [
        total(columns.frames).label("frames"),
        func.count(columns.base_station.distinct()).label("stations"),
        func.max(columns.esp).label("esp"),
    ]
    return [
        CoverageCell(*grid.place(row.row, row.col), row.frames, row.stations, round(row.esp, 1))
        for row in grid.read(connection, sums, where)
    ]


def failure_cells(
    connection: Connection, whose: Whose, box: Box, size: float, station: int
) -> list[FailureCell]:
    """The cells that a base station hears, and how well the best of the others does."""
    grid, columns = _Grid(box, size), coverage.c
    here = columns.base_station == station
    heard = func.max(case((here, columns.esp)))
    sums = [
        total(case((here, columns.frames), else_=0)).label("frames"),
        heard.label("esp"),
        func.max(case((here, None), else_=columns.esp)).label("other"),
    ]
    return [
        FailureCell(
            *grid.place(row.row, row.col),
            row.frames,
            round(row.esp, 1),
            None if row.other is None else round(row.other, 1),
        )
        for row in grid.read(connection, sums, grid.within(whose), heard.is_not(None))
    ]


def cell_stations(
    connection: Connection, whose: Whose, latitude: float, longitude: float
) -> list[CellStation]:
    """The base stations that hear devices in the small cell of a place, the best first."""
    columns, cells = coverage.c, COVERAGE_LEVELS[-1]
    best = func.max(columns.esp)
    rows = connection.execute(
        select(
            columns.base_station,
            total(columns.frames).label("frames"),
            best.label("esp"),
            func.max(columns.last_at).label("last_at"),
        )
        .where(
            _own(whose),
            columns.level == len(COVERAGE_LEVELS) - 1,
            columns.row == math.floor((latitude + 90) * cells),
            columns.col == math.floor((longitude + 180) * cells),
        )
        .group_by(columns.base_station)
        .order_by(best.desc())
        .limit(MOST_STATIONS)
    )
    return [
        CellStation(row.base_station, row.frames, round(row.esp, 1), timestamp(row.last_at)) for row in rows
    ]


def heard_by(connection: Connection, whose: Whose) -> list[HeardStation]:
    """The base stations that heard devices with a location, those that heard most first."""
    columns = coverage.c
    frames = total(columns.frames)
    rows = connection.execute(
        select(columns.base_station, frames.label("frames"), func.max(columns.last_at).label("last_at"))
        .where(_own(whose), columns.level == 0)
        .group_by(columns.base_station)
        .order_by(frames.desc())
        .limit(MOST_STATIONS)
    )
    return [HeardStation(row.base_station, row.frames, timestamp(row.last_at)) for row in rows]
