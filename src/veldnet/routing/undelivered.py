"""Undelivered messages: listing and redelivery."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from veldnet.store import Timeline, read_timeline
from veldnet.store.schema import deliveries, devices, multicast_groups
from veldnet.texts import Language, stored_in

from .ledger import decode_message
from .oldest import ANYBODY, EVER, Whose, oldest_messages

PENDING, UNDELIVERED = 0, 1

QueueKey = tuple[int, str]

# The device of a delivery, if it is still its subscriber's: a number alone says nothing.
_ITS_DEVICE = and_(
    devices.c.ref == deliveries.c.device_ref, devices.c.subscriber_ref == deliveries.c.subscriber_ref
)


class Undelivered(msgspec.Struct, frozen=True):
    """A message that is still to be delivered or was set aside; times in Unix milliseconds.

    What is said of the attempts of a message that waits behind another one in its queue is what was said of
    that one; it has `attempts` 0.
    """

    id: str
    frame_id: str
    dev_eui: str | None
    as_id: str | None
    message: str
    state: str
    created_at: int
    expires_at: int
    attempts: int
    last_error: str | None
    last_attempt_at: int | None
    next_attempt_at: int | None
    address: str | None
    reason: str | None
    # Of the device or multicast group.
    name: str | None


class _Stored(NamedTuple):
    """A stored message, as far as it is listed."""

    id: int
    device_ref: int
    queue: str
    frame_id: int
    message: bytes
    state: int
    expires_at: int
    attempts: int
    last_error: str | None
    last_attempt_at: int | None
    next_attempt_at: int | None
    address: str | None
    reason: str | None
    dev_eui: str | None
    name: str | None

    @property
    def key(self) -> QueueKey:
        return self.device_ref, self.queue


_ITS_GROUP = and_(
    multicast_groups.c.ref == -deliveries.c.device_ref,
    multicast_groups.c.subscriber_ref == deliveries.c.subscriber_ref,
)
_COLUMNS = (
    *(deliveries.c[name] for name in _Stored._fields[:-2]),
    func.coalesce(devices.c.dev_eui, multicast_groups.c.dev_eui),
    func.coalesce(devices.c.name, multicast_groups.c.name),
)
_STORED = (
    select(*_COLUMNS)
    .select_from(deliveries)
    .join(devices, _ITS_DEVICE, isouter=True)
    .join(multicast_groups, _ITS_GROUP, isouter=True)
)


class UndeliveredQuery(NamedTuple):
    """Messages created from `begin` until before `end`, Unix milliseconds; with those that still wait too."""

    begin: int
    end: int
    limit: int = 100
    pending: bool = False


def list_undelivered(
    connection: Connection,
    wanted: UndeliveredQuery,
    whose: Whose = ANYBODY,
    *,
    language: Language = "en",
) -> list[Undelivered]:
    """Oldest first; of all subscribers, unless it says whose; what was said of attempts in a language."""
    timeline = read_timeline(connection)
    first, end = timeline.first_id_at(wanted.begin), timeline.first_id_at(wanted.end)
    query = _STORED.order_by(deliveries.c.id).limit(wanted.limit)
    if whose.operator_ref is not None:
        states = (PENDING, UNDELIVERED) if wanted.pending else (UNDELIVERED,)
        ids = oldest_messages(connection, whose, states, (first, end), wanted.limit)
        if not ids:
            return []
        query = query.where(deliveries.c.id.in_(ids))
    else:
        query = query.where(deliveries.c.id >= first, deliveries.c.id < end)
        if not wanted.pending:
            query = query.where(deliveries.c.state == UNDELIVERED)
        if whose.subscriber_ref is not None:
            query = query.where(deliveries.c.subscriber_ref == whose.subscriber_ref)
    rows = [_Stored(*row) for row in connection.execute(query)]
    heads = _heads(connection, {row.key for row in rows if row.state == PENDING and not row.attempts})
    return [
        _listed(
            row,
            row if row.attempts else heads.get(row.key, row),
            timeline.millis_of(row.id),
            language,
        )
        for row in rows
    ]


def count_undelivered(connection: Connection, whose: Whose, most: int) -> int:
    """How many messages were set aside; at most so many are counted."""
    return len(oldest_messages(connection, whose, (UNDELIVERED,), EVER, most))


def _within(timeline: Timeline, from_ms: int, to_ms: int) -> ColumnElement[bool]:
    first, end = timeline.first_id_at(from_ms), timeline.first_id_at(to_ms)
    return (deliveries.c.id >= first) & (deliveries.c.id < end)


def _listed(row: _Stored, tried: _Stored, created_at: int, language: Language) -> Undelivered:
    """`tried` is the message itself, or the one it waits behind."""
    message = decode_message(row.message)
    return Undelivered(
        str(row.id),
        str(row.frame_id),
        # Of a device that was deleted the message still says it.
        row.dev_eui or message.lrn_dev_eui or None,
        message.as_id,
        message.name,
        "undelivered" if row.state == UNDELIVERED else "pending",
        created_at,
        row.expires_at,
        row.attempts,
        stored_in(language, tried.last_error),
        tried.last_attempt_at,
        tried.next_attempt_at,
        tried.address,
        row.reason,
        row.name,
    )


def _heads(connection: Connection, queues: Set[QueueKey]) -> dict[QueueKey, _Stored]:
    """The message of each queue that is being tried, where one is."""
    wanted = sorted(queues)
    heads: dict[QueueKey, _Stored] = {}
    for start in range(0, len(wanted), 100):
        some = wanted[start : start + 100]
        # SQLite finds pairs by no index, but what is one of some and another of some by that of both.
        query = _STORED.where(
            deliveries.c.device_ref.in_({device for device, _queue in some}),
            deliveries.c.queue.in_({queue for _device, queue in some}),
            deliveries.c.state == PENDING,
            deliveries.c.attempts > 0,
        )
        tried = sorted((_Stored(*found) for found in connection.execute(query)), reverse=True)
        heads |= {row.key: row for row in tried if row.key in queues}
    return heads


def deliver_again(
    connection: Connection, subscriber_ref: int | None, from_ms: int, to_ms: int, expires_at: int
) -> list[QueueKey]:
    """Make undelivered messages of a time range pending once more; returns the queues concerned. Messages of
    a device that was deleted stay as they are."""
    chosen: ColumnElement[bool] = (
        _within(read_timeline(connection), from_ms, to_ms)
        & (deliveries.c.state == UNDELIVERED)
        & select(devices.c.ref).where(_ITS_DEVICE).correlate(deliveries).exists()
    )
    if subscriber_ref is not None:
        chosen &= deliveries.c.subscriber_ref == subscriber_ref
    queues = connection.execute(
        select(deliveries.c.device_ref, deliveries.c.queue).where(chosen).distinct()
    ).all()
    connection.execute(
        update(deliveries)
        .where(chosen)
        .values(
            state=PENDING,
            expires_at=expires_at,
            attempts=0,
            last_error=None,
            last_attempt_at=None,
            next_attempt_at=None,
            reason=None,
        )
    )
    return [(row.device_ref, row.queue) for row in queues]
