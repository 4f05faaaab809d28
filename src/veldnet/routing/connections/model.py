"""Flows and connections as they are held in memory, and what goes over a connection."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import cached_property

import msgspec

from veldnet.domain.devices import DeviceRow
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings, FlowSettings
from veldnet.routing.ports import parse_ports

_NAMESPACE = uuid.UUID("0b2d33a0-6a5f-5c2e-9f0a-5d7a3b6f6e11")


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


class Flow(msgspec.Struct, frozen=True, dict=True):
    """A flow. `profiles` are the numbers of its device profiles; None stands for all."""

    ref: int
    subscriber_ref: int
    settings: FlowSettings
    connections: tuple[int, ...]
    profiles: frozenset[int] | None = None

    @cached_property
    def ports(self) -> frozenset[int] | None:
        return parse_ports(self.settings.ports)

    @cached_property
    def tags(self) -> frozenset[str]:
        return frozenset(tag.casefold() for tag in self.settings.tags)

    def chooses(self, row: DeviceRow) -> bool:
        """Whether a device is one of the flow's."""
        settings, strategy = self.settings, row.processing_strategy or "ROUTE"
        if self.profiles is not None and row.profile_ref not in self.profiles:
            return False
        if settings.strategies and strategy not in settings.strategies:
            return False
        return not self.tags or self.tags <= {tag.casefold() for tag in row.tags}

    def takes(self, fport: int | None) -> bool:
        """Whether an uplink on a port goes through; reports without one always do."""
        return fport is None or self.ports is None or fport in self.ports


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a record means to an application in a dialect. `event` is the dialect's word, `message`
    ThingPark's name of the same; `payload` is what a decoder may read."""

    event: str
    message: str
    document: dict[str, object]
    fport: int | None = None
    payload: bytes | None = None
    time: float = 0.0


class Decoding(msgspec.Struct, frozen=True):
    """What a decoder made of a payload: a value with warnings, or the reason why there is none."""

    value: object = None
    warnings: tuple[str, ...] = ()
    error: str | None = None


class Outgoing(msgspec.Struct, frozen=True):
    """A message as it goes over a connection; `values` are those of the templates, `now` Unix seconds."""

    event: str
    values: Mapping[str, str]
    body: bytes
    now: float


class Incoming(msgspec.Struct, frozen=True):
    """A message that has come over a connection. `done` acknowledges it."""

    connection: Connection
    topic: str
    body: bytes
    done: Callable[[], None]
