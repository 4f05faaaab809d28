"""The connections in use: each with its transport, made when it is needed and again when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from veldnet.connections import (
    KINDS,
    Condition,
    Connection,
    ConnectionTransport,
    MakeTransport,
    Outcome,
    Outgoing,
    Surroundings,
)
from veldnet.domain.flows import ConnectionType
from veldnet.domain.transformations import BadExpression, TransformationFailed, transform
from veldnet.outgoing import text_of
from veldnet.routing.ledger import FlowNote, StoredMessage
from veldnet.texts import Text

from .dialects import DIALECTS
from .model import Decoding
from .table import FlowTable

# A transport for each type of connection.
TRANSPORTS: Mapping[ConnectionType, MakeTransport] = {name: kind.make for name, kind in KINDS.items()}

# What a decoder makes of a payload, by subscriber and note; None where the profile has no decoder.
Decode = Callable[[int, FlowNote], Awaitable[Decoding | None]]


class _Live(NamedTuple):
    """A connection that is open; `taken` where this node takes what comes over it."""

    connection: Connection
    taken: bool
    transport: ConnectionTransport


class NotNow(Exception):
    """It cannot be decoded now, but soon."""


class OpenConnections:
    """Carries messages over connections. `received` is told of downlinks."""

    def __init__(
        self,
        table: FlowTable,
        around: Surroundings,
        decode: Decode,
        transports: Mapping[ConnectionType, MakeTransport] = TRANSPORTS,
    ) -> None:
        self._table, self._around, self._decode = table, around, decode
        self._make = transports
        self._live: dict[int, _Live] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    def refresh(self) -> None:
        """Have those connections open that active flows use, as they are now. Others are opened when there is
        something left to deliver."""
        for ref in list(self._live):
            known = self._live[ref].connection
            unused = ref not in self._table.used and known.settings.type != "HTTP"
            if self._table.get(ref) is not known or unused:
                self._drop(ref)
        for ref in self._table.used:
            connection = self._table.get(ref)
            if connection is not None and connection.active and connection.problem is None:
                self._transport(connection)

    def takers_changed(self) -> None:
        """Another node takes what comes over some connections: they are made again."""
        changed = [ref for ref, live in self._live.items() if live.taken != self._taken(live.connection)]
        for ref in changed:
            self._drop(ref)
        if changed:
            self.refresh()

    def _taken(self, connection: Connection) -> bool:
        settings = connection.settings
        alike = not settings.downlinks and not settings.client_id
        return alike or self._around.takes(connection.ref)

    def _drop(self, ref: int) -> None:
        task = self._around.supervisor.start("connections", self._live.pop(ref).transport.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _transport(self, connection: Connection) -> ConnectionTransport:
        live = self._live.get(connection.ref)
        if live is not None and live.connection is connection:
            return live.transport
        if live is not None:
            self._drop(connection.ref)
        taken = self._taken(connection)
        made = connection if taken else _only_delivers(connection, self._around.node)
        transport = self._make[connection.settings.type](made, self._around)
        self._live[connection.ref] = _Live(connection, taken, transport)
        transport.start()
        return transport

    @property
    def conditions(self) -> dict[int, Condition]:
        return {ref: live.transport.condition for ref, live in self._live.items()}

    # Delivery.

    def way(self, message: StoredMessage, subscriber_ref: int) -> Connection | Outcome:
        """Over which connection a message goes now, or why it goes nowhere, or not now."""
        connection = self._table.get(-message.routing_profile_ref)
        if connection is None or not connection.belongs_to(subscriber_ref):
            return nowhere(Text("the connection was deleted"), "connectionDeleted")
        if not connection.active:
            return Outcome(False, "Error", Text("the connection is deactivated"))
        if connection.problem is not None:
            return Outcome(False, "Error", connection.problem)
        return connection

    async def send(self, message: StoredMessage, connection: Connection, now: float, number: int) -> Outcome:
        """Decode, transform and deliver a message; `number` stays the same when it is sent again. What is
        said besides goes first: the message ends with its own delivery."""
        assert message.flow is not None
        if self._closed:
            return Outcome(False, "Error", Text("the server is being stopped"))
        try:
            listed = await self._made(message, message.flow, connection, number)
        except NotNow as error:
            return Outcome(False, "Error", text_of(error), refusal="busy")
        except (BadExpression, TransformationFailed) as error:
            return nowhere(
                Text("the transformation failed: {why}", why=text_of(error)), "transformationFailed"
            )
        transport = self._transport(connection)
        # A transformation that makes nothing of a message filters it out.
        outcome = Outcome(True, "Ok", Text("left out by the transformation"))
        for each in listed:
            outcome = await transport.deliver(replace(each, now=now))
            transport.condition.tried(outcome)
            if not outcome.delivered and (each.id == number or outcome.refusal != "never"):
                return outcome
        return outcome

    async def _made(
        self, message: StoredMessage, note: FlowNote, connection: Connection, number: int
    ) -> list[Outgoing]:
        """What is sent of a message: itself, and before it what is said of a decoder that failed."""
        flow = self._table.flow(note.flow_ref, connection.subscriber_ref)
        decodes = flow is not None and flow.settings.driver == "AUTO" and note.payload is not None
        expression = flow.settings.transformation if flow is not None else ""
        itself = Outgoing(note.event, note.values, message.body, 0, number, note.time)
        if not decodes and not expression:
            return [itself]
        document: dict[str, Any] = msgspec.json.decode(message.body)
        decoding = await self._decode(connection.subscriber_ref, note) if decodes else None
        besides = None
        if decoding is not None:
            besides = DIALECTS[connection.settings.dialect].with_decoding(document, decoding)
        listed = [(itself, document)]
        if besides is not None:
            values = {**note.values, "event": besides.event, "message": besides.message, "FPort": ""}
            # With a number of its own, that no other message has.
            listed.insert(0, (Outgoing(besides.event, values, b"", 0, -number, note.time), besides.document))
        make = partial(transform, expression) if expression else msgspec.json.encode
        made = [(each, make(said)) for each, said in listed]
        return [replace(each, body=body) for each, body in made if body is not None]

    async def close(self) -> None:
        self._closed = True
        for ref in list(self._live):
            self._drop(ref)
        if self._closing:
            await asyncio.wait(self._closing)
        self._around.resolver.close()


def _only_delivers(connection: Connection, node: str) -> Connection:
    """A connection of a node that takes nothing over it. By the name of the connection the broker knows the
    node that does."""
    settings = connection.settings
    client_id = f"{settings.client_id}-{node}" if settings.client_id else ""
    return replace(connection, settings=replace(settings, downlinks=False, client_id=client_id))


def nowhere(words: str, reason: str) -> Outcome:
    return Outcome(False, "Error", words, refusal="never", reason=reason)


__all__ = ["TRANSPORTS", "Decode", "NotNow", "OpenConnections", "nowhere"]
