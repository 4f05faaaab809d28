"""Counts messages that wait, by destination: since a delivery failed, or for more than a minute.

A message that failed stays in its queue, with what was answered, until it is delivered or expires, and those
behind it wait, too. So a destination that does not answer is found with its first failure, and is not lost
between attempts."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    bindparam,
    func,
    or_,
    select,
)

from veldnet.store import Prepared, Timeline, read_timeline
from veldnet.store.expressions import total
from veldnet.store.schema import connections, deliveries, routing_profiles, subscribers
from veldnet.texts import Language, stored_in

from .ledger import QueueName
from .oldest import EVER, Whose, oldest_messages
from .undelivered import PENDING

# Milliseconds after which a message that has not failed counts as waiting.
OVERDUE_AFTER = 60_000
_MOST_QUEUES = 200
_LOOKED_AT = tuple(
    deliveries.c[name] for name in ("id", "device_ref", "queue", "attempts", "last_attempt_at")
)


class WaitingDestination(msgspec.Struct, frozen=True):
    """A destination with messages that wait: `routing_profile_ref` and `as_id` name it, of BLAST routes
    `address` the one of its addresses. A connection has its number below 0. Times in Unix milliseconds;
    counted up to a bound."""

    routing_profile_ref: int
    routing_profile_name: str
    customer_id: str
    as_id: str | None
    waiting: int
    oldest_at: int
    address: str | None
    last_error: str | None
    last_attempt_at: int | None
    next_attempt_at: int | None


class _Tried(NamedTuple):
    """The last attempt to deliver a message of a queue."""

    queue: str
    address: str | None
    last_error: str | None
    last_attempt_at: int
    next_attempt_at: int | None


def count_messages(connection: Connection, subscriber_ref: int, state: int, most: int) -> int:
    """A subscriber's messages in a state; at most so many are counted."""
    values = {"subscriber": subscriber_ref, "state": state, "most": most}
    return int(_COUNT.scalar(connection, values))


_MOST = bindparam("most", type_=BigInteger)
_COUNTED = select(deliveries.c.id).where(
    deliveries.c.subscriber_ref == bindparam("subscriber"), deliveries.c.state == bindparam("state")
)
_COUNT = Prepared(select(func.count()).select_from(_COUNTED.limit(_MOST).subquery()))


def waiting_destinations(
    connection: Connection, whose: Whose, now_ms: int, *, most: int, language: Language = "en"
) -> list[WaitingDestination]:
    """Where messages of a subscriber wait, or of all subscribers of an operator, those with most of them
    first; at most so many are counted. What was said last is in a language."""
    timeline = read_timeline(connection)
    before = timeline.first_id_at(now_ms - OVERDUE_AFTER)
    # However many there are, only so many are looked at.
    if whose.operator_ref is None:
        values = {"subscriber": whose.subscriber_ref, "most": most}
        oldest = _OLDEST_OF_SUBSCRIBER
        queues = _WAITING_OF_SUBSCRIBER.rows(connection, values | {"before": before})
    else:
        values = {"most": most}
        ids = oldest_messages(connection, whose, (PENDING,), EVER, most)
        oldest = _oldest(deliveries.c.id.in_(ids))
        queues = connection.execute(_waiting(oldest), values | {"before": before}).all()
    if not queues:
        return []
    tried = {row.queue: _Tried(*row) for row in connection.execute(_tried(oldest), values)}
    merged: dict[str, list[tuple[str, int, int]]] = {}
    for row in queues:
        merged.setdefault(QueueName.parse(row.queue).destination, []).append(
            (row.queue, row.number, row.oldest)
        )
    destinations = [
        _destination(
            connection, listed, [tried[queue] for queue, *_ in listed if queue in tried], timeline, language
        )
        for listed in merged.values()
    ]
    return sorted(destinations, key=lambda destination: -destination.waiting)


def _oldest(chosen: ColumnElement[bool]) -> Subquery:
    return select(*_LOOKED_AT).where(chosen).order_by(deliveries.c.id).limit(_MOST).subquery()


def _waiting(oldest: Subquery) -> Select[Any]:
    """Names of queues with how many messages wait there and the oldest of them, those `before` an identifier
    also where none has failed."""
    columns = oldest.c
    # Messages of each device go one after the other.
    of_device = (
        select(columns.queue, func.count().label("number"), func.min(columns.id).label("oldest"))
        .group_by(columns.device_ref, columns.queue)
        .having(or_(func.min(columns.id) < bindparam("before"), func.max(columns.attempts) > 0))
        .subquery()
    )
    number = total(of_device.c.number).label("number")
    return (
        select(of_device.c.queue, number, func.min(of_device.c.oldest).label("oldest"))
        .group_by(of_device.c.queue)
        .order_by(number.desc())
        .limit(_MOST_QUEUES)
    )


_OLDEST_OF_SUBSCRIBER = _oldest(
    (deliveries.c.subscriber_ref == bindparam("subscriber")) & (deliveries.c.state == PENDING)
)
_WAITING_OF_SUBSCRIBER = Prepared(_waiting(_OLDEST_OF_SUBSCRIBER))


def _tried(oldest: Subquery) -> Select[Any]:
    """Of each queue the message that was tried last."""
    place = func.row_number().over(
        partition_by=oldest.c.queue, order_by=(oldest.c.last_attempt_at.desc(), oldest.c.id)
    )
    attempts = (
        select(oldest.c.id, place.label("place")).where(oldest.c.last_attempt_at.is_not(None)).subquery()
    )
    newest = select(attempts.c.id).where(attempts.c.place == 1)
    columns = deliveries.c
    return select(
        columns.queue, columns.address, columns.last_error, columns.last_attempt_at, columns.next_attempt_at
    ).where(columns.id.in_(newest))


def _destination(
    connection: Connection,
    listed: list[tuple[str, int, int]],
    attempts: list[_Tried],
    timeline: Timeline,
    language: Language,
) -> WaitingDestination:
    name = QueueName.parse(listed[0][0])
    tried = max(attempts, key=lambda attempt: attempt.last_attempt_at, default=None)
    # Of messages of flows it is a connection.
    over = name.connection_ref
    table = routing_profiles if over is None else connections
    profile = connection.execute(
        select(table.c.name, subscribers.c.customer_id)
        .join(subscribers, subscribers.c.ref == table.c.subscriber_ref)
        .where(table.c.ref == (name.profile_ref if over is None else over))
    ).first()
    return WaitingDestination(
        name.profile_ref,
        "" if profile is None else profile.name,
        "" if profile is None else profile.customer_id,
        name.as_id or None,
        sum(number for _queue, number, _oldest in listed),
        timeline.millis_of(min(oldest for _queue, _number, oldest in listed)),
        None if tried is None else tried.address,
        None if tried is None else stored_in(language, tried.last_error),
        None if tried is None else tried.last_attempt_at,
        None if tried is None else tried.next_attempt_at,
    )
