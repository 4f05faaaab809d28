"""Deliveries: a queue for each kind of message, what was said of each, and why it was set aside."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PAGE = 2000
# Of a stored message.
_MEMBERS = 9
# Of the new names; AS ids have none.
_COLONS = 3
# The kinds of messages; of the name comes the letter in the queue.
_KINDS = {
    "DevEUI_uplink": "u",
    "DevEUI_notification": "n",
    "DevEUI_downlink_Sent": "s",
    "DevEUI_downlink_Rejected": "r",
}


def _kind(fields: list[Any]) -> str:
    """The letter of a message's kind; the report of a join has no port, for it is no uplink of data."""
    if fields[4] == "DevEUI_uplink" and fields[2] is None:
        return "j"
    return _KINDS.get(fields[4], "n")


def _fields(message: bytes) -> list[Any]:
    """The members of a stored message; one that cannot be read is moved all the same."""
    try:
        fields = msgspec.msgpack.decode(message, type=list[Any])
    except msgspec.DecodeError:
        fields = []
    return fields if len(fields) >= _MEMBERS else [None] * _MEMBERS


class _Blast:
    """The addresses of BLAST routes, each of which gets a row of its own."""

    def __init__(self, connection: sa.Connection) -> None:
        self._routes: dict[tuple[int, str | None], list[Any]] = {}
        rows = connection.execute(sa.text("SELECT * FROM routes ORDER BY routing_profile_ref, position"))
        for row in rows:
            self._routes.setdefault((row.routing_profile_ref, row.as_id), []).append(row)

    def addresses(self, fields: list[Any]) -> list[str]:
        """Those of the route of a message if it is BLAST."""
        profile_ref, as_id, fport = fields[:3]
        for route in self._routes.get((profile_ref, as_id), []):
            if fport is None or _serves(route.source_ports, fport):
                return json.loads(route.addresses) if route.strategy == "BLAST" else []
        return []


def _serves(ports: str, fport: int) -> bool:
    for part in ports.split(","):
        low, dash, high = part.partition("-")
        if part == "*" or int(low) <= fport <= int(high if dash else low):
            return True
    return False


def _free_id(connection: sa.Connection, after: int) -> int:
    """An identifier just behind another: copies keep the place of the message among the others."""
    query = sa.text("SELECT 1 FROM deliveries WHERE id = :id")
    candidate = after + 1
    while connection.execute(query, {"id": candidate}).first() is not None:
        candidate += 1
    return candidate


_COPY = sa.text(
    "INSERT INTO deliveries (id, frame_id, device_ref, subscriber_ref, lane, expires_at, state, "
    "last_error, message, reason) SELECT :new, frame_id, device_ref, subscriber_ref, :lane, expires_at, "
    "state, last_error, :message, reason FROM deliveries WHERE id = :old"
)
_CHANGE = sa.text("UPDATE deliveries SET lane = :lane, message = :message WHERE id = :old")


def _move(connection: sa.Connection, row: Any, blast: _Blast) -> None:
    """`profile:application server` becomes `profile:kind:address:application server`."""
    profile, _colon, as_id = row.lane.partition(":")
    fields = _fields(row.message)
    addresses = blast.addresses(fields)
    positions = range(len(addresses)) if addresses else [None]
    new = row.id
    for position in positions:
        lane = f"{profile}:{_kind(fields)}:{'' if position is None else position}:{as_id}"
        message = row.message
        if position is not None:
            message = msgspec.msgpack.encode([*fields[:_MEMBERS], addresses, position])
        values = {"old": row.id, "lane": lane, "message": message}
        if position:
            new = _free_id(connection, new)
            connection.execute(_COPY, values | {"new": new})
        else:
            connection.execute(_CHANGE, values)


def _move_all() -> None:
    connection = op.get_bind()
    blast = _Blast(connection)
    # What is added here must not be read again.
    newest = connection.execute(sa.text("SELECT max(id) FROM deliveries")).scalar()
    last = -1
    while newest is not None and last < newest:
        rows = connection.execute(
            sa.text("SELECT id, lane, message FROM deliveries WHERE id > :last ORDER BY id LIMIT :page"),
            {"last": last, "page": _PAGE},
        ).all()
        for row in rows:
            if row.lane.count(":") < _COLONS:
                _move(connection, row, blast)
        last = rows[-1].id if rows else newest


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    for name in ("last_attempt_at", "next_attempt_at"):
        op.add_column("deliveries", sa.Column(name, sa.BigInteger()))
    for name in ("address", "reason"):
        op.add_column("deliveries", sa.Column(name, sa.Text()))
    op.execute(
        "UPDATE deliveries SET reason = CASE last_error WHEN 'the device was deleted' THEN 'deviceDeleted' "
        "WHEN 'the routing profile was deleted' THEN 'profileDeleted' ELSE 'expired' END WHERE state = 1"
    )
    _move_all()
