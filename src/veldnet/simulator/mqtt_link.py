"""A virtual base station's connection to a real broker, as ChirpStack's MQTT Forwarder makes it."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from .base_station import BaseStation
from .mqtt_forwarder import MqttForwarder

# Seconds between two statistics, as the program has them by default.
_STATISTICS_EVERY = 30.0


class LinkRefused(Exception):
    """The broker does not let the base station in; the message is its reason."""


class MqttLink(MqttForwarder):
    """A forwarder that is connected. The client reads in a thread of its own, as the program does; everything
    else is done on the event loop."""

    def __init__(
        self,
        station: BaseStation,
        rng: random.Random,
        clock: Callable[[], float] = time.time,
        *,
        prefix: str = "eu868",
        as_json: bool = False,
    ) -> None:
        super().__init__(station, rng, clock, prefix=prefix, as_json=as_json)
        self._loop = asyncio.get_running_loop()
        self._client: Client | None = None
        self.connected = asyncio.Event()
        self._refusal: str | None = None
        self._telling: asyncio.Task[None] | None = None

    async def connect(
        self,
        host: str,
        port: int,
        *,
        version: str = "5",
        credentials: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        again: bool = True,
    ) -> None:
        """Connect to a broker, and `again` where it goes; returns when commands arrive from now on. Raises
        `LinkRefused`."""
        protocol = MQTTv5 if version == "5" else MQTTv311
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, self.name, protocol=protocol, reconnect_on_failure=again
        )
        client.will_set(f"{self.base}/state/conn", self.state("OFFLINE"), retain=True)
        client.reconnect_delay_set(1, 2)
        if credentials is not None:
            client.username_pw_set(*credentials)
        if tls is not None:
            client.tls_set_context(tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        await asyncio.to_thread(client.connect, host, port, 30)
        client.loop_start()
        async with asyncio.timeout(10):
            await self.connected.wait()
        if self._refusal is not None:
            raise LinkRefused(self._refusal)

    # In the client's thread.

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, *_told: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            self._loop.call_soon_threadsafe(self.connected.set)
            return
        client.subscribe(f"{self.base}/command/+")

    def _on_subscribe(self, client: Client, *_told: Any) -> None:
        client.publish(f"{self.base}/state/conn", self.state("ONLINE"), retain=True)
        self._loop.call_soon_threadsafe(self.connected.set)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._loop.call_soon_threadsafe(self.command, message.topic, bytes(message.payload))

    def publish(self, kind: str, payload: bytes) -> None:
        if self._client is not None:
            self._client.publish(f"{self.base}/{kind}", payload)

    def keep_telling(self) -> None:
        """Tell statistics now and every half minute, as the program does."""
        self._telling = self._loop.create_task(self._tell())

    async def _tell(self) -> None:
        while True:
            self.tell_statistics()
            await asyncio.sleep(_STATISTICS_EVERY)

    async def close(self) -> None:
        """Leave, as the program does when it is stopped."""
        if self._telling is not None:
            self._telling.cancel()
        client, self._client = self._client, None
        if client is not None:
            client.publish(f"{self.base}/state/conn", self.state("OFFLINE"), retain=True)
            await asyncio.to_thread(_leave, client)


def _leave(client: Client) -> None:
    client.disconnect()
    client.loop_stop()
