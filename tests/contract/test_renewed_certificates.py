"""Servers of connections whose certificates change: renewed while connected, expired, for another name, of
another authority. Nothing is lost, and the connection says what is wrong."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from nats.aio.client import Client

from tests.brokers import AmqpApplication
from tests.certificates import Pair, write_pair, write_signed
from tests.contract.test_connections import Flows, flowing
from tests.mosquitto import Broker, free_port
from tests.nats_server import NatsServer
from tests.postgresql import PostgresServer
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.store.schema import connections


class Secured:
    """A server with TLS, whose certificate is in the folder `own`."""

    settings: ConnectionSettings
    secrets: ConnectionSecrets | None = None

    async def prepare(self, authority: str) -> None:
        """Have it take messages."""

    async def restart(self) -> None:
        """Come back with the certificate that is there now."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class SecuredMosquitto(Secured):
    def __init__(self, folder: Path, authority: Pair) -> None:
        pair = write_signed(folder / "own", authority, "server.example")
        port = free_port()
        lines = [
            "user root", "log_dest none", "allow_anonymous true", f"listener {port} 127.0.0.1",
            f"certfile {pair.certificate}", f"keyfile {pair.key}",
        ]  # fmt: skip
        self._broker = Broker(folder, "\n".join(lines), port)
        self._broker.start()
        self.settings = ConnectionSettings(
            type="MQTT", address=f"mqtts://127.0.0.1:{port}", topic="things/{DevEUI}"
        )

    async def restart(self) -> None:
        self._broker.stop()
        self._broker.start()

    async def close(self) -> None:
        self._broker.stop()


class SecuredNats(Secured):
    def __init__(self, folder: Path, authority: Pair) -> None:
        pair = write_signed(folder / "own", authority, "server.example")
        tls = f'tls {{ cert_file: "{pair.certificate}", key_file: "{pair.key}" }}'
        self._server = NatsServer(f'{tls}\njetstream {{ store_dir: "{folder}/stream" }}')
        self.settings = ConnectionSettings(
            type="NATS", address=f"tls://127.0.0.1:{self._server.port}", topic="things/{DevEUI}"
        )

    async def prepare(self, authority: str) -> None:
        client = Client()
        await client.connect(self.settings.address, tls=ssl.create_default_context(cadata=authority))
        await client.jetstream().add_stream(name="things", subjects=["things.>"])
        await client.close()

    async def restart(self) -> None:
        self._server.stop()
        self._server.start()

    async def close(self) -> None:
        self._server.close()


class SecuredPostgres(Secured):
    def __init__(self, folder: Path, authority: Pair) -> None:
        pair = write_signed(folder / "own", authority, "server.example")
        self._key, port = pair.key, free_port()
        self._own()
        (folder / "access").write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
        self._server = PostgresServer(
            listen_addresses="'127.0.0.1'", port=str(port), hba_file=f"'{folder}/access'", ssl="on",
            ssl_cert_file=f"'{pair.certificate}'", ssl_key_file=f"'{pair.key}'",
        )  # fmt: skip
        address = f"postgresqls://127.0.0.1:{port}/postgres"
        self.settings = ConnectionSettings(type="POSTGRESQL", address=address, username="veldnet")

    def _own(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self._key, "postgres")

    async def restart(self) -> None:
        self._own()
        self._server.stop()
        self._server.start()

    async def close(self) -> None:
        self._server.remove()


class SecuredRabbit(Secured):
    def __init__(self, folder: Path, authority: Pair) -> None:
        client = write_signed(folder / "client", authority, "veldnet")
        self._application = AmqpApplication(folder, authority)
        self.settings = replace(
            self._application.settings,
            address=f"amqps://127.0.0.1:{self._application.tls_port}",
            client_certificate=client.certificate.read_text(),
        )
        self.secrets = ConnectionSecrets(client_key=client.key.read_text())

    async def prepare(self, authority: str) -> None:
        await self._application.start()

    async def restart(self) -> None:
        await self._application.go_away()
        await self._application.come_back()

    async def close(self) -> None:
        await self._application.close()


_KINDS: dict[str, Callable[[Path, Pair], Secured]] = {
    "mqtt": SecuredMosquitto,
    "nats": SecuredNats,
    "postgresql": SecuredPostgres,
}
if "TEST_CONNECTIONS" in os.environ:
    _KINDS["amqp"] = SecuredRabbit


@pytest.fixture
def folder() -> Iterator[Path]:
    """PostgreSQL runs as another user, who may not look into the folders of the tests."""
    with tempfile.TemporaryDirectory(prefix="veldnet-certificates-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def authority(folder: Path) -> Pair:
    return _authority(folder / "authority")


@pytest.fixture(params=_KINDS)
async def server(request: pytest.FixtureRequest, folder: Path, authority: Pair) -> AsyncIterator[Secured]:
    made = _KINDS[request.param](folder, authority)
    trusted = authority.certificate.read_text()
    made.settings = replace(made.settings, ca_certificate=trusted)
    await made.prepare(trusted)
    yield made
    await made.close()


def _authority(folder: Path) -> Pair:
    folder.mkdir()
    return write_pair(folder, name=f"{folder.name}.example")


async def _delivered(network: Flows) -> None:
    await network.until(lambda: network.deliveries.pending == 0)
    assert await network.rows_left() == 0


async def test_a_certificate_changes_while_the_connection_is_there(
    server: Secured, folder: Path, authority: Pair, tmp_path: Path
) -> None:
    other = _authority(folder / "other")
    async with flowing(tmp_path) as network:
        ref = await network.connection(server.settings, secrets=server.secrets)
        await network.hear(1)
        await _delivered(network)
        # Renewed by the same authority: nobody has to do anything.
        write_signed(folder / "own", authority, "server.example")
        await network.hear(2)
        await _delivered(network)
        await server.restart()
        await network.hear(3)
        await _delivered(network)
        for heard, by, more, words in (
            (4, authority, {"expired": True}, "expired"),
            (5, authority, {"address": "127.0.0.2"}, "127.0.0.1"),
            (6, other, {}, "issuer"),
        ):
            write_signed(folder / "own", by, "server.example", **more)
            await server.restart()
            await network.hear(heard)
            condition = network.open_connections.conditions[ref]
            await network.until(
                lambda each=condition, said=words: each.status == "ERROR" and said in str(each.reason)  # type: ignore[misc]
            )
        assert await network.rows_left() == 3
        # Those that waited go once the connection knows the new authority.
        trusted = replace(server.settings, ca_certificate=other.certificate.read_text())
        stored = msgspec.json.encode(trusted).decode()
        await network.store.write(lambda c: c.execute(connections.update().values(settings=stored)))
        await network.take_up()
        network.deliveries.connection_changed(ref)
        await _delivered(network)
        condition = network.open_connections.conditions[ref]
        assert (condition.status, condition.reason, condition.delivered) == ("ACTIVE", None, 3)
        assert not [each for each in await network.listed() if each.reason]
