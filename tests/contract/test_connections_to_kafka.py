"""Connections to a real Kafka: authentication, what it refuses, brokers that it names, downlinks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.contract.test_connections_to_tables import connected, message
from veldnet.connections import Incoming
from veldnet.domain.flows import ConnectionSecrets
from veldnet.outgoing import Address, AddressRefused, Resolver

if TYPE_CHECKING:
    from tests.kafka_server import KafkaApplication

pytestmark = pytest.mark.skipif(
    "TEST_CONNECTIONS" not in os.environ, reason="Kafka takes seconds: make test-connections"
)


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[KafkaApplication]:
    from tests.kafka_server import KafkaApplication

    made = KafkaApplication(tmp_path / "kafka")
    await made.start()
    yield made
    await made.close()


class Once(Resolver):
    """Allows the first address of each session, and refuses the one that the cluster names."""

    asked = 0

    async def addresses(self, address: Address) -> list[str]:
        self.asked += 1
        if self.asked % 2 == 0:
            raise AddressRefused("leads to {host}, which is not a public address", host=address.host)
        return [address.host]


async def test_a_cluster(kafka: KafkaApplication) -> None:
    plain = kafka.settings
    named = replace(plain, address=f"kafka://127.0.0.1:{kafka.server.sasl_port}", username="veldnet")
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        settings = replace(named, options=plain.options | {"mechanism": mechanism})
        async with connected(settings, secrets=ConnectionSecrets(password="secret")) as transport:
            outcome = await transport.deliver(message(1, '{"n": 1}'))
            assert outcome.delivered and "offset" in str(outcome.answer), outcome
        async with connected(settings, secrets=ConnectionSecrets(password="wrong")) as transport:
            outcome = await transport.deliver(message(1))
            assert outcome.error == "the cluster refused user name or password", outcome

    async with connected(plain) as transport:
        long = await transport.deliver(message(2, f'"{"x" * 30_000}"'))
        assert (long.refusal, transport.condition.status) == ("never", "ACTIVE"), long
        assert (await transport.deliver(message(3))).delivered
    # A broker that the cluster names is checked as the first one was.
    async with connected(plain, resolver=Once(allow_private=True)) as transport:
        outcome = await transport.deliver(message(4))
        while outcome.error is None or "names a broker" not in outcome.error:
            await asyncio.sleep(0.05)
            outcome = await transport.deliver(message(4))
        assert "not a public address" in outcome.error


async def test_downlinks_wait_in_the_topic(kafka: KafkaApplication) -> None:
    settings = replace(kafka.settings, dialect="THE_THINGS_STACK", downlinks=True, application_id="app")
    taken: list[Incoming] = []

    async def next_of(number: int) -> list[bytes]:
        while len(taken) < number:
            await asyncio.sleep(0.02)
        return [each.body for each in taken]

    await kafka.send("", b"before")
    async with connected(settings, received=taken.append) as transport:
        while transport.condition.status != "ACTIVE":
            await asyncio.sleep(0.02)
        await kafka.send("", b"none", key=b"nobody")
        await kafka.send("", b"1")
        await kafka.send("", b"2")
        assert await next_of(2) == [b"1", b"2"]
        assert taken[0].topic == "v3/app@veldnet/devices/eui-0000000000000001/down/push"
        # The first one is in the queue of its device; then it dies.
        taken[0].done()
        await kafka.committed("veldnet-1", 2)
    await kafka.send("", b"3")
    taken.clear()
    async with connected(settings, received=taken.append):
        assert await next_of(2) == [b"2", b"3"]
