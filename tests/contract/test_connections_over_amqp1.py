"""Connections over AMQP 1.0 to a real RabbitMQ, with TLS and without, and to what is no broker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.brokers import Amqp1Application
from tests.certificates import Pair, write_pair, write_signed
from tests.contract.test_connections_to_tables import connected, message
from veldnet.connections import Incoming
from veldnet.domain.flows import ConnectionSecrets

pytestmark = pytest.mark.skipif(
    "TEST_CONNECTIONS" not in os.environ, reason="RabbitMQ takes seconds: make test-connections"
)
GUEST = ConnectionSecrets(password="guest")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Amqp1Application]:
    made = Amqp1Application(tmp_path / "broker", write_pair(tmp_path))
    await made.start()
    yield made
    await made.close()


async def test_reasons(broker: Amqp1Application) -> None:
    plain = broker.settings
    guest = replace(plain, username="guest")
    async with connected(guest, secrets=GUEST) as transport:
        assert (await transport.deliver(message(1))).delivered
    missing = plain.options | {"target": "/exchange/none"}
    for settings, secrets, words in (
        (guest, ConnectionSecrets(password="wrong"), "refused user name or password"),
        (replace(plain, options=missing), None, "no such queue or topic: NOT_FOUND - no exchange 'none'"),
        (replace(plain, address=f"amqp://127.0.0.1:{broker.tls_port}"), None, "wants TLS"),
    ):
        # RabbitMQ says nothing for three seconds after a wrong password.
        async with connected(settings, secrets=secrets, within=5.0) as transport:
            outcome = await transport.deliver(message(1))
            assert words in str(outcome.error), outcome
    async with connected(plain, private=False) as transport:
        assert "not a public address" in str((await transport.deliver(message(1))).error)


@pytest.mark.parametrize("kind", ["AMQP", "AMQP1"])
async def test_client_certificates(kind: str, broker: Amqp1Application, tmp_path: Path) -> None:
    authority = Pair(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    pair = write_signed(tmp_path / "client", authority, "veldnet")
    right = replace(
        broker.settings,
        type=kind,
        address=f"amqps://127.0.0.1:{broker.tls_port}",
        username="guest",
        ca_certificate=authority.certificate.read_text(),
        client_certificate=pair.certificate.read_text(),
        options=broker.settings.options if kind == "AMQP1" else {},
    )
    own = replace(GUEST, client_key=pair.key.read_text())
    async with connected(right, secrets=own) as transport:
        outcome = await transport.deliver(message(1))
        assert outcome.delivered, outcome
    for settings, words in (
        (replace(right, client_certificate=""), ""),
        (replace(right, ca_certificate=""), "certificate of the server is not accepted"),
    ):
        secrets = own if settings.client_certificate else GUEST
        async with connected(settings, secrets=secrets) as transport:
            outcome = await transport.deliver(message(1))
            assert not outcome.delivered and words in str(outcome.error), outcome


async def test_downlinks_wait_in_the_queue(broker: Amqp1Application) -> None:
    settings = replace(broker.settings, dialect="THE_THINGS_STACK", downlinks=True, application_id="app")
    taken: list[Incoming] = []

    async def bodies(number: int) -> list[bytes]:
        while len(taken) < number:
            await asyncio.sleep(0.02)
        return [each.body for each in taken]

    assert await broker.waiting("downlinks") == 0
    async with connected(settings, received=taken.append) as transport:
        assert (await transport.deliver(message(1))).delivered
        for body, subject in ((b"none", "nobody"), (b"1", "0000000000000001"), (b"2", "0000000000000001")):
            await asyncio.to_thread(broker.send_to, "downlinks", body, subject)
        assert await bodies(2) == [b"1", b"2"]
        assert taken[0].topic == "v3/app@veldnet/devices/eui-0000000000000001/down/push"
        # The first one is in the queue of its device; the connection ends before the second one is.
        taken[0].done()
    taken.clear()
    await asyncio.to_thread(broker.send_to, "downlinks", b"3", "0000000000000001")
    async with connected(settings, received=taken.append):
        assert sorted(await bodies(2)) == [b"2", b"3"]
        for each in taken:
            each.done()
    assert await broker.waiting("downlinks") == 0


async def test_downlinks_of_artemis(tmp_path: Path) -> None:
    from tests.artemis_server import ArtemisApplication

    artemis = ArtemisApplication(tmp_path / "artemis")
    await artemis.come_back()
    taken: list[Incoming] = []
    settings = replace(artemis.settings, downlinks=True)
    async with connected(settings, received=taken.append, within=10.0) as transport:
        assert (await transport.deliver(message(1))).delivered
        for body in (b"1", b"2"):
            await asyncio.to_thread(artemis.send, body, "0000000000000001")
        while len(taken) < 2:
            await asyncio.sleep(0.02)
        # The first one is in the queue of its device; the connection ends before the second one is.
        taken[0].done()
    taken.clear()
    async with connected(settings, received=taken.append, within=10.0):
        while not taken:
            await asyncio.sleep(0.02)
        assert [each.body for each in taken] == [b"2"]
        taken[0].done()
    await artemis.go_away()


async def test_many_at_once_and_long_ones(broker: Amqp1Application) -> None:
    async with connected(broker.settings) as transport:
        sent = [transport.deliver(message(n, f'{{"n": {n}, "x": "{"x" * 50_000}"}}')) for n in range(200)]
        assert all(outcome.delivered for outcome in await asyncio.gather(*sent))
    while len(broker.bodies) < 200:
        await asyncio.sleep(0.02)
    assert [body["n"] for body in broker.bodies] == list(range(200))
