"""The uplinks of another network server, from the broker that it publishes its events at."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec

from veldnet.outgoing import (
    AddressRefused,
    ConnectionFailed,
    MqttClient,
    MqttMessage,
    MqttOptions,
    Pauses,
    keep,
    parse_broker,
    words_of,
)

_SCHEMES = (("mqtts", 8883), ("mqtt", 1883))
_PAUSES = Pauses(0.5, 15.0)
_LONGEST = 1 << 20


class BadBroker(Exception):
    """A broker cannot be connected to with what was given; the text says why."""


class BrokerAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A broker's URL such as mqtts://HOST:8883, the topics to subscribe to, how to connect; `authority` is a
    file of certificates, where those of the system will not do."""

    url: str
    topic: str
    join_topic: str = ""
    username: str = ""
    password: str = ""
    authority: Path | None = None
    version: str = "3.1.1"


class EventBroker:
    """Stays connected. `received` is called with each message, `changed` with why there is no connection,
    None where there is one. `run` raises `BadBroker` where the first connection fails."""

    def __init__(
        self,
        access: BrokerAccess,
        received: Callable[[bytes], None],
        changed: Callable[[str | None], None],
    ) -> None:
        """Raises `BadBroker`."""
        try:
            address = parse_broker(access.url, _SCHEMES)
        except AddressRefused as error:
            raise BadBroker(f"--mqtt {access.url[:80]!r}: {error}") from None
        secure = address.scheme == "mqtts"
        try:
            tls = ssl.create_default_context(cafile=access.authority) if secure else None
        except OSError as error:
            raise BadBroker(f"--mqtt-ca {access.authority} cannot be used: {error}") from None
        self._host, self._port = address.host, address.port
        self._options = MqttOptions(
            version=access.version,
            username=access.username,
            password=access.password,
            tls=tls,
            filters=tuple(filter(None, (access.topic, access.join_topic))),
            longest=_LONGEST,
        )
        self._received, self._changed = received, changed
        self._was_up = False

    async def run(self) -> None:
        await keep(self._session, _PAUSES)

    async def _session(self) -> bool:
        try:
            await MqttClient(self._options, self).run([self._host], self._port)
        except (OSError, ValueError, ConnectionFailed) as error:
            if not self._was_up:
                raise BadBroker(f"{self._host}:{self._port}: {words_of(error)}") from None
            self._changed(str(words_of(error)))
        return self._was_up

    # What the client tells.

    def up(self) -> None:
        self._was_up = True
        self._changed(None)

    def message(self, message: MqttMessage) -> None:
        message.done()
        if not message.retained:
            self._received(message.payload)
