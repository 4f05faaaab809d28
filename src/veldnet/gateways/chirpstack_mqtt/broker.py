"""The connection to a broker: made again and again, read on the event loop, never waited for."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from .messages import LONGEST_MESSAGE

log = structlog.get_logger(__name__)

_KEEP_ALIVE = 30
_TIMEOUT = 5.0
# Seconds between two looks at the keep-alive.
_TICK = 2.0
# Seconds between two tries, twice as long each time.
_SOONEST, _LATEST = 1.0, 30.0
_MESSAGES_A_TURN = 16
# Commands that wait for a broker that does not read.
_MOST_WAITING = 256
_SECURE = {"mqtt": False, "tcp": False, "mqtts": True, "ssl": True}


class BrokerOptions(msgspec.Struct, frozen=True):
    """How to connect to a broker, and what to subscribe to."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str = ""
    password: str = ""
    client_id: str = ""
    version: str = "5"
    filters: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtt' if self.tls is None else 'mqtts'}://{host}:{self.port}"


class BadAddress(ValueError):
    """Not the address of a broker; the text says what would be one."""


def parse_address(text: str) -> tuple[str, int, bool]:
    """Host, port, and whether over TLS. Raises `BadAddress`."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"{text!r} is no address: {error}") from None
    secure = _SECURE.get(parts.scheme)
    if secure is None or not parts.hostname or parts.username is not None or parts.path not in ("", "/"):
        raise BadAddress("write mqtt://HOST:1883, or mqtts://HOST:8883 for TLS; user and password apart")
    return parts.hostname, port or (8883 if secure else 1883), secure


class Broker:
    """`received(broker, topic, payload, retained)` is called for each message; `changed(broker)` when the
    connection has come or gone; `caught` is told of defects, and `failed` why there is no connection."""

    def __init__(
        self,
        options: BrokerOptions,
        received: Callable[[Broker, str, bytes, bool], None],
        changed: Callable[[Broker], None],
        caught: Callable[[str, BaseException], None],
        failed: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self.name = options.name
        self.connected = False
        # Why it is not connected, in words, and since when by the clock of the loop.
        self.problem: str | None = "not connected yet"
        self.since = 0.0
        self._options = options
        self._received = received
        self._changed = changed
        self._caught = caught
        self._failed = failed
        self._client_id = options.client_id or f"veldnet-{secrets.token_hex(6)}"
        self._client: Client | None = None
        self._fd = -1
        self._count = 0
        self._waiting = 0
        # To be called once the socket has taken what waits.
        self._written: list[Callable[[], None]] = []
        # Whether the socket takes nothing now.
        self._blocked = False
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Connect, and connect again, until this is cancelled."""
        self.since = asyncio.get_running_loop().time()
        pause = _SOONEST
        while True:
            try:
                if await self._session():
                    pause = _SOONEST
            except (OSError, ValueError) as error:
                self._lost(f"{error}" or type(error).__name__)
            except Exception as error:
                self._caught("the connection to a broker", error)
                self._lost("a defect, which the log tells of")
            finally:
                self._close()
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not for keys
            pause = min(pause * 2, _LATEST)

    async def _session(self) -> bool:
        """One connection from its beginning to its end; returns whether there was one."""
        self._ended = asyncio.Event()
        client = self._new_client()
        options = self._options
        arguments: dict[str, Any] = {"keepalive": _KEEP_ALIVE}
        if options.version == "5":
            limits = Properties(PacketTypes.CONNECT)
            limits.MaximumPacketSize = 2 * LONGEST_MESSAGE
            arguments |= {"clean_start": True, "properties": limits}
        # It looks the name up and shakes hands, and blocks meanwhile.
        await asyncio.to_thread(client.connect, options.host, options.port, **arguments)
        self._client = client
        sock = client.socket()
        if sock is None:
            raise OSError("the broker closed the connection")
        if isinstance(sock, socket.socket):
            # A downlink does not wait until the broker has acknowledged the one before.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._fd = sock.fileno()
        client.on_socket_close = self._socket_closed
        asyncio.get_running_loop().add_reader(self._fd, self._readable)
        self._flush()
        return await self._hold(client)

    async def _hold(self, client: Client) -> bool:
        opening = asyncio.get_running_loop().time() + _TIMEOUT
        was_connected = False
        while not self._ended.is_set():
            try:
                # `wait_for` may swallow the cancellation of this task.
                async with asyncio.timeout(_TICK):
                    await self._ended.wait()
            except TimeoutError:
                client.loop_misc()
            was_connected = was_connected or self.connected
            if not was_connected and asyncio.get_running_loop().time() > opening:
                raise OSError("the broker does not answer")
        return was_connected

    def _new_client(self) -> Client:
        options = self._options
        five = options.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=None if five else True,
            protocol=MQTTv5 if five else MQTTv311,
        )
        client.connect_timeout = _TIMEOUT
        if options.tls is not None:
            client.tls_set_context(options.tls)
        if options.username:
            client.username_pw_set(options.username, options.password or None)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    # What the client tells, all of it on the event loop.

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._lost(f"the broker refused the connection: {reason}")
            return
        if self._options.version == "5":
            client.subscribe([(each, SubscribeOptions(qos=0)) for each in self._options.filters])
        else:
            client.subscribe([(each, 0) for each in self._options.filters])

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is not None:
            self._lost(f"the broker refused a subscription: {refused}")
            self._ended.set()
            return
        self.connected, self.problem = True, None
        log.info("broker_connected", broker=self.name)
        self._changed(self)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        # Why it was refused says more than that it is over.
        self._lost(f"the connection ended: {reason}" if self.connected or self.problem is None else None)
        self._ended.set()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._count += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._received(self, topic, bytes(message.payload), message.retain)

    def _lost(self, why: str | None) -> None:
        if why is not None and why != self.problem:
            self.problem = why
            log.warning("broker_not_connected", broker=self.name, error=why)
            self._failed(why)
        if self.connected:
            self.connected = False
            self.since = asyncio.get_running_loop().time()
            self._changed(self)

    # The socket.

    def _readable(self) -> None:
        client = self._client
        if client is None:
            return
        for _ in range(_MESSAGES_A_TURN):
            before = self._count
            client.loop_read()
            if self._ended.is_set() or (self._count == before and not self._undelivered()):
                break
        else:
            if self._undelivered():
                # What TLS has read already does not make the socket readable again.
                asyncio.get_running_loop().call_soon(self._readable)
        self._flush()

    def _undelivered(self) -> bool:
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
        if not blocked:
            self._waiting = 0
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

    def publish(self, topic: str, payload: bytes, written: Callable[[], None] | None = None) -> bool:
        """Send a message; False where the broker takes none now. `written` is called when it is written."""
        client = self._client
        if client is None or not self.connected or self._waiting >= _MOST_WAITING:
            return False
        if written is not None:
            self._written.append(written)
        client.publish(topic, payload)
        self._waiting += 1
        self._flush()
        return True

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None and (sock := client.socket()) is not None:
            client.on_disconnect = None
            # It is written at once, and the socket closed, where the broker still reads.
            client.disconnect()
            self._socket_closed(client, None, sock)
            sock.close()
        self._waiting = 0
        self._written.clear()
        self._lost("the connection was closed" if self.connected else None)
