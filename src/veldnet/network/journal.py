"""Records as rows of the journal: a compact frame row, and beside it the body that explains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from veldnet.store import Rows, Statement

from .records import (
    DownlinkRecord,
    JoinRecord,
    Record,
    RefusedRecord,
    UplinkRecord,
    encode_record,
)


def _row(record: Record) -> tuple[Any, ...]:
    if isinstance(record, UplinkRecord | JoinRecord | RefusedRecord):
        best = record.best
        fcnt = record.fcnt if isinstance(record, UplinkRecord) else None
        fport = record.fport if isinstance(record, UplinkRecord) else None
        radio = (round(best.rssi * 10), round(best.snr * 10), record.data_rate, int(best.base_station))
        return (
            record.id,
            record.device_ref,
            int(record.kind),
            record.outcome,
            fcnt,
            fport,
            record.size,
            *radio,
            len(record.copies),
        )
    fcnt = record.fcnt if isinstance(record, DownlinkRecord) else None
    data_rate = record.data_rate if isinstance(record, DownlinkRecord) else None
    station = record.base_station if isinstance(record, DownlinkRecord) else None
    return (
        record.id,
        record.device_ref,
        int(record.kind),
        record.outcome,
        fcnt,
        getattr(record, "fport", None),
        record.size,
        None,
        None,
        data_rate,
        None if station is None else int(station),
        0,
    )


def journal_rows(records: Iterable[Record]) -> tuple[Rows, Rows]:
    """Frame rows and bodies of records."""
    frames, bodies = [], []
    for record in records:
        frames.append(_row(record))
        bodies.append((record.id, 0, encode_record(record)))
    return (Statement.INSERT_FRAME, frames), (Statement.INSERT_BODY, bodies)
