"""What the server and a delivery process say to each other. Only numbers, octets and text, so that neither
side can make the other run anything."""

from __future__ import annotations

import msgspec

from veldnet.routing.ledger import QueueKey
from veldnet.routing.outbox import Ended
from veldnet.routing.table import Profile
from veldnet.store import AttemptRow, DeliveryRow, NewDeliveryRow

# A process started from files of another version is not used.
PROTOCOL = 1


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message that has been committed; `message` as the ledger has it."""

    device_ref: int
    queue: str
    id: int
    frame_id: int
    subscriber_ref: int
    expires_at: int
    message: bytes


def message_of(row: NewDeliveryRow) -> Message:
    return Message(
        row.device_ref, row.queue, row.id, row.frame_id, row.subscriber_ref, row.expires_at, row.message
    )


# To the delivery process.


class Hand(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Messages to deliver."""

    messages: list[Message]


class TakeUp(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Queues of which the ledger has messages."""

    keys: list[QueueKey]


class Profiles(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Routing profiles as they are now, and the numbers of those that are gone."""

    profiles: list[Profile]
    gone: list[int] = []


class Page(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The answer to `Load`; None where the store does not answer."""

    number: int
    rows: list[DeliveryRow] | None


class Written(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """What came with outcomes up to this batch is in the ledger."""

    batch: int


class Removed(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """A device was deleted."""

    device_ref: int


class Stop(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Begin nothing more, let attempts under way end for so many seconds, and end."""

    grace: float


ToProcess = Hand | TakeUp | Profiles | Page | Written | Removed | Stop


# From the delivery process.


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The first word of a process."""

    protocol: int
    version: str


class Outcomes(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """What came of messages, and of attempts, counted by status, since the batch before."""

    batch: int
    ended: list[Ended]
    attempted: list[AttemptRow]
    attempts: dict[str, int]


class Load(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Asks for the first messages of a queue in the ledger, behind the one with the number `after`."""

    number: int
    key: QueueKey
    most: int
    after: int = -1


class Report(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """How a process is after so many frames: messages held, queues under way and waiting, when the oldest
    message expires in Unix milliseconds; processor time in seconds, memory in bytes, failures of tasks."""

    taken: int = 0
    held: int = 0
    under_way: int = 0
    retrying: int = 0
    oldest: int | None = None
    cpu: float = 0.0
    resident: int = 0
    failures: dict[str, int] = {}


FromProcess = Hello | Outcomes | Load | Report

to_process = msgspec.msgpack.Decoder(ToProcess)
from_process = msgspec.msgpack.Decoder(FromProcess)
