"""Applications behind every type of connection, on the other side of a simulated network.

What carries messages is each type's own transport; `far_clients` stands for the client that it uses. A far
side refuses connections and messages, ends a connection before or after it has a message, answers too late,
and sends a downlink again until it is acknowledged. It outlives every server.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection as Database

from veldnet.connections import (
    KINDS,
    Condition,
    Connection,
    ConnectionTransport,
    Incoming,
    MakeTransport,
    Outcome,
    Outgoing,
    Surroundings,
)
from veldnet.domain.flows import ConnectionType
from veldnet.domain.scope import Scope
from veldnet.inventory import flows
from veldnet.lorawan import DevEui
from veldnet.virtual import VirtualNetwork
from veldnet.virtual.mortal import MortalServer

# Connections that are refused in a row at most.
_IN_A_ROW = 3
# Seconds: longer than a server waits for an answer.
_TOO_LATE = 12.0
_TENANT = "veldnet"
# Where a connection is made: which far side, and by which server.
_here: ContextVar[tuple[FarSide, MortalServer]] = ContextVar("here")


class Refused(Exception):
    """The far side does not take a message."""


class Ended(Exception):
    """There is no connection any more."""


class FarSide:
    """What one connection leads to."""

    def __init__(self, world: VirtualNetwork, ref: int, name: str) -> None:
        self.world, self.ref, self.name = world, ref, name
        # How often what went wrong here.
        self.faults: dict[str, int] = {}
        self._refusals = 0
        self._links: dict[Link, None] = {}
        # Downlinks without an acknowledgement: DevEUI and body, by number.
        self.kept: dict[int, tuple[str, bytes]] = {}

    def happens(self, what: str, share: float = 1.0) -> bool:
        """Whether this goes wrong now: by chance, but the second time where it did not the first time."""
        failures = self.world.delivery_failures
        wrong = self.world.rng.random() < share * failures
        wrong |= failures > 0 and self.faults.get(what) == 0
        self.faults[what] = self.faults.get(what, 0) + wrong
        return wrong

    async def connect(self) -> Link:
        """Raises `ConnectionRefusedError`."""
        link = Link(self, _here.get()[1])
        await link.pass_by()
        if self._refusals < _IN_A_ROW and self.happens("refused", 3.0):
            self._refusals += 1
            raise ConnectionRefusedError(111, "Connection refused")
        self._refusals = 0
        self._links[link] = None
        return link

    def left(self, link: Link) -> None:
        self._links.pop(link, None)

    # Downlinks.

    def publish(self, number: int, dev_eui: str, body: bytes) -> None:
        self.kept[number] = dev_eui, body
        for link in list(self._links):
            link.offer(number)

    def acknowledged(self, number: int) -> None:
        if self.kept.pop(number, None) is not None:
            self.world.checker.acknowledged(f"{number:X}")

    # The application.

    def take(self, body: bytes) -> None:
        """What has arrived: documents, or points of InfluxDB."""
        for text in body.decode().splitlines():
            self._take(text)

    def _take(self, text: str) -> None:
        if not text.startswith("{"):
            address = re.search(r'[ ,]end_device_ids_dev_addr="([^"]+)', text)
            counter = re.search(r"[ ,]uplink_message_f_cnt=([0-9]+)", text)
            if address is not None and ",event=up" in text:
                self._flowed(address[1], int(counter[1]) if counter else 0)
            return
        message = msgspec.json.decode(text)
        uplink = message.get("uplink_message")
        if uplink is not None:
            self._flowed(message["end_device_ids"]["dev_addr"], uplink.get("f_cnt", 0))
        told = message.get("downlink_queued") or message.get("downlink_failed", {}).get("downlink", {})
        for number in told.get("correlation_ids", []):
            self.world.checker.told(number)

    def _flowed(self, dev_addr: str, counter: int) -> None:
        self.world.checker.flowed(self.ref, dev_addr, counter)


class Link:
    """One connection between a server and a far side."""

    def __init__(self, far: FarSide, server: MortalServer) -> None:
        self.far, self._server = far, server
        self._ended = asyncio.Event()
        self._took: Callable[[int, str, bytes], None] | None = None
        # What is on its way, though nobody may wait for it any more.
        self._sent: set[asyncio.Task[None]] = set()

    async def pass_by(self) -> None:
        """The way to the other side."""
        await asyncio.sleep(self.far.world.rng.uniform(0.005, 0.1))
        await self._alive()

    async def _alive(self) -> None:
        if self._server.dead:
            # Nothing happens in it any more.
            self.far.left(self)
            await asyncio.Event().wait()

    async def ended(self) -> None:
        """Returns once the other side has ended it."""
        await self._ended.wait()
        await self._alive()

    @property
    def gone(self) -> bool:
        return self._ended.is_set()

    def end(self) -> None:
        self.far.left(self)
        self._ended.set()

    async def take(self, body: bytes) -> None:
        """Carry a message over. Raises `Ended` and `Refused`."""
        sent = asyncio.ensure_future(self._carry(body))
        self._sent.add(sent)
        sent.add_done_callback(self._sent.discard)
        # Who sends may stop waiting; the message arrives all the same.
        sent.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(sent)

    async def _carry(self, body: bytes) -> None:
        far = self.far
        if far.happens("too late", 0.5):
            await asyncio.sleep(_TOO_LATE)
        await self.pass_by()
        if far.happens("refused message"):
            raise Refused
        if far.happens("ended before"):
            self.end()
        if self._ended.is_set():
            raise Ended
        far.take(body)
        await self._server.step(f"{far.name} has a message")
        if far.happens("ended after"):
            self.end()
        await self.pass_by()
        if self._ended.is_set():
            raise Ended

    # Downlinks.

    def listen(self, took: Callable[[int, str, bytes], None]) -> None:
        """The server takes downlinks; what has no acknowledgement is sent again."""
        self._took = took
        for number in self.far.kept:
            self.offer(number)

    def offer(self, number: int) -> None:
        asyncio.get_running_loop().call_later(self.far.world.rng.uniform(0.005, 0.1), self._arrive, number)

    def _arrive(self, number: int) -> None:
        kept = self.far.kept.get(number)
        if kept is None or self._took is None or self._ended.is_set() or self._server.dead:
            return
        self._took(number, *kept)
        if self.far.happens("sent twice", 3.0):
            self._took(number, *kept)

    def acknowledge(self, number: int) -> None:
        """Over a connection that has ended nothing is acknowledged."""
        if self._ended.is_set() or self._server.dead:
            return
        if self.far.happens("ended before an acknowledgement"):
            self.end()
            return
        self.far.acknowledged(number)


class _Mortal:
    """A transport in a server that may die at each message."""

    def __init__(self, transport: ConnectionTransport, name: str, server: MortalServer) -> None:
        self._transport, self._name, self._server = transport, name, server

    @property
    def condition(self) -> Condition:
        return self._transport.condition

    @condition.setter
    def condition(self, condition: Condition) -> None:
        self._transport.condition = condition

    def start(self) -> None:
        self._transport.start()

    async def deliver(self, message: Outgoing) -> Outcome:
        await self._server.step(f"before delivery over {self._name}")
        outcome = await self._transport.deliver(message)
        await self._server.step(f"after delivery over {self._name}")
        return outcome

    async def close(self) -> None:
        await self._transport.close()


class EveryApplication:
    """One application behind a connection of every type; each gets the messages of all devices."""

    def __init__(self, world: VirtualNetwork) -> None:
        self._world = world
        self.sides = {name: FarSide(world, ref, name) for ref, name in enumerate(KINDS, 1)}
        self._published = 0

    def create_flows(self, database: Database, scope: Scope) -> None:
        refs = []
        for name, kind in KINDS.items():
            members: dict[str, Any] = {"clientId": f"town-{name}"} if kind.field("clientId") else {}
            members |= {"username": "town"} if kind.field("username") else {}
            body = flows.Connection(
                name=name,
                type=name,
                dialect="THE_THINGS_STACK",
                address=f"{kind.beginnings[0]}://127.0.0.1",
                applicationId="town",
                tenantId=_TENANT,
                downlinks=kind.downlinks,
                **members,
            )
            prepared = flows.prepare(body, None, allow_private=True)
            refs.append(flows.create_connection(database, scope, body, prepared, 0).ref)
        assert [str(side.ref) for side in self.sides.values()] == [str(ref) for ref in refs]
        flows.create_flow(database, scope, flows.Flow(name="All", connectionRefs=[str(ref) for ref in refs]))

    def transports(self, server: MortalServer) -> Mapping[ConnectionType, MakeTransport]:
        for side in self.sides.values():
            self._world.checker.connects(side.ref)
        return {name: self._maker(side, server) for name, side in self.sides.items()}

    def _maker(self, side: FarSide, server: MortalServer) -> MakeTransport:
        def make(connection: Connection, around: Surroundings) -> ConnectionTransport:
            def received(incoming: Incoming) -> None:
                if not server.dead:
                    around.received(incoming)

            def ready(ref: int) -> None:
                if not server.dead:
                    around.ready(ref)

            # What it starts knows where it is.
            here = _here.set((side, server))
            try:
                guarded = replace(around, received=received, ready=ready)
                transport = KINDS[side.name].make(connection, guarded)
                transport.start()
            finally:
                _here.reset(here)
            return _Mortal(transport, side.name, server)

        return make

    def publish(self, dev_eui: DevEui, payload: bytes) -> None:
        self._published += 1
        downlink = {
            "f_port": 9,
            "frm_payload": base64.b64encode(payload).decode(),
            "correlation_ids": [f"{self._published:X}"],
        }
        takes = [side for name, side in self.sides.items() if KINDS[name].downlinks]
        side = takes[self._published % len(takes)]
        side.publish(self._published, str(dev_eui), json.dumps({"downlinks": [downlink]}).encode())

    @property
    def waiting(self) -> int:
        return sum(len(side.kept) for side in self.sides.values())


def topic_of(dev_eui: str, between: str = "/") -> str:
    """Where a downlink for a device is published, in the dialect of all connections."""
    levels = ("v3", f"town@{_TENANT}", "devices", f"eui-{dev_eui.lower()}", "down", "push")
    return between.join(levels)


async def connect() -> Link:
    """Make a connection to the far side that is meant here."""
    return await _here.get()[0].connect()


def far_side() -> tuple[FarSide, MortalServer] | None:
    """The far side that is meant here; None where no connection is being made."""
    return _here.get(None)


async def over(link: Link, body: bytes, failed: Callable[[str], Exception]) -> None:
    """Carry a message; `failed` makes the client's own error of one that is refused or whose connection has
    ended."""
    try:
        await link.take(body)
    except Refused:
        raise failed("refused") from None
    except Ended:
        raise failed("ended") from None
