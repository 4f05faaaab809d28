"""Messages that no application server took: listed, and sent again on request."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, update

from veldnet.store import first_id_at, millis_of
from veldnet.store.schema import deliveries, devices, subscribers

from .ledger import decode_message

PENDING, UNDELIVERED = 0, 1


class Undelivered(msgspec.Struct, frozen=True):
    """A message that is still to be delivered or was given up; times in Unix milliseconds."""

    id: str
    frame_id: str
    dev_eui: str | None
    as_id: str | None
    message: str
    state: str
    created_at: int
    expires_at: int
    last_error: str | None


def list_undelivered(
    connection: Connection,
    subscriber_ref: int | None,
    from_ms: int,
    to_ms: int,
    limit: int = 100,
    *,
    include_pending: bool = False,
    operator_ref: int | None = None,
) -> list[Undelivered]:
    """Messages created in a time range, oldest first; of all subscribers with `subscriber_ref` None, or all
    of an operator."""
    query = (
        select(
            deliveries.c.id,
            deliveries.c.frame_id,
            devices.c.dev_eui,
            deliveries.c.message,
            deliveries.c.state,
            deliveries.c.expires_at,
            deliveries.c.last_error,
        )
        .join(devices, devices.c.ref == deliveries.c.device_ref, isouter=True)
        .where(deliveries.c.id >= first_id_at(from_ms), deliveries.c.id < first_id_at(to_ms))
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    if not include_pending:
        query = query.where(deliveries.c.state == UNDELIVERED)
    if subscriber_ref is not None:
        query = query.where(deliveries.c.subscriber_ref == subscriber_ref)
    if operator_ref is not None:
        own = select(subscribers.c.ref).where(subscribers.c.operator_ref == operator_ref)
        query = query.where(deliveries.c.subscriber_ref.in_(own))
    listed = []
    for row in connection.execute(query):
        message = decode_message(row.message)
        listed.append(
            Undelivered(
                str(row.id),
                str(row.frame_id),
                row.dev_eui,
                message.as_id,
                message.name,
                "undelivered" if row.state == UNDELIVERED else "pending",
                millis_of(row.id),
                row.expires_at,
                row.last_error,
            )
        )
    return listed


def deliver_again(
    connection: Connection, subscriber_ref: int | None, from_ms: int, to_ms: int, expires_at: int
) -> list[tuple[int, str]]:
    """Make undelivered messages of a time range pending once more; returns the lanes concerned."""
    chosen = (
        (deliveries.c.id >= first_id_at(from_ms))
        & (deliveries.c.id < first_id_at(to_ms))
        & (deliveries.c.state == UNDELIVERED)
    )
    if subscriber_ref is not None:
        chosen &= deliveries.c.subscriber_ref == subscriber_ref
    lanes = connection.execute(
        select(deliveries.c.device_ref, deliveries.c.lane).where(chosen).distinct()
    ).all()
    connection.execute(
        update(deliveries).where(chosen).values(state=PENDING, expires_at=expires_at, last_error=None)
    )
    return [(row.device_ref, row.lane) for row in lanes]
