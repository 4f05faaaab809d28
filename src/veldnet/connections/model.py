"""A connection as it is held in memory, and what goes over it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import cached_property

import msgspec

from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings

_NAMESPACE = uuid.UUID("0b2d33a0-6a5f-5c2e-9f0a-5d7a3b6f6e11")


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended; `status` in ThingPark's words: Ok, Error, Timeout. `error` is a `Text` where it
    is a sentence of ours.

    `refusal` is what a failure means for the message: `never` (it will not be accepted), `message` (the
    server has answered, but not with success), `busy` (the server asks to be tried later), or None: there
    was no answer. `retry_after` is in seconds, as the server asked for.
    """

    delivered: bool
    status: str
    error: str | None = None
    url: str | None = None
    # What the server answered, where somebody wants to read it.
    answer: str | None = None
    refusal: str | None = None
    retry_after: float | None = None
    # Why the message is set aside, where not for the answer itself.
    reason: str | None = None


class Connection(msgspec.Struct, frozen=True, dict=True):
    """A connection with its secrets opened; `problem` says why it cannot be used, where that is known."""

    ref: int
    subscriber_ref: int
    customer_id: str
    name: str
    active: bool
    settings: ConnectionSettings
    secrets: ConnectionSecrets
    problem: str | None = None

    def belongs_to(self, subscriber_ref: int) -> bool:
        return self.subscriber_ref == subscriber_ref

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What templates may name of the connection itself. An application without an id of its own gets one
        that stays: a UUID for ChirpStack's tools, a name for those of The Things Stack."""
        settings = self.settings
        application = settings.application_id
        if not application and settings.dialect == "THE_THINGS_STACK":
            application = f"connection-{self.ref}"
        elif not application:
            application = str(uuid.uuid5(_NAMESPACE, f"connection {self.ref}"))
        return {
            "customerId": self.customer_id,
            "applicationId": application,
            "tenantId": settings.tenant_id or "veldnet",
        }


class Outgoing(msgspec.Struct, frozen=True):
    """A message as it goes over a connection; `values` are those of the templates, `now` Unix seconds. `id`
    stays the same when it is sent again; `time` is that of what it reports, in Unix milliseconds."""

    event: str
    values: Mapping[str, str]
    body: bytes
    now: float
    id: int = 0
    time: int = 0


class Incoming(msgspec.Struct, frozen=True):
    """A message that has come over a connection. `done` acknowledges it."""

    connection: Connection
    topic: str
    body: bytes
    done: Callable[[], None]
