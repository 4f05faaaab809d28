"""Servers that take some messages only, end the connection at others, or acknowledge nothing: one message
holds up no other, and none is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from msgspec.structs import replace
from nats.aio.client import Client
from nats.js.api import StreamConfig

from tests.brokers import MqttApplication, NatsApplication
from tests.contract.test_connections import Flows, counters, flowing
from tests.contract.test_connections_to_tables import connected, message
from tests.nats_server import NatsServer
from veldnet.connections.kinds import nats
from veldnet.domain.flows import ConnectionSettings, FlowSettings

# Makes the third message of a device longer than those servers take.
LONG_THIRD = FlowSettings(
    transformation="{DevEUI_uplink: {DevEUI: DevEUI_uplink.DevEUI, FCntUp: DevEUI_uplink.FCntUp, "
    "more: DevEUI_uplink.FCntUp == `3` && DevEUI_uplink || `null`}}"
)
# The same of several in a row.
LONG_ROW = FlowSettings(
    transformation="{DevEUI_uplink: {DevEUI: DevEUI_uplink.DevEUI, FCntUp: DevEUI_uplink.FCntUp, "
    "more: DevEUI_uplink.FCntUp > `2` && DevEUI_uplink.FCntUp < `9` && DevEUI_uplink || `null`}}"
)
SHORT = 700


async def _all_but_the_long_ones(network: Flows, settings: ConnectionSettings, words: str) -> str | None:
    """Messages of three devices, two of which have a long one; returns why these are set aside."""
    ref = await network.connection(settings, LONG_THIRD)
    for each in (1, 2, 3):
        await network.hear(1, ref=each)
    await network.until(lambda: network.deliveries.pending == 0)
    await network.hear(2, 3, 4)
    await network.hear(2, 3, 4, ref=2)
    await network.hear(*range(4, 30), ref=3)
    await network.until(lambda: network.deliveries.pending == 0)
    condition = network.open_connections.conditions[ref]
    assert (condition.status, condition.delivered) == ("ACTIVE", 3 + 2 * 2 + 26)
    listed = await network.listed()
    assert len(listed) == 2 and all(words in str(each.last_error) for each in listed)
    (reason,) = {each.reason for each in listed}
    return reason


@pytest.mark.parametrize(
    ("version", "reason", "words"),
    [
        ("5", "refused", f"takes messages of {SHORT} octets at most"),
        # It has no way to say so.
        ("3.1.1", "refusedRepeatedly", "ends the connection at this message"),
    ],
)
async def test_a_broker_that_takes_short_packets_only(
    version: str, reason: str, words: str, tmp_path: Path
) -> None:
    application = MqttApplication(tmp_path / "broker", version, f"max_packet_size {SHORT}")
    await application.start()
    async with flowing(tmp_path) as network:
        assert await _all_but_the_long_ones(network, application.settings, words) == reason
        for each in (1, 2):
            await network.until(lambda ref=each: counters(application.bodies, ref) == [1, 2, 4])  # type: ignore[misc]
        await network.until(lambda: counters(application.bodies, 3) == [1, *range(4, 30)])
    await application.close()


# With a limit of messages the broker acknowledges those of MQTT 3.1.1 that it drops.
@pytest.mark.parametrize(("version", "limit"), [("3.1.1", "max_packet_size"), ("5", "message_size_limit")])
async def test_long_messages_of_the_only_device(version: str, limit: str, tmp_path: Path) -> None:
    application = MqttApplication(tmp_path / "broker", version, f"{limit} {SHORT}")
    await application.start()
    async with flowing(tmp_path) as network:
        ref = await network.connection(application.settings, LONG_ROW)
        await network.hear(1)
        await network.until(lambda: network.deliveries.pending == 0)
        await network.hear(*range(2, 9))
        # Nothing else says that they are at fault.
        condition = network.open_connections.conditions[ref]
        await network.until(lambda: condition.status == "ERROR")
        await network.hear(9, 10)
        await network.until(lambda: network.deliveries.pending == 0)
        assert condition.status == "ACTIVE"
        await network.until(lambda: counters(application.bodies, 1) == [1, 2, 9, 10])
        assert [each.reason for each in await network.listed()] == ["refusedRepeatedly"] * 6
    await application.close()


@pytest.mark.parametrize("limit", ["of the server", "of the stream"])
async def test_a_stream_that_takes_short_messages_only(limit: str, tmp_path: Path) -> None:
    of_server = limit == "of the server"
    config = f'jetstream {{ store_dir: "{tmp_path}/stream" }}'
    server = NatsServer(f"{config}\nmax_payload: {SHORT}" if of_server else config)
    client = Client()
    await client.connect(server.url)
    most = -1 if of_server else SHORT
    await client.jetstream().add_stream(StreamConfig(name="things", subjects=["things.>"], max_msg_size=most))
    await client.close()
    settings = ConnectionSettings(type="NATS", address=server.url, topic="things/{DevEUI}/up")
    async with flowing(tmp_path) as network:
        words = "longer than the stream or the server takes"
        assert await _all_but_the_long_ones(network, settings, words) == "refused"
    server.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_process_that_stood_still_until_nats_gave_it_up(run: Callable[..., Any], tmp_path: Path) -> None:
    server = NatsServer(f'ping_interval: "1s"\nping_max: 1\njetstream {{ store_dir: "{tmp_path}/stream" }}')

    async def story() -> None:
        client = Client()
        await client.connect(server.url)
        await client.jetstream().add_stream(StreamConfig(name="things", subjects=["things.>"]))
        await client.close()
        settings = ConnectionSettings(type="NATS", address=server.url, topic="things/{DevEUI}/up")
        async with connected(settings) as transport:
            assert (await transport.deliver(message(1, '{"n": 1}'))).delivered

            async def deliver() -> None:
                """Something waits to be sent whenever the connection ends."""
                for _number in range(3000):
                    await transport.deliver(message(2, '{"n": 2}'))
                    await asyncio.sleep(0.001)

            delivering = [asyncio.create_task(deliver()) for _number in range(20)]
            await asyncio.sleep(0.05)
            # As SIGSTOP: no other task of this loop goes on.
            time.sleep(5)  # noqa: ASYNC251
            await asyncio.sleep(0.5)
            for each in delivering:
                each.cancel()
            # The client swallows a cancellation now and then.
            await asyncio.wait(delivering, timeout=1)
            async with asyncio.timeout(10):
                while not (await transport.deliver(message(3, '{"n": 3}'))).delivered:
                    await asyncio.sleep(0.05)

    try:
        run(story())
    finally:
        server.close()


async def test_messages_while_what_is_left_of_a_session_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are tried again: it takes seconds where the other side is gone."""
    closing, closed, close = asyncio.Event(), asyncio.Event(), nats._close

    async def slowly(client: Client) -> None:
        closing.set()
        await closed.wait()
        await close(client)

    monkeypatch.setattr(nats, "_close", slowly)
    application = NatsApplication(tmp_path / "stream")
    await application.start()
    async with connected(application.settings) as transport:
        assert (await transport.deliver(message(1, '{"n": 1}'))).delivered
        await application.go_away()
        await asyncio.wait_for(closing.wait(), 20)
        outcome = await transport.deliver(message(2, '{"n": 2}'))
        assert (outcome.delivered, outcome.refusal) == (False, None), outcome
        closed.set()
        await application.come_back()
        while not (await transport.deliver(message(2, '{"n": 2}'))).delivered:
            await asyncio.sleep(0.05)
    await application.close()


class Silencer:
    """Between a client of MQTT and its broker: leaves out acknowledgements of messages while `silent`."""

    def __init__(self, port: int) -> None:
        self.port, self.silent, self.connections = port, True, 0

    async def handle(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        self.connections += 1
        far, to_far = await asyncio.open_connection("127.0.0.1", self.port)
        with suppress(OSError, EOFError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._copy(near, to_far))
                tasks.create_task(self._answers(far, to_near))
        for writer in (to_near, to_far):
            writer.close()

    @staticmethod
    async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while octets := await source.read(4096):
            target.write(octets)
        target.close()

    async def _answers(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while header := await source.read(1):
            length, shift, octets = 0, 0, header
            while True:
                octets += (more := await source.readexactly(1))
                length |= (more[0] & 0x7F) << shift
                shift += 7
                if more[0] < 0x80:
                    break
            octets += await source.readexactly(length)
            # PUBACK is the packet of type 4.
            if not (self.silent and header[0] >> 4 == 4):
                target.write(octets)
        target.close()


@asynccontextmanager
async def _silenced(port: int) -> AsyncIterator[tuple[Silencer, int]]:
    silencer = Silencer(port)
    server = await asyncio.start_server(silencer.handle, "127.0.0.1", 0)
    yield silencer, server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_broker_that_acknowledges_nothing_for_a_while(version: str, tmp_path: Path) -> None:
    application = MqttApplication(tmp_path / "broker", version)
    await application.start()
    async with _silenced(application.port) as (silencer, port), flowing(tmp_path) as network:
        ref = await network.connection(replace(application.settings, address=f"mqtt://127.0.0.1:{port}"))
        condition = network.open_connections.conditions[ref]
        await network.until(lambda: condition.status == "ACTIVE")
        for each in (1, 2, 3):
            # More than may be under way without an acknowledgement.
            await network.hear(*range(1, 11), ref=each)
        await network.until(lambda: condition.status == "ERROR")
        assert "does not acknowledge" in str(condition.reason)
        # Another connection alone does not make it one that works.
        before = silencer.connections
        await network.until(lambda: silencer.connections > before)
        assert (condition.status, condition.delivered) == ("ERROR", 0)
        silencer.silent = False
        await network.until(lambda: network.deliveries.pending == 0)
        assert (condition.status, condition.reason, condition.delivered) == ("ACTIVE", None, 30)
        assert not await network.listed()
        for each in (1, 2, 3):
            assert counters(application.bodies, each) == list(range(1, 11))
    await application.close()
