"""A client of MQTT 3.1.1 and 5 on the event loop.

Only what blocks, the TCP connection and the handshake of TLS, is left to threads. It connects to the
addresses that it is given, not to a name. Nothing is kept by the client: what has no acknowledgement when its
connection ends is the caller's to send again.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from veldnet.texts import Text

from .keeping import ConnectionFailed

if TYPE_CHECKING:
    # Loaded with the first connection.
    from paho.mqtt.client import Client, MQTTMessage

# Octets of a message's packet besides topic and payload: type, length, length of the topic, number, length of
# properties.
_HEADER = 1 + 4 + 2 + 2 + 1
_KEEP_ALIVE = 30
# Seconds between two looks at the keep-alive.
_TICK = 2.0
_READS_A_TURN = 16
# Connections that are made at once: one that does not answer holds up a thread for a few seconds.
_threads = ThreadPoolExecutor(32, thread_name_prefix="broker")


class MqttOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to connect, and what to subscribe to. `kept_for` are seconds for which the broker is to keep what
    comes while the client is away; `manual` leaves it to the caller to acknowledge what has come; `in_flight`
    are unacknowledged messages, `longest` octets of a packet that is taken, 0 without a limit. It goes over a
    WebSocket where that has a URL."""

    client_id: str = ""
    version: str = "5"
    username: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None
    filters: tuple[str, ...] = ()
    filter_qos: int = 0
    kept_for: int = 0
    manual: bool = False
    in_flight: int = 20
    longest: int = 0
    timeout: float = 5.0
    websocket: str = ""


class MqttMessage(msgspec.Struct, frozen=True):
    """What has come; `topic` is empty where it is not text. `done` acknowledges it."""

    topic: str
    payload: bytes
    retained: bool
    done: Callable[[], None]


class FewerAtOnce(ConnectionFailed):
    """The broker takes fewer unacknowledged messages than the client would send."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class TooLong(Exception):
    """The broker takes no packet as long as that of a message."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class MqttListener(Protocol):
    """What is told on the event loop: the connection is made and subscribed; a message has come."""

    def up(self) -> None: ...

    def message(self, message: MqttMessage) -> None: ...


def _over_websocket(url: str) -> type[Client]:
    from .websocket import WebSocketClient

    return type("_Client", (WebSocketClient,), {"url": url})


class MqttClient:
    """One connection to a broker, from its beginning to its end."""

    def __init__(self, options: MqttOptions, listener: MqttListener) -> None:
        self._options, self._listener = options, listener
        self._client_id = options.client_id or f"veldnet-{secrets.token_hex(6)}"
        self._client: Client | None = None
        self._fd = -1
        self._count = 0
        # Whether the socket takes nothing now.
        self._blocked = False
        # While the client reads it calls back, and can write nothing: it would wait for itself without end.
        self._reading = False
        self._up = False
        # Octets of a packet that the broker takes, None without a limit.
        self._most: int | None = None
        self._failure: ConnectionFailed | None = None
        self._ended = asyncio.Event()
        self._acknowledged: dict[int, asyncio.Future[Any]] = {}
        # To be called once the socket has taken what waits, and how many messages wait for that.
        self._written: list[Callable[[], None]] = []
        self.waiting = 0

    async def run(self, hosts: Sequence[str], port: int) -> None:
        """Connect to the first host that takes it, and stay. Raises `ConnectionFailed`, `OSError` or
        `ValueError` where there is no connection, or none any more."""
        try:
            client = await self._open(hosts, port)
            sock = client.socket()
            if sock is None:
                raise self._failure or ConnectionFailed(Text("the broker closed the connection"))
            if isinstance(sock, socket.socket):
                # A message does not wait until the broker has acknowledged the one before.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client, self._fd = client, sock.fileno()
            client.on_socket_close = self._socket_closed
            asyncio.get_running_loop().add_reader(self._fd, self._readable)
            self._flush()
            await self._hold(client)
        finally:
            self._close()

    async def _open(self, hosts: Sequence[str], port: int) -> Client:
        loop = asyncio.get_running_loop()
        failed: Exception = ConnectionFailed(Text("the broker has no address"))
        for host in hosts:
            client = self._new_client()
            try:
                await loop.run_in_executor(_threads, self._connect, client, host, port)
            except (OSError, ValueError) as error:
                failed = error
            else:
                return client
        raise failed

    def _connect(self, client: Client, host: str, port: int) -> None:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        options = self._options
        arguments: dict[str, Any] = {"keepalive": _KEEP_ALIVE}
        if options.version == "5":
            properties = Properties(PacketTypes.CONNECT)
            if options.kept_for:
                properties.SessionExpiryInterval = options.kept_for
            if options.longest:
                properties.MaximumPacketSize = options.longest
            arguments |= {"clean_start": not options.kept_for, "properties": properties}
        client.connect(host, port, **arguments)

    def _new_client(self) -> Client:
        from paho.mqtt.client import Client, MQTTv5, MQTTv311
        from paho.mqtt.enums import CallbackAPIVersion

        options = self._options
        five = options.version == "5"
        client = (_over_websocket(options.websocket) if options.websocket else Client)(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=None if five else not options.kept_for,
            protocol=MQTTv5 if five else MQTTv311,
            manual_ack=options.manual,
        )
        client.connect_timeout = options.timeout
        client.max_inflight_messages_set(options.in_flight)
        if options.tls is not None:
            client.tls_set_context(options.tls)
        if options.username:
            client.username_pw_set(options.username, options.password or None)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    async def _hold(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        opening = loop.time() + self._options.timeout
        while not self._ended.is_set():
            try:
                # `wait_for` may swallow the cancellation of this task.
                async with asyncio.timeout(_TICK):
                    await self._ended.wait()
            except TimeoutError:
                client.loop_misc()
            if not self._up and self._failure is None and loop.time() > opening:
                raise ConnectionFailed(Text("the broker does not answer"))
        raise self._failure or ConnectionFailed(Text("the connection ended"))

    def _fail(self, failure: ConnectionFailed) -> None:
        # Why it was refused says more than that it is over.
        self._failure = self._failure or failure

    def end(self, failure: ConnectionFailed) -> None:
        """Have `run` raise this."""
        self._fail(failure)
        self._ended.set()

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None and (sock := client.socket()) is not None:
            client.on_disconnect = None
            # It is written at once, and the socket closed, where the broker still reads.
            client.disconnect()
            self._socket_closed(client, None, sock)
            sock.close()
        self._written.clear()
        why = self._failure or ConnectionFailed(Text("the connection was closed"))
        for future in self._acknowledged.values():
            if not future.done():
                future.set_exception(why)

    # What the client tells, all of it on the event loop.

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        options = self._options
        if reason.is_failure:
            self._fail(
                ConnectionFailed(Text("the broker refused the connection: {reason}", reason=str(reason)))
            )
            return
        self._most = getattr(properties, "MaximumPacketSize", None)
        most = getattr(properties, "ReceiveMaximum", None) or options.in_flight
        if most < options.in_flight:
            # The client takes the number only before it connects.
            self._fail(FewerAtOnce(most))
            self._ended.set()
        elif options.filters:
            client.subscribe([(each, options.filter_qos) for each in options.filters])
        else:
            self._connected()

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is not None:
            self._fail(
                ConnectionFailed(Text("the broker refused a subscription: {reason}", reason=str(refused)))
            )
            self._ended.set()
        else:
            self._connected()

    def _connected(self) -> None:
        self._up = True
        self._listener.up()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._fail(ConnectionFailed(Text("the connection ended: {reason}", reason=str(reason))))
        self._ended.set()

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        if mid in self._acknowledged:
            self._acknowledge(mid, reason)
        elif self._options.manual:
            # With QoS 0 it may be written before anybody knows its number.
            asyncio.get_running_loop().call_soon(self._acknowledge, mid, reason)

    def _acknowledge(self, mid: int, reason: Any) -> None:
        future = self._acknowledged.get(mid)
        if future is not None and not future.done():
            future.set_result(reason)

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        self._count += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        done = partial(self._done, client, message.mid, message.qos)
        self._listener.message(MqttMessage(topic, bytes(message.payload), message.retain, done))

    def _done(self, client: Client, mid: int, qos: int) -> None:
        """Acknowledge a message, where its connection is still there."""
        if client is self._client:
            client.ack(mid, qos)
            self._flush()

    # The socket.

    def _readable(self) -> None:
        client = self._client
        if client is None:
            return
        for _ in range(_READS_A_TURN):
            before = self._count
            self._read(client)
            if self._ended.is_set() or self._client is None:
                break
            if self._count == before and not self._read_already():
                break
        else:
            if self._read_already():
                # What TLS has read already does not make the socket readable again.
                asyncio.get_running_loop().call_soon(self._readable)
        self._flush()

    def _read(self, client: Client) -> None:
        self._reading = True
        try:
            client.loop_read()
        finally:
            self._reading = False

    def _read_already(self) -> bool:
        sock: Any = self._client.socket() if self._client is not None else None
        # Sockets of TLS and WebSockets have it.
        return hasattr(sock, "pending") and sock.pending() > 0

    def _flush(self) -> None:
        """Write what waits; where the broker does not read, go on when it does. What is read is answered
        when it has been read."""
        client = self._client
        if client is None or self._fd < 0 or self._reading:
            return
        if client.want_write():
            client.loop_write()
        if self._fd < 0:
            return
        blocked = client.want_write()
        if not blocked:
            self.waiting = 0
            written, self._written = self._written, []
            for each in written:
                each()
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

    # Messages.

    def send(self, topic: str, payload: bytes, written: Callable[[], None] | None = None) -> None:
        """Send a message with QoS 0. `written` is called when it is written."""
        client = self._client
        if client is None:
            return
        if written is not None:
            self._written.append(written)
        client.publish(topic, payload)
        self.waiting += 1
        self._flush()

    async def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> Any:
        """Send a message, and return the reason code of its acknowledgement; with QoS 0 once it is written.
        Raises `ConnectionFailed` and `TooLong`."""
        client = self._client
        if client is None:
            raise self._failure or ConnectionFailed(Text("the connection ended"))
        if self._most is not None and len(topic.encode()) + len(payload) + _HEADER > self._most:
            raise TooLong(self._most)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        info = client.publish(topic, payload, qos, retain)
        self._acknowledged[info.mid] = future
        try:
            self._flush()
            return await future
        finally:
            self._acknowledged.pop(info.mid, None)
