"""A connection to an application by itself, without a ledger: what a benchmark measures."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from veldnet.connections import KINDS, Connection, ConnectionTransport, Outgoing, Surroundings
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import Resolver
from veldnet.supervision import Supervisor

_DEV_EUI = "0059AC0000000001"
_VALUES = {
    "DevEUI": _DEV_EUI,
    "devEui": _DEV_EUI.lower(),
    "deviceId": f"eui-{_DEV_EUI.lower()}",
    "deviceName": "Cellar",
    "FPort": "3",
    "event": "uplink",
    "message": "DevEUI_uplink",
}
# A server may be busy with others.
_CONNECT_WITHIN = 10.0


class LoneConnection:
    """Sends uplinks of one device."""

    def __init__(self, transport: ConnectionTransport, connection: Connection) -> None:
        self._transport = transport
        self._values = {**_VALUES, **connection.known}

    async def deliver(self, number: int, body: bytes) -> str | None:
        """Deliver a message; returns why that failed."""
        now = time.time()
        message = Outgoing("uplink", self._values, body, now, number, round(now * 1000))
        outcome = await self._transport.deliver(message)
        return None if outcome.delivered else str(outcome.error)


@asynccontextmanager
async def lone_connection(
    settings: ConnectionSettings, secrets: ConnectionSecrets
) -> AsyncIterator[LoneConnection]:
    """A connection while it is needed."""
    around = Surroundings(
        True,
        Resolver(allow_private=True),
        Supervisor(),
        time.time,
        lambda _incoming: None,
        lambda _ref: None,
        connect_timeout=_CONNECT_WITHIN,
    )
    connection = Connection(1, 1, "100000001", "alone", True, settings, secrets)
    transport = KINDS[settings.type].make(connection, around)
    transport.start()
    try:
        yield LoneConnection(transport, connection)
    finally:
        await transport.close()


def type_of(address: str) -> str:
    """The first type of connection whose addresses begin so, or the beginning."""
    scheme = address.partition("://")[0].lower()
    return next((kind.type for kind in KINDS.values() if scheme in kind.beginnings), scheme)
