"""Every type of connection, over a real store to the real thing: a Mosquitto, a server of HTTP.

An application takes messages, is away and comes back; the server that delivers is killed; a connection that
does not answer holds up no other.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest
from msgspec.structs import replace

from tests.brokers import (
    RABBITMQ,
    Amqp1Application,
    AmqpApplication,
    MqttApplication,
    NatsApplication,
    PostgresApplication,
)
from tests.contract.test_store import fleet, open_sqlite
from tests.influx_server import InfluxApplication
from tests.unit.network.builders import device, receive, session, uplink_frame
from tests.unit.outgoing.servers import serving
from tests.unit.routing.network import OK, QUICK, Network, status
from tests.unit.routing.test_messages import WRITER, Map
from veldnet.connections import Incoming, Surroundings
from veldnet.domain.documents import PlanSettings
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings, FlowSettings
from veldnet.keys import SoftwareVault, labels
from veldnet.lorawan import BaseStationId
from veldnet.network.core import UplinkRecord
from veldnet.network.core.state import DeviceState
from veldnet.network.shell import Runtime
from veldnet.outgoing import Pauses, Resolver
from veldnet.routing import (
    Decoding,
    Deliveries,
    FlowMessages,
    FlowNote,
    FlowTable,
    Limits,
    Messaging,
    OpenConnections,
    RouteSender,
    TransportSettings,
)
from veldnet.store import SqliteStore, StoreError
from veldnet.store.schema import connections, flow_connections, flows
from veldnet.supervision import Supervisor

VAULT = SoftwareVault(bytes(range(32)))


class Stations(Map):
    def eui(self, base_station: BaseStationId) -> str:
        raise KeyError(base_station)


class Flows(Network):
    """Deliveries over connections: as in `Network`, only the frames are made up."""

    table: Any
    flows: FlowTable
    incoming: list[Incoming]
    decoder_fails = False

    def connect(self) -> None:
        """Begin, as a new process does."""
        supervisor = Supervisor(expected=(StoreError,))
        self.flows = FlowTable(self.store, VAULT)
        self.messages = FlowMessages(self.flows, WRITER, Stations())
        self.incoming = []
        around = Surroundings(
            True,
            Resolver(allow_private=True),
            supervisor,
            self.clock,
            self.incoming.append,
            self._ready,
            connect_timeout=1.0,
            total_timeout=2.0,
            pauses=Pauses(0.05, 0.1),
        )
        self.open_connections = OpenConnections(self.flows, around, self._decode)
        self.deliveries = Deliveries(
            Runtime(self.clock, self.ids, random.Random(1), supervisor),
            self.store,
            Messaging(
                self.table,
                WRITER,
                RouteSender(TransportSettings(True), clock=time.monotonic),
                None,
                self.messages,
                self.open_connections,
            ),
            wake=self._wake,
            retry=QUICK,
            limits=Limits(),
        )

    def _ready(self, ref: int) -> None:
        self.deliveries.connection_ready(ref)

    async def _decode(self, _subscriber: int, note: FlowNote) -> Decoding:
        if self.decoder_fails:
            return Decoding(error="no such sensor")
        return Decoding({"first": (note.payload or b"\0")[0]})

    async def connection(
        self,
        settings: ConnectionSettings,
        flow: FlowSettings | None = None,
        secrets: ConnectionSecrets | None = None,
    ) -> int:
        """A connection with a flow that uses it."""
        sealed = (
            None if secrets is None else await VAULT.seal(labels.CONNECTION, msgspec.json.encode(secrets))
        )

        def write(c: Any) -> int:
            row = {"subscriber_ref": 1, "name": "x", "active": True}
            row |= {"created_at": 0, "updated_at": 0, "updated_by": "x"}
            stored = msgspec.json.encode(settings).decode()
            ref = c.execute(
                connections.insert().values(settings=stored, sealed_secrets=sealed, hidden="[]", **row)
            ).lastrowid
            made = msgspec.json.encode(flow or FlowSettings()).decode()
            of = c.execute(flows.insert().values(settings=made, **row)).lastrowid
            c.execute(flow_connections.insert().values(flow_ref=of, connection_ref=ref))
            return int(ref)

        ref = await self.store.write(write)
        await self.take_up()
        return ref

    async def take_up(self) -> None:
        await self.flows.load()
        self.open_connections.refresh()

    async def hear(self, *counters: int, ref: int = 1, **changes: Any) -> None:
        for fcnt in counters:
            target = device(plan=PlanSettings())
            row = replace(
                target.row, ref=ref, subscriber_ref=1, processing_strategy="IOT_FLOW", dev_eui=f"{ref:016X}"
            )
            target = replace(target, row=replace(row, **changes))
            transition = receive(DeviceState(session=session()), uplink_frame(fcnt), target=target)
            assert transition is not None
            record = transition.records[0]
            assert isinstance(record, UplinkRecord)
            self._frame += 1
            await self.commit([(replace(record, id=self._frame), target, None)])

    async def kill(self) -> None:
        """What has not been committed is lost."""
        self.deliveries.abandon()
        await self.open_connections.close()
        self._committing.clear()


@asynccontextmanager
async def flowing(folder: Path) -> AsyncIterator[Flows]:
    store: SqliteStore = open_sqlite(folder)
    await fleet(store, 3)
    network = Flows(store)
    network.connect()
    try:
        yield network
    finally:
        await network.close()


class HttpApplication:
    """A server that is away while it answers with 503."""

    def __init__(self) -> None:
        self.away = False
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        answer = lambda _number: [status(503) if self.away else OK]  # noqa: E731
        self._server = await self._stack.enter_async_context(serving(answer))
        self.settings = ConnectionSettings(type="HTTP", address=f"{self._server.address}/{{DevEUI}}")
        self._taken: list[bytes] = []

    async def go_away(self) -> None:
        self._refused_from = len(self._server.requests)
        self.away = True

    async def come_back(self) -> None:
        del self._server.requests[self._refused_from :]
        self.away = False

    @property
    def refused(self) -> int:
        return len(self._server.requests) - self._refused_from

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.split(b"\r\n\r\n", 1)[1]) for request in self._server.requests]

    async def close(self) -> None:
        await self._stack.aclose()


class Application(Protocol):
    """What takes the messages of a connection, and can go away and come back."""

    settings: ConnectionSettings

    @property
    def bodies(self) -> list[Any]: ...

    async def start(self) -> None: ...

    async def go_away(self) -> None: ...

    async def come_back(self) -> None: ...

    async def close(self) -> None: ...


def counters(bodies: Sequence[Any], ref: int = 1) -> list[int]:
    """FCntUp of a device's uplinks, without repetitions."""
    ups = [body["DevEUI_uplink"] for body in bodies if "DevEUI_uplink" in body]
    return list(dict.fromkeys(up["FCntUp"] for up in ups if up["DevEUI"] == f"{ref:016X}"))


# RabbitMQ takes ten seconds to start, so others run where asked for: `make test-connections`.
_KINDS = ["mqtt 5", "mqtt 3.1.1", "http", "nats", "postgresql"] + (
    ["mqtt 5 over websocket", "amqp", "amqp1", "artemis", "kafka", "influxdb"]
    if "TEST_CONNECTIONS" in os.environ
    else []
)


@pytest.fixture(params=_KINDS)
async def application(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Application]:
    kind, _space, version = request.param.partition(" ")
    folder = tmp_path / "broker"
    made: Application
    match kind:
        case "http":
            made = HttpApplication()
        case "nats":
            made = NatsApplication(folder)
        case "kafka":
            # Its client is not installed everywhere.
            from tests.kafka_server import KafkaApplication

            made = KafkaApplication(folder)
        case "artemis":
            # As little is this.
            from tests.artemis_server import ArtemisApplication

            made = ArtemisApplication(folder)
        case "influxdb":
            made = InfluxApplication(folder)
        case "postgresql":
            made = PostgresApplication()
        case "amqp" | "amqp1":
            assert RABBITMQ, "RabbitMQ is not installed: apt-get install rabbitmq-server"
            made = AmqpApplication(folder) if kind == "amqp" else Amqp1Application(folder)
        case _:
            made = MqttApplication(folder, version)
    await made.start()
    yield made
    await made.close()


async def test_messages_arrive_in_order_though_both_sides_go_away(
    application: Application, tmp_path: Path
) -> None:
    async with flowing(tmp_path) as network:
        ref = await network.connection(application.settings)
        await network.hear(1, 2)
        await network.hear(7, ref=2)
        await network.until(
            lambda: counters(application.bodies) == [1, 2] and 7 in counters(application.bodies, 2)
        )
        condition = network.open_connections.conditions[ref]
        assert (condition.status, condition.reason) == ("ACTIVE", None)
        # The application may have a message before the broker has acknowledged it.
        await network.until(lambda: condition.delivered == 3)
        assert condition.delivered_at is not None

        await application.go_away()
        await network.hear(3, 4)
        await network.until(lambda: condition.status == "ERROR")
        assert condition.reason
        await network.kill()
        network.connect()
        await network.take_up()
        await network.deliveries.start()
        await network.hear(5)
        await application.come_back()
        await network.until(lambda: counters(application.bodies) == [1, 2, 3, 4, 5])
        assert counters(application.bodies, 2) == [7]
        await network.until(lambda: network.deliveries.pending == 0)
        assert await network.rows_left() == 0


async def test_driver_and_transformation_make_the_document(application: Application, tmp_path: Path) -> None:
    flow = FlowSettings(transformation="{n: DevEUI_uplink.FCntUp, p: DevEUI_uplink.payload}")
    async with flowing(tmp_path) as network:
        ref = await network.connection(application.settings, flow)
        await network.hear(1)
        await network.until(lambda: len(application.bodies) == 1)
        (body,) = application.bodies
        assert body["n"] == 1 and isinstance(body["p"]["first"], int)
        # What fails is set aside, with the reason, and holds up none behind it.
        await _change(network, FlowSettings(transformation="abs(DevEUI_uplink.DevEUI)"))
        await network.hear(2)
        (listed,) = await network.until_listed(lambda found: any(each.reason for each in found))
        assert listed.reason == "transformationFailed" and "abs()" in str(listed.last_error)
        await _change(network, FlowSettings(driver="RAW", ports="1", transformation="DevEUI_uplink.payload"))
        # It makes nothing of this message: it is left out.
        await network.hear(3)
        await _change(network, FlowSettings(ports="99"))
        await network.hear(4)
        await _change(network, FlowSettings(tags=("Cold",)))
        await network.hear(5)
        await network.hear(6, tags=("cold", "x"))
        await network.until(lambda: counters(application.bodies[1:]) == [6])
        await network.until(lambda: network.open_connections.conditions[ref].status == "ACTIVE")


async def test_chirpstack_is_told_of_a_decoder_that_fails(tmp_path: Path) -> None:
    application = HttpApplication()
    await application.start()
    settings = replace(
        application.settings, dialect="CHIRPSTACK", address=f"{application.settings.address}/{{event}}"
    )
    async with flowing(tmp_path) as network:
        network.decoder_fails = True
        await network.connection(
            settings, FlowSettings(transformation="{n: fCnt, code: code, why: description}")
        )
        await network.hear(1)
        await network.until(lambda: len(application.bodies) == 2)
        log, up = application.bodies
        assert log == {"n": None, "code": "UPLINK_CODEC", "why": "no such sensor"}
        assert up["n"] == 1
        # Neither is left out where the application is away.
        await application.go_away()
        await network.hear(2)
        await network.until(lambda: application.refused > 0)
        await application.come_back()
        await network.until(lambda: network.deliveries.pending == 0)
        assert [each["n"] for each in application.bodies] == [None, 1, None, 2]
    await application.close()


async def _change(network: Flows, flow: FlowSettings) -> None:
    """A flow is changed once what came before has gone."""
    await network.until(lambda: network.deliveries.pending == 0)
    made = msgspec.json.encode(flow).decode()
    await network.store.write(lambda c: c.execute(flows.update().values(settings=made)))
    await network.take_up()


async def test_a_connection_that_does_not_answer_holds_up_no_other(
    application: Application, tmp_path: Path
) -> None:
    async with flowing(tmp_path) as network, _silent() as port:
        dead = replace(application.settings, address=application.settings.address.replace(
            application.settings.address.split("://")[1].split("/")[0], f"127.0.0.1:{port}"))  # fmt: skip
        ref = await network.connection(dead)
        await network.connection(application.settings)
        await network.hear(*range(1, 31))
        await network.until(lambda: counters(application.bodies) == list(range(1, 31)))
        # Each attempt over the dead one takes a second or two: no message waited for one.
        await network.until(lambda: network.deliveries.pending == 30)
        assert network.open_connections.conditions[ref].delivered == 0


@asynccontextmanager
async def _silent() -> AsyncIterator[int]:
    """A server that takes connections and says nothing."""
    held = []

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.close()


async def test_a_test_message_goes_beside_those_that_wait(application: Application, tmp_path: Path) -> None:
    async with flowing(tmp_path) as network:
        ref = await network.connection(application.settings)
        outcome = await network.deliveries.try_connection(ref, 1)
        assert outcome is not None and outcome.delivered
        await network.until(lambda: len(application.bodies) == 1)
        assert application.bodies[0]["DevEUI_notification"]["Type"] == "test"
        foreign = await network.deliveries.try_connection(ref, 2)
        assert foreign is not None and foreign.reason == "connectionDeleted"
        assert await network.deliveries.try_connection(99, 1) is None


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_downlinks_are_kept_until_they_are_taken(version: str, tmp_path: Path) -> None:
    application = MqttApplication(tmp_path / "broker", version)
    await application.start()
    settings = replace(
        application.settings,
        dialect="THE_THINGS_STACK",
        downlinks=True,
        downlink_topic="downs/{DevEUI}/down/push",
        client_id="veldnet",
    )
    async with flowing(tmp_path) as network:
        ref = await network.connection(settings)
        condition = network.open_connections.conditions[ref]
        await network.until(lambda: condition.status == "ACTIVE")
        application.send("downs/0000000000000001/down/push", b"1")
        await network.until(lambda: len(network.incoming) == 1)
        (first,) = network.incoming
        assert (first.topic, first.body, condition.received) == ("downs/0000000000000001/down/push", b"1", 1)
        # It dies before that one is acknowledged; another one comes while it is away.
        await network.kill()
        application.send("downs/0000000000000001/down/push", b"2")
        application.send("downs/0000000000000001/down/push", b"0", retain=True)
        for expected in (b"1", b"2", b"0"), (b"3",):
            network.connect()
            await network.take_up()
            await network.until(lambda expected=expected: len(network.incoming) == len(expected))  # type: ignore[misc]
            assert tuple(each.body for each in network.incoming) == expected
            for each in network.incoming:
                each.done()
            # The broker has these acknowledgements before it acknowledges a message of ours.
            await network.hear(len(expected))
            await network.until(lambda: network.deliveries.pending == 0)
            await network.kill()
            application.send("downs/0000000000000001/down/replace", b"3")
        network.connect()
    await application.close()


@pytest.mark.parametrize("kind", [kind for kind in _KINDS if kind in ("nats", "amqp")])
async def test_downlinks_wait_in_stream_and_queue(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    application = NatsApplication(folder) if kind == "nats" else AmqpApplication(folder)
    await application.start()
    settings = replace(
        application.settings,
        dialect="THE_THINGS_STACK",
        downlinks=True,
        downlink_topic="downs/{DevEUI}/down/push",
        client_id="veldnet",
    )
    async with flowing(tmp_path) as network:
        ref = await network.connection(settings)
        condition = network.open_connections.conditions[ref]
        await network.until(lambda: condition.status == "ACTIVE")
        await network.kill()
        if isinstance(application, NatsApplication):
            await application.left("veldnet")
            await application.left("veldnet-replace")
        await application.send("downs/0000000000000001/down/replace", b"1")
        # It dies before that one is acknowledged. NATS sends it again after half a minute only.
        for again in (True, False) if kind == "amqp" else (False,):
            network.connect()
            await network.take_up()
            await network.until(lambda: len(network.incoming) == 1)
            (taken,) = network.incoming
            assert (taken.topic, taken.body) == ("downs/0000000000000001/down/replace", b"1")
            if again:
                await network.kill()
        for number, waits in (1, True), (2, False):
            if not waits:
                taken.done()
            # A stream has an acknowledgement before it confirms a message that is sent after it.
            await network.hear(number)
            await network.until(lambda: network.deliveries.pending == 0)
            if isinstance(application, NatsApplication):
                assert await application.unacknowledged("veldnet-replace") == waits
    await application.close()
