"""Messages over a broker of the application's, MQTT 3.1.1 and 5.

One client for each connection, on the event loop: only what blocks, the name, the TCP connection and the
handshake of TLS, is left to threads. A message is delivered when the broker has acknowledged it; with QoS 0
when it is written. Nothing is kept by the client: what has no acknowledgement when the connection ends is
tried again by the ledger.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import ssl
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from veldnet.domain.flows import DOWNLINK_TOPICS, TOPICS, fill, topic_filter
from veldnet.outgoing import Address, AddressRefused, NameNotFound, parse_broker
from veldnet.routing.transports import Outcome

from .interface import Condition, Surroundings
from .model import Connection, Incoming, Outgoing

log = structlog.get_logger(__name__)

TASK = "connections"
_KEEP_ALIVE = 30
# Seconds between two looks at the keep-alive.
_TICK = 2.0
# Seconds between two tries, twice as long each time.
_SOONEST, _LATEST = 1.0, 60.0
_READS_A_TURN = 16
_MOST_TOPIC = 65_000
# Seconds for which a broker of MQTT 5 keeps downlinks of a connection that is away.
_KEPT_FOR = 86_400
# Unacknowledged messages, where the broker does not ask for fewer.
_IN_FLIGHT = 20
# Downlinks that are longer than any are not read.
_LONGEST_MESSAGE = 65_536
# Answers of MQTT 5 that speak of the moment, not of the message.
_NOT_NOW = (0x97, 0x88, 0x89, 0x93)
# Connections that are made at once: one that does not answer holds up a thread for a few seconds.
_threads = ThreadPoolExecutor(32, thread_name_prefix="broker")


class _Named(ssl.SSLContext):
    """Has the certificate checked for the name, though the IP address that was allowed is connected to."""

    name: str = ""

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **kwargs | {"server_hostname": self.name})


class BrokerFailed(Exception):
    """There is no connection to the broker; the text says why."""


class MqttConnection:
    """A connection to a broker: made again and again, never waited for by anything else."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        self.condition = Condition(around.clock)
        self._connection, self._around = connection, around
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._fd = -1
        self._blocked = False
        self._count = 0
        self._in_flight = _IN_FLIGHT
        self._up = asyncio.Event()
        self._ended = asyncio.Event()
        self._why: str | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    @property
    def _kept(self) -> bool:
        """Whether the broker keeps downlinks while the connection is away: its session needs a name. With QoS
        2 it would take new messages for those of before, whose numbers they have."""
        settings = self._connection.settings
        return settings.downlinks and bool(settings.client_id) and settings.qos < 2

    @property
    def _shown(self) -> str:
        return self._connection.settings.address

    def start(self) -> None:
        if self._task is None:
            self._task = self._around.supervisor.keep(TASK, self._run)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._drop("the connection was closed")

    # Delivery.

    async def deliver(self, message: Outgoing) -> Outcome:
        settings = self._connection.settings
        topic = fill(settings.topic or TOPICS[settings.dialect], message.values)
        where = f"{self._shown} {topic}"[:300]
        if not topic or len(topic.encode()) > _MOST_TOPIC:
            return Outcome(False, "Error", "the topic is empty or too long", where, refusal="never")
        client = await self._connected()
        if client is None:
            return Outcome(False, "Error", self.condition.reason or "not connected", where)
        acknowledged = asyncio.get_running_loop().create_future()
        info = client.publish(topic, message.body, settings.qos, settings.retain)
        self._waiting[info.mid] = acknowledged
        self._flush()
        try:
            async with asyncio.timeout(self._around.total_timeout):
                reason = await acknowledged
        except TimeoutError:
            return Outcome(False, "Timeout", "the broker does not acknowledge the message", where)
        except BrokerFailed as error:
            return Outcome(False, "Error", str(error), where)
        finally:
            self._waiting.pop(info.mid, None)
        return _judged(reason, where)

    async def _connected(self) -> Client | None:
        """The client, once it is connected; None where that takes too long, or has failed already."""
        if not self._up.is_set() and self.condition.status != "ERROR":
            try:
                async with asyncio.timeout(self._around.connect_timeout):
                    await self._up.wait()
            except TimeoutError:
                return None
        return self._client if self._up.is_set() else None

    # The connection.

    async def _run(self) -> None:
        pause = _SOONEST
        while True:
            try:
                if await self._session():
                    pause = _SOONEST
            except (OSError, ValueError, BrokerFailed, AddressRefused, NameNotFound) as error:
                refused = isinstance(error, AddressRefused)
                self._failed(f"the address {error}" if refused else _words(error))
            finally:
                self._drop(self._why or "the connection ended")
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not for keys
            pause = min(pause * 2, _LATEST)

    async def _session(self) -> bool:
        """One connection from its beginning to its end; returns whether there was one."""
        settings = self._connection.settings
        self._ended, self._why = asyncio.Event(), None
        address = parse_broker(settings.address)
        hosts = await self._around.resolver.addresses(address)
        client = await self._open(address, hosts)
        sock = client.socket()
        if sock is None:
            raise BrokerFailed("the broker closed the connection")
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client, self._fd = client, sock.fileno()
        client.on_socket_close = self._socket_closed
        asyncio.get_running_loop().add_reader(self._fd, self._readable)
        self._flush()
        return await self._hold(client)

    async def _open(self, address: Address, hosts: list[str]) -> Client:
        """A client with a socket to the first host that takes one. It connects to the addresses that were
        checked, not to the name once more."""
        loop = asyncio.get_running_loop()
        failed: Exception = BrokerFailed("the broker has no address")
        for host in hosts:
            client = self._new_client(address)
            connecting = loop.run_in_executor(_threads, self._connect, client, host, address.port)
            try:
                await connecting
            except (OSError, ValueError) as error:
                failed = error
            else:
                return client
        raise failed

    def _connect(self, client: Client, host: str, port: int) -> None:
        arguments: dict[str, Any] = {"keepalive": _KEEP_ALIVE}
        if self._connection.settings.version == "5":
            arguments["clean_start"] = not self._kept
            if self._kept:
                arguments["properties"] = Properties(PacketTypes.CONNECT)
                arguments["properties"].SessionExpiryInterval = _KEPT_FOR
        client.connect(host, port, **arguments)

    def _new_client(self, address: Address) -> Client:
        settings, private = self._connection.settings, self._connection.secrets
        five = settings.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id or f"veldnet-{secrets.token_hex(6)}",
            clean_session=None if five else not self._kept,
            protocol=MQTTv5 if five else MQTTv311,
            # A downlink is acknowledged once it is in the queue of its device.
            manual_ack=True,
        )
        client.connect_timeout = self._around.connect_timeout
        client.max_inflight_messages_set(self._in_flight)
        if address.scheme == "mqtts":
            client.tls_set_context(self._tls(address))
        if settings.username:
            client.username_pw_set(settings.username, private.password or None)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _tls(self, address: Address) -> ssl.SSLContext:
        settings, private = self._connection.settings, self._connection.secrets
        context = _Named(ssl.PROTOCOL_TLS_CLIENT)
        context.name = address.host
        if settings.ca_certificate:
            context.load_verify_locations(cadata=settings.ca_certificate)
        else:
            context.load_default_certs()
        if settings.client_certificate:
            # The module reads certificates from files only; this one is gone at once.
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(f"{private.client_key}\n{settings.client_certificate}\n")
                file.flush()
                context.load_cert_chain(file.name)
        return context

    async def _hold(self, client: Client) -> bool:
        loop = asyncio.get_running_loop()
        opening = loop.time() + self._around.connect_timeout
        was_up = False
        while not self._ended.is_set():
            try:
                async with asyncio.timeout(_TICK):
                    await self._ended.wait()
            except TimeoutError:
                client.loop_misc()
            was_up = was_up or self._up.is_set()
            if not was_up and loop.time() > opening:
                raise BrokerFailed("the broker does not answer")
        return was_up

    def _failed(self, why: str) -> None:
        if self._why is None:
            self._why = why
            self.condition.fails(why)
            log.info("connection_failed", connection=self._connection.ref, error=why)

    def _drop(self, why: str) -> None:
        """Let go of the client, and of what waits for it."""
        client, self._client = self._client, None
        self._up.clear()
        if client is not None and (sock := client.socket()) is not None:
            client.on_disconnect = None
            client.disconnect()
            self._socket_closed(client, None, sock)
            sock.close()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(BrokerFailed(why))

    # What the client tells, all of it on the event loop.

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._failed(f"the broker refused the connection: {reason}")
            return
        asked = getattr(properties, "ReceiveMaximum", None) or _IN_FLIGHT
        if asked < self._in_flight:
            # The client takes the number only before it connects.
            self._in_flight = asked
            self._why = "the broker takes fewer messages at once"
            self._ended.set()
            return
        settings = self._connection.settings
        if not settings.downlinks:
            self._connected_now()
            return
        template = settings.downlink_topic or DOWNLINK_TOPICS[settings.dialect]
        client.subscribe(topic_filter(template, self._connection.known), 1)

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is not None:
            self._failed(f"the broker refused the subscription to downlinks: {refused}")
            self._ended.set()
            return
        self._connected_now()

    def _connected_now(self) -> None:
        self.condition.works()
        self._up.set()
        self._around.ready(self._connection.ref)
        log.info("connection_made", connection=self._connection.ref)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._failed(f"the connection ended: {reason}")
        self._ended.set()

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        future = self._waiting.get(mid)
        if future is not None and not future.done():
            future.set_result(reason)
        elif future is None:
            # With QoS 0 it may be written before anybody knows its number.
            asyncio.get_running_loop().call_soon(self._acknowledge, mid, reason)

    def _acknowledge(self, mid: int, reason: Any) -> None:
        future = self._waiting.get(mid)
        if future is not None and not future.done():
            future.set_result(reason)

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        self._count += 1
        if message.retain or len(message.payload) > _LONGEST_MESSAGE:
            # A downlink that is retained would be sent again with each connection.
            self._done(client, message)
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self._done(client, message)
            return
        self.condition.took()
        done = partial(self._done, client, message)
        self._around.received(Incoming(self._connection, topic, bytes(message.payload), done))

    def _done(self, client: Client, message: MQTTMessage) -> None:
        """Acknowledge a message, where its connection is still there."""
        if client is self._client:
            client.ack(message.mid, message.qos)
            self._flush()

    # The socket.

    def _readable(self) -> None:
        client = self._client
        if client is None:
            return
        for _ in range(_READS_A_TURN):
            before = self._count
            client.loop_read()
            if self._ended.is_set() or self._client is None:
                break
            if self._count == before and not self._read_already():
                break
        else:
            if self._read_already():
                # What TLS has read already does not make the socket readable again.
                asyncio.get_running_loop().call_soon(self._readable)
        self._flush()

    def _read_already(self) -> bool:
        sock = self._client.socket() if self._client is not None else None
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def _flush(self) -> None:
        """Write what waits; where the broker does not read, go on when it does."""
        client = self._client
        if client is None or self._fd < 0:
            return
        if client.want_write():
            client.loop_write()
        if self._fd < 0:
            return
        blocked = client.want_write()
        if blocked != self._blocked:
            self._blocked = blocked
            loop = asyncio.get_running_loop()
            if blocked:
                loop.add_writer(self._fd, self._flush)
            else:
                loop.remove_writer(self._fd)

    def _socket_closed(self, _client: Client, _data: Any, _sock: Any) -> None:
        if self._fd >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            self._fd, self._blocked = -1, False


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "the broker does not answer"
    if isinstance(error, OSError) and error.strerror:
        return f"connection failed: {error.strerror}"
    return str(error) or type(error).__name__


def _judged(reason: Any, where: str) -> Outcome:
    """What an acknowledgement means; brokers of MQTT 3.1.1 give no reasons."""
    if reason is None or not reason.is_failure:
        return Outcome(True, "Ok", None, where, None if reason is None else str(reason))
    refusal = "busy" if reason.value in _NOT_NOW else "message"
    return Outcome(False, "Error", f"the broker refused the message: {reason}", where, refusal=refusal)
