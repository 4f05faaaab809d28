"""The log of changes: written with the change itself, read by every running server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_

from veldnet.store import Prepared, moment, settled_before
from veldnet.store.schema import changes

Kind = Literal[
    "device",
    "group",
    "rules",
    "routing",
    "connection",
    "flow",
    "base_stations",
    "base_station_alarms",
    "recipients",
    "vault",
    "device_keys",
    "subscribers",
    "certificates",
    "redelivery",
    "campaigns",
    "geofences",
]


_INSERT = Prepared(insert(changes))
# So many are read at once.
_PAGE = 1000
_MOST_EARLY = 5000
# Read every second: made once.
_CHANGES = select(changes.c.seq, changes.c.kind, changes.c.ref, changes.c.txn).limit(bindparam("most"))
_NEWER = Prepared(_CHANGES.where(changes.c.seq > bindparam("seq")).order_by(changes.c.seq))


class Change(msgspec.Struct, frozen=True):
    seq: int
    kind: str
    ref: int


def note(connection: Connection, kind: Kind, ref: int) -> None:
    """Tell running servers that something changed; part of the changing transaction."""
    note_all(connection, kind, [ref])


def note_all(connection: Connection, kind: Kind, refs: Iterable[int]) -> None:
    """The same of several."""
    at = moment(connection)
    _INSERT.write(connection, [{"kind": kind, "ref": ref, "at": at} for ref in refs])


class Position(msgspec.Struct, frozen=True):
    """How far a server has read: all that is settled up to a transaction and a number in it, and what it has
    seen of later transactions."""

    txn: int = 0
    seq: int = 0
    early: frozenset[tuple[int, int]] = frozenset()


def position(connection: Connection) -> Position:
    """Where to go on for all that is written from now on."""
    settled, columns = settled_before(connection), changes.c
    if settled is None:
        return Position(0, connection.execute(select(func.max(columns.seq))).scalar() or 0)
    query = select(columns.txn, columns.seq).where(columns.txn >= settled).limit(_MOST_EARLY)
    return Position(settled, 0, frozenset((row.txn, row.seq) for row in connection.execute(query)))


def since(connection: Connection, read: Position) -> tuple[list[Change], Position, bool]:
    """Changes behind a position, oldest first, the position behind them, and whether there were more. None is
    left out for good: one whose transaction ends late comes late."""
    settled, columns, query = settled_before(connection), changes.c, _CHANGES
    if settled is None:
        newer = _NEWER.rows(connection, {"seq": read.seq, "most": _PAGE})
        found = [Change(*row[:3]) for row in newer]
        return found, Position(0, newer[-1].seq if newer else read.seq), len(newer) == _PAGE
    behind = tuple_(columns.txn, columns.seq) > (read.txn, read.seq)
    ordered = query.where(behind, columns.txn < settled).order_by(columns.txn, columns.seq)
    rows = connection.execute(ordered, {"most": _PAGE}).all()
    found = [Change(*row[:3]) for row in rows if (row.txn, row.seq) not in read.early]
    if len(rows) == _PAGE:
        return found, Position(rows[-1].txn, rows[-1].seq, read.early), True
    early = {(txn, seq) for txn, seq in read.early if txn >= settled}
    # What can be seen already is taken up at once; while many wait for a transaction that does not end, in
    # their order only.
    if len(early) < _MOST_EARLY:
        late = query.where(columns.txn >= settled, columns.seq.not_in([seq for _txn, seq in early]))
        rows = connection.execute(late.order_by(columns.seq), {"most": _PAGE}).all()
        found += [Change(*row[:3]) for row in rows]
        early.update((row.txn, row.seq) for row in rows)
    return found, Position(max(settled, read.txn), 0, frozenset(early)), False


def prune(connection: Connection, before_ms: int) -> None:
    """Forget changes that every server has long seen; the newest stays, so that numbers go on rising."""
    newest = select(func.max(changes.c.seq)).scalar_subquery()
    connection.execute(delete(changes).where(changes.c.at < before_ms, changes.c.seq < newest))
