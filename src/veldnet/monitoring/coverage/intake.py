"""Takes up what base stations heard, from the journal.

Nothing of it is computed with a frame. Every half minute a bounded part of the journal is read and added to
two indexes: of cells of the map, for devices that have a location, and of devices with the base stations that
hear them. Under heavy traffic that is a sample.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, select

from veldnet.monitoring.statistics.rollups import esp_of
from veldnet.network.core import FrameKind
from veldnet.network.shell import unpack_copies
from veldnet.store import Store, first_id_at, millis_of, read_property, write_property
from veldnet.store.coverage import (
    COVERAGE_LEVELS,
    CoverageRow,
    HearingRow,
    add_coverage,
    add_hearing,
    hearing_weight,
)
from veldnet.store.schema import devices, frames

_MARK = "coverage_mark"
# Frames of a pass.
_PIECE = 5000
# What is further back than this is left out rather than read later.
_BEHIND = 120_000
# Of a frame, by their SNR: more base stations add nothing to what happens when one fails.
_MOST_COPIES = 8
# Rows of a transaction, and seconds between two: frames get the writer.
_WRITTEN, _PAUSE = 250, 0.02
# SNR in dB at which the slowest data rate is still understood.
SLOWEST = -20.0


Key = tuple[int, int, int, int, int]


class _Cell:
    """What a base station heard in a cell."""

    __slots__ = ("at", "esp", "frames")

    def __init__(self) -> None:
        self.frames, self.esp, self.at = 0, 0.0, 0


class _Pair:
    """How a base station heard a device; `margin` is a sum."""

    __slots__ = ("at", "frames", "margin", "measured", "subscriber", "weight")

    def __init__(self, subscriber: int) -> None:
        self.subscriber = subscriber
        self.frames = self.measured = self.at = 0
        self.margin = self.weight = 0.0


class _Frame(NamedTuple):
    """A frame of the journal, and where its device is. RSSI and SNR in tenths."""

    id: int
    device_ref: int
    kind: int
    rssi: int | None
    snr: int | None
    base_station: int | None
    heard: bytes | None
    subscriber_ref: int | None
    latitude: float | None
    longitude: float | None


class _Heard(NamedTuple):
    """What a part of the journal adds."""

    mark: int
    cells: dict[Key, _Cell]
    pairs: dict[tuple[int, int], _Pair]


def _read(connection: Connection, now: int) -> _Heard:
    """What the next frames of the journal add, and up to which frame."""
    mark = int(read_property(connection, _MARK) or 0)
    piece = (
        select(frames.c.id, frames.c.device_ref)
        .where(frames.c.id > max(mark, first_id_at(now - _BEHIND) if mark else 0))
        .order_by(frames.c.id)
        .limit(_PIECE)
        .subquery()
    )
    query = (
        select(
            piece.c.id,
            piece.c.device_ref,
            *(frames.c[name] for name in ("kind", "rssi", "snr", "base_station", "heard")),
            *(devices.c[name] for name in ("subscriber_ref", "latitude", "longitude")),
        )
        .join(frames, (frames.c.device_ref == piece.c.device_ref) & (frames.c.id == piece.c.id))
        .join(devices, devices.c.ref == piece.c.device_ref, isouter=True)
        .order_by(piece.c.id)
    )
    rows = [_Frame(*row) for row in connection.execute(query)]
    found = _Heard(rows[-1].id if rows else mark, {}, {})
    for row in rows:
        if row.kind == int(FrameKind.UPLINK) and row.subscriber_ref is not None:
            _take(found, row, row.subscriber_ref)
    return found


def _take(found: _Heard, row: _Frame, subscriber: int) -> None:
    heard = unpack_copies(row.heard) if row.heard else [(row.base_station, row.rssi, row.snr)]
    at = millis_of(row.id)
    for station, rssi, snr in heard[:_MOST_COPIES]:
        if station is None:
            continue
        pair = found.pairs.setdefault((row.device_ref, station), _Pair(subscriber))
        pair.frames += 1
        pair.weight += hearing_weight(at)
        pair.at = at
        if rssi is None or snr is None:
            continue
        pair.measured += 1
        pair.margin += snr / 10 - SLOWEST
        if row.latitude is not None and row.longitude is not None:
            cell = row.latitude, row.longitude, subscriber, station
            _take_cell(found.cells, cell, esp_of(rssi, snr) / 10, at)


def _take_cell(found: dict[Key, _Cell], where: tuple[float, float, int, int], esp: float, at: int) -> None:
    latitude, longitude, subscriber, station = where
    for level, cells in enumerate(COVERAGE_LEVELS):
        place = (math.floor((latitude + 90) * cells), math.floor((longitude + 180) * cells))
        cell = found.setdefault((subscriber, level, *place, station), _Cell())
        cell.frames += 1
        cell.esp += esp
        cell.at = at


async def take_coverage(store: Store, clock: Callable[[], float]) -> int:
    """Take up the next part of the journal; returns how many rows it has changed. A process that ends in the
    middle counts some frames of devices twice, which changes no share that matters."""
    now = round(clock() * 1000)
    found = await store.read(lambda connection: _read(connection, now))
    if not found.mark:
        return 0
    pairs = [_row(key, pair) for key, pair in found.pairs.items()]
    for start in range(0, len(pairs), _WRITTEN):
        await store.write(partial(add_hearing, rows=pairs[start : start + _WRITTEN]))
        await asyncio.sleep(_PAUSE)

    def write(connection: Connection) -> None:
        add_coverage(
            connection,
            (
                CoverageRow(*key, cell.frames, cell.esp / cell.frames, cell.at)
                for key, cell in found.cells.items()
            ),
        )
        write_property(connection, _MARK, str(found.mark))

    await store.write(write)
    return len(pairs) + len(found.cells)


def _row(key: tuple[int, int], pair: _Pair) -> HearingRow:
    margin = pair.margin / pair.measured if pair.measured else None
    return HearingRow(*key, pair.subscriber, pair.frames, pair.weight, margin, pair.at)
