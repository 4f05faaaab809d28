"""Connections to PostgreSQL: rows once, rows that are refused, tables that are not as they should be."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.brokers import PostgresApplication
from tests.certificates import write_pair, write_signed
from tests.mosquitto import free_port
from tests.postgresql import PostgresServer
from veldnet.connections import (
    KINDS,
    Connection,
    ConnectionTransport,
    Incoming,
    Outcome,
    Outgoing,
    Surroundings,
)
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import Pauses, Resolver
from veldnet.supervision import Supervisor


def _nothing_comes(_incoming: Incoming) -> None:
    raise AssertionError


@asynccontextmanager
async def connected(
    settings: ConnectionSettings,
    *,
    private: bool = True,
    secrets: ConnectionSecrets | None = None,
    resolver: Resolver | None = None,
    received: Callable[[Incoming], None] = _nothing_comes,
    within: float = 2.0,
) -> AsyncIterator[ConnectionTransport]:
    """The transport of a connection by itself."""
    around = Surroundings(
        private,
        resolver or Resolver(allow_private=private),
        Supervisor(),
        time.time,
        received,
        lambda _ref: None,
        connect_timeout=within,
        total_timeout=5.0,
        pauses=Pauses(0.02, 0.05),
    )
    connection = Connection(1, 1, "100000001", "x", True, settings, secrets or ConnectionSecrets())
    transport = KINDS[settings.type].make(connection, around)
    transport.start()
    try:
        yield transport
    finally:
        await transport.close()


def message(number: int, body: str = "{}") -> Outgoing:
    values = {"DevEUI": "0059AC0000000001", "FPort": "3"}
    return Outgoing("uplink", values, body.encode(), time.time(), number, 1_700_000_000_123)


@pytest.fixture
async def database() -> AsyncIterator[PostgresApplication]:
    made = PostgresApplication()
    await made.start()
    yield made
    await made.close()


async def test_rows_are_there_once_and_one_that_is_refused_harms_none(database: PostgresApplication) -> None:
    async with connected(database.settings) as transport:
        bodies = ['{"n": 1}', '{"n": "\\ud800"}', '{"n": 3}', '{"n": 1}', '{"n": "\\u0000\\\\u0000"}']
        outcomes: list[Outcome] = []
        for number, body in zip((1, 2, 3, 1, 4), bodies, strict=True):
            outcomes.append(await transport.deliver(message(number, body)))
        assert [outcome.delivered for outcome in outcomes] == [True, False, True, True, True]
        refused = outcomes[1]
        assert refused.refusal == "never" and "invalid input syntax for type json" in str(refused.error)
        # The connection works all the same.
        assert transport.condition.status == "ACTIVE"
        rows = database.run("SELECT id, dev_eui, event, f_port, document FROM readings.lorawan ORDER BY id")
        assert rows == [
            (1, "0059AC0000000001", "uplink", 3, {"n": 1}),
            (3, "0059AC0000000001", "uplink", 3, {"n": 3}),
            (4, "0059AC0000000001", "uplink", 3, {"n": "\ufffd\\u0000"}),
        ]
        # The table is removed under way: it is made again.
        database.run("DROP TABLE readings.lorawan")
        assert not (await transport.deliver(message(5))).delivered
        while not (await transport.deliver(message(5))).delivered:
            await asyncio.sleep(0.01)
        assert database.run("SELECT id FROM readings.lorawan") == [(5,)]


async def test_what_is_wrong_with_a_table_is_said(database: PostgresApplication) -> None:
    database.run("CREATE TABLE readings.old (id text, document jsonb)")
    database.run(
        "CREATE TABLE readings.keyless (id bigint, time timestamptz, dev_eui text, event text, "
        "f_port integer, document jsonb)"
    )
    database.run("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    plain = database.settings
    for settings, words in (
        (replace(plain, options={"table": "readings.old"}), "must have the column id bigint; it has text"),
        (replace(plain, options={"table": "readings.keyless"}), "ADD PRIMARY KEY (time, id)"),
        (replace(plain, options={"table": "nowhere.x"}), "make it: CREATE TABLE IF NOT EXISTS nowhere.x"),
        (replace(plain, username="reader"), "permission denied for schema readings"),
        (
            replace(plain, username="reader", options={}),
            "veldnet_messages, and it cannot be made (permission denied for schema public",
        ),
        (replace(plain, username="nobody"), 'role "nobody" does not exist'),
        (replace(plain, address=f"{plain.address}x"), "does not exist"),
    ):
        async with connected(settings) as transport:
            outcome = await transport.deliver(message(1))
            assert words in str(outcome.error), outcome


async def test_private_addresses_are_refused(database: PostgresApplication) -> None:
    async with connected(database.settings, private=False) as transport:
        outcome = await transport.deliver(message(1))
        assert "not a public address" in str(outcome.error)


@pytest.mark.skipif("TEST_CONNECTIONS" not in os.environ, reason="a server more: make test-connections")
async def test_a_server_that_wants_a_certificate() -> None:
    # The server runs as another user, who may not look into the folders of the tests.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority, foreign = (
            write_pair(_made(folder / each), name=f"{each}.example") for each in ("ours", "else")
        )
        own = write_signed(folder / "server", authority, "db.example")
        client = write_signed(folder / "client", authority, "veldnet")
        if os.getuid() == 0:
            shutil.chown(own.key, "postgres")
        access = folder / "hba.conf"
        access.write_text("local all all trust\nhostssl all all 127.0.0.1/32 cert\n")
        port = free_port()
        server = PostgresServer(
            listen_addresses="'127.0.0.1'", port=str(port), hba_file=f"'{access}'", ssl="on",
            ssl_cert_file=f"'{own.certificate}'", ssl_key_file=f"'{own.key}'",
            ssl_ca_file=f"'{authority.certificate}'",
        )  # fmt: skip
        right = ConnectionSettings(
            type="POSTGRESQL",
            address=f"postgresqls://127.0.0.1:{port}/postgres",
            username="veldnet",
            ca_certificate=authority.certificate.read_text(),
            client_certificate=client.certificate.read_text(),
        )
        key = ConnectionSecrets(client_key=client.key.read_text())
        for settings, secrets, words in (
            (right, key, ""),
            (
                replace(right, ca_certificate=foreign.certificate.read_text()),
                key,
                "the certificate of the server is not accepted: ",
            ),
            (replace(right, client_certificate=""), None, "requires a valid client certificate"),
            (replace(right, username="other"), key, "certificate authentication failed"),
            (replace(right, address=right.address.replace("sqls:", "sql:")), None, "no pg_hba.conf entry"),
        ):
            async with connected(settings, secrets=secrets) as transport:
                outcome = await transport.deliver(message(1))
                assert outcome.delivered is (not words) and words in str(outcome.error), outcome
        server.remove()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
