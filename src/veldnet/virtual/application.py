"""An application behind a broker, which takes messages of flows and sends downlinks.

The broker outlives every server. It keeps a downlink until a server has acknowledged it, and sends it again
to whoever connects by the name of the connection after that.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection as Database

from veldnet.connections import (
    Condition,
    Connection,
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

from .invariants import Checker
from .mortal import MortalServer

_ID, _TENANT = "town", "veldnet"
# The number of its connection, the only one.
_REF = 1


class Application:
    """What it has of every device is told to the checker."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._link: _Link | None = None
        # Downlinks without an acknowledgement, by number.
        self._kept: dict[int, tuple[str, bytes]] = {}
        self._published = 0

    def create_flows(self, database: Database, scope: Scope) -> None:
        """A connection of The Things Stack's dialect, and a flow of all devices."""
        body = flows.Connection(
            name="Application",
            type="MQTT",
            dialect="THE_THINGS_STACK",
            address="mqtt://as.example",
            clientId=_ID,
            applicationId=_ID,
            tenantId=_TENANT,
            downlinks=True,
        )
        prepared = flows.prepare(body, None, allow_private=False)
        made = flows.create_connection(database, scope, body, prepared, 0)
        flow = flows.Flow(name="All", connectionRefs=[str(made.ref)])
        flows.create_flow(database, scope, flow)

    def transports(self, server: MortalServer) -> Mapping[ConnectionType, MakeTransport]:
        self._checker.connects(_REF)

        def make(connection: Connection, around: Surroundings) -> _Link:
            return _Link(self, server, connection, around)

        return {"MQTT": make}

    # The broker.

    def publish(self, dev_eui: DevEui, payload: bytes) -> None:
        """Send a downlink to a device."""
        self._published += 1
        downlink = {
            "f_port": 9,
            "frm_payload": base64.b64encode(payload).decode(),
            "correlation_ids": [f"{self._published:X}"],
        }
        topic = f"v3/{_ID}@{_TENANT}/devices/eui-{str(dev_eui).lower()}/down/push"
        self._kept[self._published] = topic, json.dumps({"downlinks": [downlink]}).encode()
        if self._link is not None:
            self._link.send(self._published, *self._kept[self._published])

    @property
    def waiting(self) -> int:
        """Downlinks that no server has acknowledged yet."""
        return len(self._kept)

    def connected(self, link: _Link) -> None:
        """The one before is cut off, as brokers do with a second client of a name."""
        self._link = link
        for number, (topic, body) in self._kept.items():
            link.send(number, topic, body)

    def left(self, link: _Link) -> None:
        if self._link is link:
            self._link = None

    def acknowledged(self, link: _Link, number: int) -> None:
        if self._link is link and self._kept.pop(number, None) is not None:
            self._checker.acknowledged(f"{number:X}")

    # The application.

    def take(self, body: bytes) -> None:
        message = msgspec.json.decode(body)
        uplink = message.get("uplink_message")
        if uplink is not None:
            self._checker.flowed(_REF, message["end_device_ids"]["dev_addr"], uplink.get("f_cnt", 0))
        told = message.get("downlink_queued") or message.get("downlink_failed", {}).get("downlink", {})
        for number in told.get("correlation_ids", []):
            self._checker.told(number)


class _Link:
    """The connection of a server."""

    def __init__(
        self, application: Application, server: MortalServer, connection: Connection, around: Surroundings
    ) -> None:
        self.condition = Condition(around.clock)
        self._application, self._server = application, server
        self._connection, self._around = connection, around

    def start(self) -> None:
        self.condition.works()
        if self._connection.settings.downlinks:
            self._application.connected(self)

    def send(self, number: int, topic: str, body: bytes) -> None:
        """A downlink comes over this connection."""

        def done() -> None:
            if not self._server.dead:
                self._application.acknowledged(self, number)

        def arrive() -> None:
            if not self._server.dead:
                self._around.received(Incoming(self._connection, topic, body, done))

        asyncio.get_running_loop().call_later(0.01, arrive)

    async def deliver(self, message: Outgoing) -> Outcome:
        server, world = self._server, self._server.world
        await server.step("before delivery over a flow")
        await asyncio.sleep(world.rng.uniform(0.01, 0.2))
        if world.rng.random() < world.delivery_failures:
            return Outcome(False, "Error", "the broker does not acknowledge the message")
        await server.alive()
        self._application.take(message.body)
        await server.step("after delivery over a flow")
        return Outcome(True, "Ok")

    async def close(self) -> None:
        self._application.left(self)
