"""Applications behind real servers, for tests of connections: Mosquitto, NATS, RabbitMQ, PostgreSQL."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import aiormq
import psycopg
from msgspec.structs import replace
from nats.aio.client import Client
from nats.aio.msg import Msg
from paho.mqtt.client import Client as MqttClient
from paho.mqtt.enums import CallbackAPIVersion

from tests.certificates import Pair, write_signed
from tests.mosquitto import Broker, free_port
from tests.nats_server import NatsServer
from tests.postgresql import PostgresServer
from veldnet.domain.flows import ConnectionSettings


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end and process.poll() is None, "the broker does not start"
            time.sleep(0.05)


def _rabbitmq(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class MqttApplication:
    """An application behind a broker; the broker keeps what comes while it is away."""

    def __init__(self, folder: Path, version: str, *more: str) -> None:
        """`more` are settings of the broker."""
        folder.mkdir(exist_ok=True)
        self.port, web_port = free_port(), free_port()
        version, _space, over = version.partition(" over ")
        lines = [
            *more, "user root", "log_dest none", "allow_anonymous true", "persistence true",
            f"persistence_location {folder}/", "autosave_on_changes true", "autosave_interval 1",
            f"listener {web_port} 127.0.0.1", "protocol websockets", f"listener {self.port} 127.0.0.1",
        ]  # fmt: skip
        self.broker = Broker(folder, "\n".join(lines), self.port)
        self.settings = ConnectionSettings(
            type="MQTT",
            address=f"ws://127.0.0.1:{web_port}/mqtt" if over else f"mqtt://127.0.0.1:{self.port}",
            version=version,  # type: ignore[arg-type]
            topic="things/{DevEUI}/up",
        )
        self.bodies: list[Any] = []
        self.topics: list[str] = []
        self._subscribed = threading.Event()
        self._client = MqttClient(CallbackAPIVersion.VERSION2, "application", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_rest: client.subscribe("things/#", 1)
        self._client.on_subscribe = lambda *_rest: self._subscribed.set()
        self._client.on_message = self._take

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        self.topics.append(message.topic)
        self.bodies.append(json.loads(message.payload))

    async def start(self) -> None:
        self.broker.start()
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        assert await asyncio.to_thread(self._subscribed.wait, 10)

    def send(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        """Publish a downlink; the broker has it when this returns."""
        self._client.publish(topic, body, 1, retain).wait_for_publish(10)

    async def come_back(self) -> None:
        self.broker.start()

    async def go_away(self) -> None:
        self.broker.stop()

    async def close(self) -> None:
        self._client.loop_stop()
        self.broker.stop()


class NatsApplication:
    """A stream, and a consumer that takes what is in it."""

    def __init__(self, folder: Path) -> None:
        self._server = NatsServer(f'jetstream {{ store_dir: "{folder}" }}')
        self.settings = ConnectionSettings(type="NATS", address=self._server.url, topic="things/{DevEUI}/up")
        self.bodies: list[Any] = []
        self.topics: list[str] = []
        self._client = Client()

    async def come_back(self) -> None:
        self._server.start()

    async def go_away(self) -> None:
        self._server.stop()

    async def start(self) -> None:
        await self._client.connect(
            self._server.url,
            reconnect_time_wait=0.05,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            error_cb=self._ignore,
        )
        stream = self._client.jetstream()
        await stream.add_stream(name="things", subjects=["things.>", "downs.>"])
        await stream.subscribe("things.>", durable="application", cb=self._take)

    async def _ignore(self, _error: Exception) -> None:
        pass

    async def _take(self, message: Msg) -> None:
        self.topics.append(message.subject)
        self.bodies.append(json.loads(message.data))
        await message.ack()

    async def send(self, topic: str, body: bytes) -> None:
        await self._client.jetstream().publish(topic.replace("/", "."), body)

    async def unacknowledged(self, consumer: str) -> int:
        """Messages that a consumer was sent and has not acknowledged."""
        found = await self._client.jetstream().consumer_info("things", consumer)
        return int(found.num_ack_pending or 0)

    async def left(self, consumer: str) -> None:
        """Wait until the server knows that nobody listens to this consumer.

        Before, it sends a message to the one who left, and again after half a minute only.
        """
        while (await self._client.jetstream().consumer_info("things", consumer)).push_bound:
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self._client.close()
        self._server.close()


class AmqpApplication:
    """A durable queue, and a consumer that comes back whenever the broker does. With an authority
    clients need a certificate of it at `tls_port`."""

    def __init__(self, folder: Path, authority: Pair | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.port, self.tls_port, self._folder = free_port(), free_port(), folder
        if authority is not None:
            own = write_signed(folder / "own", authority, "broker.example")
            (folder / "rabbitmq.conf").write_text(
                f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
                f"ssl_options.cacertfile = {authority.certificate}\n"
                f"ssl_options.certfile = {own.certificate}\nssl_options.keyfile = {own.key}\n"
                "ssl_options.verify = verify_peer\n"
                "ssl_options.fail_if_no_peer_cert = true\n"
            )
        self.settings = ConnectionSettings(
            type="AMQP", address=f"amqp://127.0.0.1:{self.port}", topic="things/{DevEUI}/up"
        )
        self.bodies: list[Any] = []
        self.topics: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._bound = asyncio.Event()

    async def come_back(self) -> None:
        (self._folder / "plugins").write_text("[rabbitmq_amqp1_0].\n")
        settings = {
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self._folder),
            "RABBITMQ_LOG_BASE": str(self._folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "HOME": str(self._folder),
        }
        self._process = await asyncio.to_thread(_rabbitmq, settings)
        await asyncio.to_thread(wait_for, self.port, self._process)

    async def go_away(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        await asyncio.to_thread(self._process.wait, 20)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return
            await asyncio.sleep(0.05)

    async def start(self) -> None:
        await self.come_back()
        self._task = asyncio.create_task(self._consume())
        await asyncio.wait_for(self._bound.wait(), 30)

    async def _consume(self) -> None:
        while True:
            try:
                broker = await aiormq.connect(f"amqp://guest:guest@127.0.0.1:{self.port}/")
                channel = await broker.channel()
                await channel.queue_declare("application", durable=True)
                await channel.queue_bind("application", "amq.topic", routing_key="things.#")
                await channel.basic_consume("application", self._take)
                self._bound.set()
                await broker.closing
            except (OSError, aiormq.AMQPError):
                await asyncio.sleep(0.1)

    async def _take(self, message: Any) -> None:
        self.topics.append(message.routing_key)
        self.bodies.append(json.loads(message.body))
        await message.channel.basic_ack(message.delivery_tag)

    async def waiting(self, queue: str) -> int | None:
        broker = await aiormq.connect(f"amqp://guest:guest@127.0.0.1:{self.port}/")
        channel = await broker.channel()
        declared = await channel.queue_declare(queue, durable=True)
        await broker.close()
        return declared.message_count

    async def send(self, topic: str, body: bytes) -> None:
        broker = await aiormq.connect(f"amqp://guest:guest@127.0.0.1:{self.port}/")
        channel = await broker.channel()
        await channel.basic_publish(body, exchange="amq.topic", routing_key=topic.replace("/", "."))
        await broker.close()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.go_away()


class Amqp1Application(AmqpApplication):
    """The same queue, for messages that come by AMQP 1.0."""

    def __init__(self, folder: Path, authority: Pair | None = None) -> None:
        super().__init__(folder, authority)
        options: dict[str, str | int | bool] = {
            "target": "/exchange/amq.topic",
            "source": "/amq/queue/downlinks",
        }
        self.settings = replace(self.settings, type="AMQP1", options=options)

    def send_to(self, queue: str, body: bytes, dev_eui: str) -> None:
        """A downlink by AMQP 1.0."""
        # It is built where it is needed only.
        from proton import Message
        from proton.utils import BlockingConnection

        client = BlockingConnection(f"amqp://127.0.0.1:{self.port}", allowed_mechs="ANONYMOUS")
        sender = client.create_sender(f"/amq/queue/{queue}")
        sender.send(Message(body, inferred=True, properties={"DevEUI": dev_eui}))
        client.close()


@cache
def _database_server() -> PostgresServer:
    """One for all tests of a process, that they may stop: reached by TCP."""
    port = free_port()
    started = PostgresServer(listen_addresses="'127.0.0.1'", port=str(port), synchronous_commit="on")
    atexit.register(started.remove)
    return started


class PostgresApplication:
    """A database of its own, whose table is read."""

    def __init__(self) -> None:
        self._server = _database_server()
        self._name = f"app_{next(_numbers)}"
        self.settings = ConnectionSettings(
            type="POSTGRESQL",
            address=f"postgresql://127.0.0.1:{self._server.port}/{self._name}",
            username="veldnet",
            options={"table": "readings.lorawan"},
        )
        self._read: list[Any] = []

    def run(self, statement: str, name: str | None = None) -> list[Any]:
        url = f"postgresql://veldnet@127.0.0.1:{self._server.port}/{name or self._name}"
        with psycopg.connect(url, autocommit=True) as database:
            done = database.execute(statement.encode())
            return done.fetchall() if done.description else []

    async def start(self) -> None:
        self.run(f"CREATE DATABASE {self._name}", "postgres")
        self.run("CREATE SCHEMA readings")

    @property
    def bodies(self) -> list[Any]:
        """What was in the table when it could be read last."""
        with suppress(psycopg.Error):
            self._read = [row for (row,) in self.run("SELECT document FROM readings.lorawan ORDER BY id")]
        return self._read

    async def go_away(self) -> None:
        self._server.stop()

    async def come_back(self) -> None:
        self._server.start()

    async def close(self) -> None:
        self.run(f"DROP DATABASE {self._name} WITH (FORCE)", "postgres")


_numbers = count(1)
RABBITMQ = shutil.which("rabbitmq-server") or shutil.which("/usr/sbin/rabbitmq-server")
