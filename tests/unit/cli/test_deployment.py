"""The files that `veldnet init` prints for the system: what systemd makes of the unit, what fills them."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veldnet.cli import deployment
from veldnet.cli.exits import Exit
from veldnet.cli.main import app
from veldnet.cli.notify import ServiceManager


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["init", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("arguments", [[], ["--data", "/srv/veldnet-1"]], ids=["", "elsewhere"])
def test_systemd_accepts_the_unit_and_finds_it_well_protected(tmp_path: Path, arguments: list[str]) -> None:
    unit = tmp_path / "veldnet.service"
    unit.write_text(printed("--systemd", *arguments))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=30", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-500:]


def test_the_unit_names_the_command_of_this_installation_and_real_exit_codes() -> None:
    unit = deployment.systemd_unit()
    command = re.findall(r"^ExecStart=(\S+) serve --config /etc/veldnet/veldnet.toml", unit, re.MULTILINE)
    assert len(command) == 1 and Path(command[0]).name == "veldnet" and Path(command[0]).exists()
    (codes,) = re.findall(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)
    final = {2, Exit.SETTINGS, Exit.DATA_DIRECTORY, Exit.IN_USE, Exit.LEASE_LOST}
    assert {int(code) for code in codes.split()} == {int(code) for code in final}
    assert "@" not in re.sub(r"^#.*$|@system-service", "", unit, flags=re.MULTILINE)


def test_the_unit_serves_the_data_directory_that_is_given() -> None:
    unit = printed("--systemd", "--data", "/srv/veldnet-1")
    assert " serve --config /etc/veldnet/veldnet.toml --data /srv/veldnet-1\n" in unit
    assert "WorkingDirectory=/srv/veldnet-1\n" in unit
    # All else is closed to the service.
    assert re.search(r"^ReadWritePaths=.* -/srv/veldnet-1$", unit, re.MULTILINE)
    for wrong, reason in (("/srv/a b", "other characters"), ("/srv/%h", "other"), ("/root/x", "closed")):
        done = CliRunner().invoke(app, ["init", "--systemd", "--data", wrong])
        assert done.exit_code == 2 and reason in " ".join(done.stderr.split()), done.stderr


def test_a_python_in_somebodys_home_is_no_python_for_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    python = home / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.touch()
    home.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(python))
    done = CliRunner().invoke(app, ["init", "--systemd"])
    assert f"because {home} is closed" in done.stderr or "is closed to other users" in done.stderr
    assert done.stdout.startswith("# Veldnet as a service")


def test_sites_are_for_one_host_name() -> None:
    assert "server_name lora.example.org;" in printed("--nginx", "lora.example.org")
    assert "\nlora.example.org {" in printed("--caddy", "lora.example.org")
    for arguments in (["--nginx", "a b;"], ["--caddy", "-x"], ["--systemd", "--nginx", "a.example"]):
        assert CliRunner().invoke(app, ["init", *arguments]).exit_code == 2


async def test_systemd_hears_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        manager = ServiceManager()
        assert manager.alive_every == 30.0
        manager.ready()
        await manager.alive()
        manager.stopping()
        assert [sock.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    manager.ready()
    # Taken out of the environment, so children do not speak for the server.
    quiet = ServiceManager()
    quiet.ready()
    assert quiet.alive_every == 0.0
