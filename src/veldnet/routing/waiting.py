"""Counts messages queued for more than a minute, by destination."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from veldnet.store import Timeline, read_timeline
from veldnet.store.schema import deliveries

from .ledger import QueueName
from .undelivered import PENDING

# Milliseconds after which a message counts as waiting.
OVERDUE_AFTER = 60_000
_MOST_LANES = 200


class WaitingDestination(msgspec.Struct, frozen=True):
    """A destination with messages that wait: `routing_profile_ref` and `as_id` name it, of BLAST routes
    `address` the one of its addresses. Times in Unix milliseconds; counted up to a bound."""

    routing_profile_ref: int
    as_id: str | None
    waiting: int
    oldest_at: int
    address: str | None
    last_error: str | None
    last_attempt_at: int | None
    next_attempt_at: int | None


def waiting_destinations(
    connection: Connection, subscriber_ref: int, now_ms: int, *, most: int
) -> list[WaitingDestination]:
    """Where messages of a subscriber wait, those with most of them first; at most so many are counted."""
    timeline = read_timeline(connection)
    chosen = (
        (deliveries.c.state == PENDING)
        & (deliveries.c.id < timeline.first_id_at(now_ms - OVERDUE_AFTER))
        & (deliveries.c.subscriber_ref == subscriber_ref)
    )
    counted = select(deliveries.c.lane, deliveries.c.id).where(chosen).order_by(deliveries.c.id).limit(most)
    inner = counted.subquery()
    queues = connection.execute(
        select(inner.c.lane, func.count().label("number"), func.min(inner.c.id).label("oldest"))
        .group_by(inner.c.lane)
        .order_by(func.count().desc())
        .limit(_MOST_LANES)
    ).all()
    merged: dict[str, list[tuple[str, int, int]]] = {}
    for row in queues:
        merged.setdefault(QueueName.parse(row.lane).destination, []).append(
            (row.lane, row.number, row.oldest)
        )
    found = [_destination(connection, chosen, listed, timeline) for listed in merged.values()]
    return sorted(found, key=lambda destination: -destination.waiting)


def _destination(
    connection: Connection,
    chosen: ColumnElement[bool],
    listed: list[tuple[str, int, int]],
    timeline: Timeline,
) -> WaitingDestination:
    name = QueueName.parse(listed[0][0])
    tried = connection.execute(
        select(deliveries)
        .where(
            chosen,
            deliveries.c.lane.in_([queue for queue, _number, _oldest in listed]),
            deliveries.c.last_attempt_at.is_not(None),
        )
        .order_by(deliveries.c.last_attempt_at.desc())
        .limit(1)
    ).first()
    return WaitingDestination(
        name.profile_ref,
        name.as_id or None,
        sum(number for _lane, number, _oldest in listed),
        timeline.millis_of(min(oldest for _lane, _number, oldest in listed)),
        None if tried is None else tried.address,
        None if tried is None else tried.last_error,
        None if tried is None else tried.last_attempt_at,
        None if tried is None else tried.next_attempt_at,
    )
