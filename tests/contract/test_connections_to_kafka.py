"""Connections to a real Kafka: authentication, what it refuses, brokers that it names, downlinks."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.certificates import write_pair, write_signed
from tests.contract.test_connections_to_tables import connected, message
from veldnet.connections import ConnectionTransport, Incoming
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
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


async def test_two_brokers_over_tls(tmp_path: Path) -> None:
    from tests.kafka_server import PASSWORD, USER, KafkaServer, Tls

    authority, foreign = (write_pair(_made(tmp_path / name), name=name) for name in ("ours", "foreign"))
    client = write_signed(tmp_path / "client", authority, USER)
    first = KafkaServer(
        tmp_path / "first", Tls(write_signed(tmp_path / "1", authority, "one.example"), authority)
    )
    await asyncio.to_thread(first.start)
    second = KafkaServer(
        tmp_path / "second", Tls(write_signed(tmp_path / "2", authority, "two.example"), authority), first
    )
    await asyncio.to_thread(second.start)
    await _topic(first.port, "things")
    right = ConnectionSettings(
        type="KAFKA",
        address=f"kafkas://127.0.0.1:{first.sasl_port}",
        username=USER,
        ca_certificate=authority.certificate.read_text(),
        client_certificate=client.certificate.read_text(),
        options={"messageTopic": "things", "mechanism": "SCRAM-SHA-512"},
    )
    secrets = ConnectionSecrets(password=PASSWORD, client_key=client.key.read_text())
    wrong = replace(secrets, password="wrong")
    try:
        for settings, private, words in (
            (replace(right, ca_certificate=foreign.certificate.read_text()), secrets, "is not accepted"),
            (replace(right, client_certificate=""), replace(secrets, client_key=""), ""),
            (right, wrong, "refused user name or password"),
        ):
            async with connected(settings, secrets=private, within=20.0) as transport:
                outcome = await transport.deliver(message(1))
                assert not outcome.delivered and words in str(outcome.error), outcome
        async with connected(right, secrets=secrets, within=20.0) as transport:
            # Devices are spread over the partitions of both brokers; one of them goes away in the middle.
            await _deliver(transport, range(40))
            await asyncio.to_thread(second.stop)
            await _deliver(transport, range(40, 80))
        assert await _numbers(first.port, "things") == set(range(80))
    finally:
        # Read above: where something else went wrong, that is what is said.
        await asyncio.to_thread(second.stop)
        await asyncio.to_thread(first.stop)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _deliver(transport: ConnectionTransport, numbers: Iterable[int]) -> None:
    """As the ledger does: each until it is delivered."""

    async def one(number: int) -> None:
        values = {"DevEUI": f"{number:016X}", "FPort": "1"}
        sent = replace(message(number, f'{{"n": {number}}}'), values=values)
        while not (await transport.deliver(sent)).delivered:
            await asyncio.sleep(0.1)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(one, numbers))


async def _topic(port: int, name: str) -> None:
    """A topic whose partitions are at both brokers."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}")
    await admin.start()
    while len((await admin.describe_cluster())["brokers"]) < 2:
        await asyncio.sleep(0.1)
    made = NewTopic(name, 4, 2, topic_configs={"min.insync.replicas": "1"})
    await admin.create_topics([made])
    await admin.close()


async def _numbers(port: int, name: str) -> set[int]:
    """What is in a topic now."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        name,
        bootstrap_servers=f"127.0.0.1:{port}",
        auto_offset_reset="earliest",
        # Which broker leads a partition may be news that has not come round yet.
        metadata_max_age_ms=500,
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: set[int] = set()
        for _ in range(sum(ends.values())):
            record = await asyncio.wait_for(consumer.getone(), 20)
            found.add(json.loads(record.value)["n"])
        return found
    finally:
        await consumer.stop()


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
