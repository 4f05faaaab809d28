"""The connection to a broker: made again and again, read on the event loop, never waited for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import msgspec
import structlog

from veldnet.outgoing import (
    AddressRefused,
    ConnectionFailed,
    MqttClient,
    MqttMessage,
    MqttOptions,
    Pauses,
    keep,
    masked,
    parse_broker,
    words_of,
)
from veldnet.texts import Text

from .messages import LONGEST_MESSAGE

log = structlog.get_logger(__name__)

_PAUSES = Pauses(1.0, 30.0)
# Commands that wait for a broker that does not read.
_MOST_WAITING = 256
_SECURE = {"mqtts": 8883, "ssl": 8883}
_SCHEMES = (("mqtt", 1883), ("tcp", 1883), *_SECURE.items())
_FORM = "write mqtt://HOST:1883, or mqtts://HOST:8883 for TLS; user and password apart"


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

    @property
    def mqtt(self) -> MqttOptions:
        return MqttOptions(
            client_id=self.client_id,
            version=self.version,
            username=self.username,
            password=self.password,
            tls=self.tls,
            filters=self.filters,
            longest=2 * LONGEST_MESSAGE,
        )


class BadAddress(ValueError):
    """Not the address of a broker; the text says what would be one."""


def parse_address(text: str) -> tuple[str, int, bool]:
    """Host, port, and whether over TLS. Raises `BadAddress`."""
    try:
        parsed = parse_broker(text, _SCHEMES)
    except AddressRefused as error:
        raise BadAddress(f"{masked(text)!r} {error}; {_FORM}") from None
    return parsed.host, parsed.port, parsed.scheme in _SECURE


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
        self.problem: str | None = Text("not connected yet")
        self.since = 0.0
        self._options = options
        self._received = received
        self._changed = changed
        self._caught = caught
        self._failed = failed
        self._client: MqttClient | None = None

    async def run(self) -> None:
        """Connect, and connect again, until this is cancelled."""
        self.since = asyncio.get_running_loop().time()
        await keep(self._session, _PAUSES)

    async def _session(self) -> bool:
        """One connection from its beginning to its end; returns whether there was one."""
        self._client = MqttClient(self._options.mqtt, self)
        why: str = Text("the connection was closed")
        try:
            await self._client.run([self._options.host], self._options.port)
        except (OSError, ValueError, ConnectionFailed) as error:
            why = words_of(error)
        except Exception as error:
            self._caught("the connection to a broker", error)
            why = Text("a defect, which the log tells of")
        finally:
            self._client = None
            was_connected = self.connected
            self._lost(why)
        return was_connected

    # What the client tells.

    def up(self) -> None:
        self.connected, self.problem = True, None
        log.info("broker_connected", broker=self.name)
        self._changed(self)

    def message(self, message: MqttMessage) -> None:
        self._received(self, message.topic, message.payload, message.retained)

    def _lost(self, why: str) -> None:
        if why != self.problem:
            self.problem = why
            log.warning("broker_not_connected", broker=self.name, error=why)
            self._failed(why)
        if self.connected:
            self.connected = False
            self.since = asyncio.get_running_loop().time()
            self._changed(self)

    def publish(self, topic: str, payload: bytes, written: Callable[[], None] | None = None) -> bool:
        """Send a message; False where the broker takes none now. `written` is called when it is written."""
        client = self._client
        if client is None or not self.connected or client.waiting >= _MOST_WAITING:
            return False
        client.send(topic, payload, written)
        return True
