"""`veldnet check` finds what is wrong with an installation, and says what to do."""

from __future__ import annotations

import json
import re
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from tests.installation import sandbox
from tests.monitoring.post_office import PASSWORD, USER, PostOffice
from veldnet.assembly import inspection
from veldnet.assembly.data_directory.lock import DirectoryLock
from veldnet.assembly.listening import Ports, reached_at
from veldnet.cli.main import app
from veldnet.settings import Settings, load_settings

FREE = {"VELDNET_API__HTTP": "127.0.0.1:0", "VELDNET_GATEWAYS__UDP": "127.0.0.1:0"}
APART = {"VELDNET_KEYS__PROCESS": "false"}


def check(data: Path, **environment: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Exit code, and findings by what was checked."""
    arguments = ["check", "--data", str(data), "--json"]
    done = CliRunner().invoke(app, arguments, env=FREE | APART | environment)
    report = json.loads(done.stdout)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in report["findings"]:
        found.setdefault(each["check"], []).append(each)
        assert each["level"] == "ok" or each["next"], "what is wrong comes with the next step"
    assert report["ok"] is (done.exit_code == 0)
    return done.exit_code, found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    sandbox(tmp_path / "data")
    return tmp_path / "data"


def test_a_sound_installation_has_no_problem(data: Path) -> None:
    code, found = check(data)
    assert code == 0
    assert {"configuration", "database", "keys", "ports", "disk"} <= set(found)
    assert found["database"][-1]["level"] == found["keys"][0]["level"] == found["ports"][0]["level"] == "ok"
    plain = CliRunner().invoke(app, ["check", "--data", str(data)], env=FREE | APART)
    assert "✓ database: " in plain.stdout


def test_every_port_is_named_with_what_it_is_for(data: Path) -> None:
    more = {
        "VELDNET_GATEWAYS__BASICS_STATION": "127.0.0.1:0",
        "VELDNET_GATEWAYS__BASICS_STATION_CUPS": "127.0.0.1:0",
    }
    _code, found = check(data, **more)
    text = found["ports"][0]["text"]
    for scheme, words in (
        ("http", "HTTP API"),
        ("udp", "Semtech UDP"),
        ("ws", "Basics Station"),
        ("http", "CUPS"),
    ):
        assert re.search(rf"{scheme}://127\.0\.0\.1:\d+ \({words}\)", text), words
    # Whatever is opened is named, and nothing else.
    settings = load_settings({}, environment=FREE | more)
    with closing(Ports.open(settings)) as ports:
        opened = {sock.getsockname()[1] for sock in (ports.http, *ports.base_stations.values())}
        named = [int(re.findall(r":(\d+) ", where)[0]) for where in ports.reached_at(settings)]
    assert set(named) == opened and len(named) == len(opened) == 4
    assert [where.split("://")[0] for where in reached_at(with_tls(settings))] == [
        "https",
        "udp",
        "wss",
        "https",
    ]


def with_tls(settings: Settings) -> Settings:
    return replace(settings, tls=replace(settings.tls, certificate="some.pem"))


def test_the_mail_server_is_reached_and_signed_in_at(data: Path, tmp_path: Path) -> None:
    _code, found = check(data)
    assert found["mail"][0]["level"] == "note" and "mail.host" in found["mail"][0]["next"]
    with PostOffice(tmp_path, tls=True) as office:
        server = {
            "VELDNET_MAIL__HOST": "127.0.0.1",
            "VELDNET_MAIL__PORT": str(office.port),
            "VELDNET_MAIL__SECURITY": "starttls",
            "VELDNET_MAIL__CA_FILE": str(office.ca_file),
            "VELDNET_MAIL__USERNAME": USER,
        }
        right, wrong = tmp_path / "right", tmp_path / "wrong"
        right.write_text(PASSWORD)
        wrong.write_text("something else")
        code, found = check(data, **server, VELDNET_MAIL__PASSWORD_FILE=str(right))
        assert code == 0 and found["mail"][0]["text"] == f"127.0.0.1:{office.port} can be reached as {USER}"
        code, found = check(data, **server, VELDNET_MAIL__PASSWORD_FILE=str(wrong))
        assert code == 1 and "SMTPAuthenticationError" in found["mail"][0]["text"]
        assert office.messages == []
    code, found = check(data, **server)
    assert code == 1 and "takes no mail: " in found["mail"][0]["text"]


def test_a_missing_or_damaged_database(data: Path, tmp_path: Path) -> None:
    code, found = check(tmp_path / "none")
    assert code == 1 and found["database"][0]["next"].startswith("create it: veldnet init --data ")
    (data / "veldnet.db").write_bytes(b"this is no database at all" * 100)
    for suffix in ("-wal", "-shm"):
        (data / f"veldnet.db{suffix}").unlink(missing_ok=True)
    code, found = check(data)
    assert code == 1 and "restore" in found["database"][-1]["next"]


def test_a_missing_master_key(data: Path) -> None:
    (data / "vault" / "master.key").unlink()
    code, found = check(data)
    assert code == 1 and found["keys"][0]["level"] == "problem"


def test_a_port_in_use_and_a_server_that_does_not_answer(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, found = check(data, VELDNET_API__HTTP=address)
        assert code == 1 and address in found["ports"][0]["text"]
    lock = DirectoryLock.take(data, "serve")
    try:
        code, found = check(data, VELDNET_API__HTTP=address)
    finally:
        lock.release()
    assert code == 1 and "does not answer" in found["server"][0]["text"]


def test_a_full_disk_and_a_wrong_clock(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(data)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage._replace(free=5_000_000))
    # No clock is right before this program is.
    monkeypatch.setattr(inspection, "_EARLIEST", 1e12)
    code, found = check(data)
    assert code == 1
    assert found["disk"][0]["level"] == "problem" and "5 MB" in found["disk"][0]["text"]
    assert found["clock"][0]["level"] == "problem"


def test_wrong_settings_certificates_and_names(data: Path, tmp_path: Path) -> None:
    code, found = check(data, VELDNET_API__NOTHING="1")
    assert code == 3 and list(found) == ["configuration"]
    code, found = check(
        data, VELDNET_TLS__CERTIFICATE=str(tmp_path / "none.pem"), VELDNET_TLS__KEY=str(tmp_path / "none.key")
    )
    assert code == 1 and "none.pem" in found["certificate"][0]["text"]
    code, found = check(data, VELDNET_MAIL__HOST="mail.invalid", VELDNET_MAIL__SENDER="a@example.org")
    assert code == 1 and "mail.invalid" in found["names"][0]["text"]


def test_what_is_to_be_typed_next_leads_to_the_same_installation(tmp_path: Path) -> None:
    data = tmp_path / "my data"

    def run(*arguments: str) -> str:
        return CliRunner().invoke(app, [*arguments, "--data", str(data)], env=APART).output

    where = f"--data '{data}'"
    assert f"`veldnet init {where}` creates one" in run("admin", "operator", "list")
    (steps,) = (line for line in run("init").splitlines() if line.startswith("Next: "))
    assert [step.endswith(where) for step in steps.split(", then ")] == [True] * 3
    assert f"`veldnet admin ca create NAME {where}`" in run("admin", "ca", "show")
    (data / "veldnet.db").unlink()
    lost = run("admin", "operator", "list")
    assert f"veldnet admin restore FILE {where}" in lost and f"init --keep-key {where}" in lost
