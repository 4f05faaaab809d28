"""States of a downlink, as the store numbers them."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """From the queue to the end. `SENT` is also what a confirmed one is that no uplink has answered yet."""

    QUEUED = 1
    SENDING = 2
    SENT = 3
    ACKNOWLEDGED = 4
    UNACKNOWLEDGED = 5
    FAILED = 6
    CANCELLED = 7


OPEN = (State.QUEUED, State.SENDING)
