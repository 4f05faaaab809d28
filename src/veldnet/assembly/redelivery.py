"""Undelivered messages, tried once more by whichever server has their devices."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.inventory import changes
from veldnet.routing import deliver_again


def redeliver(
    connection: Connection, subscriber_ref: int | None, from_ms: int, to_ms: int, expires_at: int
) -> int:
    """Make undelivered messages of a time range pending once more, for running servers to find; all
    subscribers' without `subscriber_ref`. Returns how many queues have some."""
    queues = deliver_again(connection, subscriber_ref, from_ms, to_ms, expires_at)
    if queues:
        changes.note(connection, "redelivery", 0)
    return len(queues)
