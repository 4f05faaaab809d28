"""The log of changes: written with the change itself, read by every running server."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from veldnet.store import moment
from veldnet.store.schema import changes

Kind = Literal[
    "device",
    "rules",
    "routing",
    "base_stations",
    "base_station_alarms",
    "recipients",
    "vault",
    "device_keys",
    "subscribers",
    "certificates",
]


_INSERT = insert(changes)


class Change(msgspec.Struct, frozen=True):
    seq: int
    kind: str
    ref: int


def note(connection: Connection, kind: Kind, ref: int) -> None:
    """Tell running servers that something changed; part of the changing transaction."""
    connection.execute(_INSERT, {"kind": kind, "ref": ref, "at": moment(connection)})


def last_seq(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(changes.c.seq), 0))).scalar_one())


def since(connection: Connection, seq: int) -> list[Change]:
    query = select(changes.c.seq, changes.c.kind, changes.c.ref).where(changes.c.seq > seq)
    return [Change(*row) for row in connection.execute(query.order_by(changes.c.seq).limit(1000))]


def prune(connection: Connection, before_ms: int) -> None:
    """Forget changes that every server has long seen; the newest stays, so that numbers go on rising."""
    newest = select(func.max(changes.c.seq)).scalar_subquery()
    connection.execute(delete(changes).where(changes.c.at < before_ms, changes.c.seq < newest))
