"""A platform over PostgreSQL: its work, an outage of the database, and the commands beside it. All other
tests of the API run over it by `make test-postgresql`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from tests import postgresql
from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.e2e.running import command, failing
from tests.installation import STORE_VARIABLE, sandbox, store_environment
from tests.person import Person
from veldnet.assembly.readiness import report_of
from veldnet.cli.exits import Exit
from veldnet.cli.main import app
from veldnet.simulator.customer import Account
from veldnet.store import HEAD, EngineStore

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE_VARIABLE, "postgresql")
        yield tmp_path_factory.mktemp("postgresql") / "data"


def test_an_outage_loses_no_more_than_the_frames_of_its_time(
    server: HostedServer, account: Account, user: Person, antenna: Antenna
) -> None:
    routing = {"name": "Pumps", "routes": [{"addresses": [server.inbox.url]}]}
    profile = user.call("POST", f"{KPN}/routingProfiles", routing)
    body = {
        "EUI": "0059AC0000C0FFEE",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "name": "Pomp",
        "deviceProfileId": account.device_profile_id,
        "routingProfileId": profile["id"],
    }
    made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    device = radio.device(body["EUI"], KEY)
    radio.join(antenna, device)
    antenna.hear(device.uplink(1, b"before"))
    server.until(lambda: len(server.inbox.uplinks()) == 1)
    assert server.connect().get("/readyz").status_code == 200
    postgresql.server().stop("fast")
    try:
        antenna.hear(device.uplink(1, b"meanwhile"))
        server.pass_time(5)
        answer = server.connect().get("/readyz")
        assert answer.status_code == 503 and "frames are not accepted" in answer.text
        assert server.connect().get(f"{V1}/devices").status_code in (401, 503)
        assert len(server.inbox.uplinks()) == 1
    finally:
        postgresql.server().start()
    server.pass_time(5)
    assert server.connect().get("/readyz").status_code == 200
    antenna.hear(device.uplink(1, b"after"))
    server.until(lambda: len(server.inbox.uplinks()) == 2)
    found = user.call("GET", f"{V1}/devices/{made['ref']}")
    assert found["name"] == "Pomp"
    assert "secret" not in server.log and "Traceback" not in server.log


def test_a_vault_that_does_not_work_is_a_problem_of_its_node(
    server: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def problems() -> tuple[str, ...]:
        return report_of(server.platform).problems

    assert server.run(problems()) == ()
    vault = server.platform.vault.of("")
    monkeypatch.setattr(type(vault), "problem", "the token has gone")
    (problem,) = server.run(problems())
    assert "the token has gone" in problem and "no device can join" in problem
    answer = server.connect().get("/readyz")
    assert answer.status_code == 503 and "the token has gone: no device can join" in answer.text


def test_commands_beside_it(server: HostedServer, account: Account, tmp_path: Path) -> None:
    where = ("--data", str(server.data))
    assert account.thingpark_username in command("admin", "user", "list", "--json", *where)
    # Of the machine it may have to say something, too.
    checked = CliRunner().invoke(app, ["check", *where], env=store_environment(where)).output
    assert "of PostgreSQL at" in checked and "vaults hold the master keys" in checked
    assert (
        "no nodes serve this database"
        in CliRunner().invoke(app, ["cluster", "status", *where], env=store_environment(where)).output
    )
    refused = failing("admin", "backup", str(tmp_path / "copy.db"), *where)
    assert "the tools of PostgreSQL" in refused and refused.count("\n") == 1
    assert "installation in the database" in failing("init", *where)


@pytest.mark.parametrize("revision", ["0059", "9999"])
def test_the_status_of_nodes_leaves_tables_of_another_version_as_they_are(
    server: HostedServer, revision: str
) -> None:
    """Whoever looks upgrades nothing beneath the nodes of another version, and is told no other reason."""
    where = ("--data", str(server.data))
    url = store_environment(where)["VELDNET_STORE__URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
        try:
            shown = json.loads(command("cluster", "status", "--json", *where))
            assert shown["cluster"] is False and shown["nodes"] == []
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(revision,)]
            if revision > HEAD:
                assert "does not know" in failing("admin", "user", "list", *where)
            connection.execute("ALTER TABLE nodes RENAME COLUMN status TO words")
            try:
                refused = failing("cluster", "status", *where)
            finally:
                connection.execute("ALTER TABLE nodes RENAME COLUMN words TO status")
            assert f"have revision {revision}" in refused and HEAD in refused and refused.count("\n") == 1
        finally:
            connection.execute("UPDATE alembic_version SET version_num = %s", (HEAD,))


@pytest.mark.parametrize("url", ["mysql://veldnet@db/veldnet", "db.example.com/veldnet", "postgresql://db"])
def test_a_url_that_is_none_of_a_database_is_a_wrong_setting(tmp_path: Path, url: str) -> None:
    for arguments in (("serve",), ("cluster", "status"), ("check",)):
        done = CliRunner().invoke(
            app, [*arguments, "--data", str(tmp_path / "data")], env={"VELDNET_STORE__URL": url}
        )
        assert done.exit_code == Exit.SETTINGS, (arguments, done.output)
        assert "store.url: the URL of the database" in done.output and "Traceback" not in done.output


def test_an_installation_moves_from_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions, counters and numbers go on where they were."""
    monkeypatch.delenv(STORE_VARIABLE, raising=False)
    data = tmp_path / "data"
    account = sandbox(data)
    before = HostedServer(data)
    user = Person(before, account.thingpark_username, account.thingpark_password)
    routing = {"name": "Pumps", "routes": [{"addresses": [before.inbox.url]}]}
    profile = user.call("POST", f"{KPN}/routingProfiles", routing)
    body = {
        "EUI": "0059AC0000C0FFEF",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "routingProfileId": profile["id"],
        "geoLatitude": 52.1,
        "geoLongitude": 5.1,
    }
    headers = {"api-version": "v1.1.1"}
    device = radio.device(body["EUI"], KEY)
    made = user.call("POST", f"{KPN}/devices", body, headers=headers)
    gone = user.call("POST", f"{KPN}/devices", body | {"EUI": "0059AC0000C0FFF0"}, headers=headers)
    user.call("DELETE", f"{KPN}/devices/{gone['ref']}", headers=headers)
    antenna = Antenna(before, account.base_station_eui)
    radio.join(antenna, device)
    antenna.hear(device.uplink(1, b"before"))
    before.stop()
    name = postgresql.server().create()
    url = postgresql.server().url(name)
    moved = command("admin", "migrate-store", "--to", url, "--data", str(data))
    assert " frames\n" in moved and "veldnet.moved.db" in moved
    assert "no database" in failing("admin", "migrate-store", "--to", url, "--data", str(data))
    monkeypatch.setenv(STORE_VARIABLE, "postgresql")
    postgresql.put_beside(data, name)
    after = HostedServer(data, ago=-60)
    user = Person(after, account.thingpark_username, account.thingpark_password)
    Antenna(after, account.base_station_eui).hear(device.uplink(1, b"after"))
    after.until(lambda: len(after.inbox.uplinks()) == 1)
    more = user.call("POST", f"{KPN}/devices", body | {"EUI": "0059AC0000C0FFF1"}, headers=headers)
    assert int(more["ref"]) > int(gone["ref"]) > int(made["ref"])
    after.stop()


def test_counters_jump_ahead_after_a_restore(server: HostedServer, account: Account) -> None:
    """A backup that PostgreSQL put into another database is noticed; of another one a command tells."""
    store = server.platform.store
    assert isinstance(store, EngineStore)
    where = ("--data", str(server.data))

    def generation() -> str:
        with store.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT value FROM properties WHERE name = 'generation'")
            return str(found.scalar() or 0)

    assert generation() == "0"
    command("admin", "subscriber", "list", *where)
    assert generation() == "0"
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE properties SET value = 'elsewhere' WHERE name = 'place'")
    command("admin", "subscriber", "list", *where)
    assert generation() == "1"
    assert "counters jump ahead" in command("admin", "restore", *where)
    assert generation() == "2"
