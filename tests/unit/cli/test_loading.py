"""What a command loads, and that the lists of commands say what the commands do."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import veldnet.cli
from veldnet.cli.main import app

_HEAVY = {"sqlalchemy", "alembic", "uvicorn", "cryptography", "msgspec", "rich", "asyncio"}
_SQL = ("sqlalchemy", "sqlite3", "veldnet.store.schema")
_COMMANDS = Path(veldnet.cli.__file__).parent
# Benchmarks fill the store with millions of rows, which no rule of the inventory makes.
_BULK = {"bench/fleet.py"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["admin", "--help"]], ids=" ".join)
def test_help_loads_nothing_of_the_platform(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom veldnet.cli.entry import main\nsys.argv[0] = 'veldnet'\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('loaded', *sorted({name.split('.')[0] for name in sys.modules}))\n"
        "print('rooms', *sorted({name for name in sys.modules if name.startswith('veldnet.')}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=600
    )
    loaded, rooms = done.stdout.splitlines()[-2:]
    assert not _HEAVY & set(loaded.split()), loaded
    assert {room.split(".")[1] for room in rooms.split()[1:]} == {"cli"}, rooms


def test_a_server_holds_nothing_that_only_commands_need(tmp_path: Path) -> None:
    """Said on the terminal and as JSON, with all of the API loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "veldnet", "serve"]
    command += ["--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"]
    for flags in ([], ["--json"]):
        log = tmp_path / "log"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                [*command, *flags],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as server,
        ):
            assert server.stdout is not None
            said = server.stdout.readline()
            while (found := _ADDRESS.search(line := server.stdout.readline())) is None:
                assert line, "it ended before it listened"
            before = [_status(found[1], path) for path in ("/healthz", "/readyz", "/metrics")]
            early = _loaded(log)
            after = [_status(found[1], path) for path in ("/api/v1/devices", "/openapi.json", "/nothing")]
            server.terminate()
            assert server.wait() == 0
        assert said == ("{\n" if flags else f"Veldnet on {tmp_path / 'data'}\n")
        assert (before, after) == ([200, 200, 200], [401, 200, 404])
        # Operations are loaded for who asks.
        operations = {"veldnet.api.v1.device_search", "veldnet.inventory.fleets", "veldnet.diagnosis"}
        assert "veldnet.api.application" in early and not operations & early
        loaded = _loaded(log)
        assert operations <= loaded
        assert not {"rich.console", "tarfile", "typer"} & loaded


_ADDRESS = re.compile(r'http(?:://|": ")(127\.0\.0\.1:\d+)')


def _status(address: str, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    return status


def _loaded(log: Path) -> set[str]:
    """What has been imported, by the log of the times that it took."""
    return {line.rpartition("|")[2].strip() for line in log.read_text().splitlines()}


def _all_commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield (*path, name), command
        if hasattr(command, "list_commands"):
            yield from _all_commands(command, (*path, name))


def test_every_listed_command_can_be_loaded_and_says_what_it_does() -> None:
    found = dict(_all_commands(typer.main.get_command(app)))
    assert {("serve",), ("bench", "start"), ("admin", "plan", "grant"), ("admin", "backup")} <= set(found)
    without = [path for path, command in found.items() if not (command.help or "").strip()]
    assert not without
    assert all(command.name == path[-1] for path, command in found.items())


def test_commands_use_the_functions_of_rooms_and_no_sql() -> None:
    offending = []
    for file in sorted(_COMMANDS.rglob("*.py")):
        name = file.relative_to(_COMMANDS).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            sql = [
                m
                for m in modules
                if m.split(".")[0] in ("sqlalchemy", "sqlite3") or m == "veldnet.store.schema"
            ]
            if sql and name not in _BULK:
                offending.append((name, sql))
    assert not offending


def test_bulk_writers_are_there() -> None:
    for name in _BULK:
        assert importlib.import_module("veldnet.cli." + name.removesuffix(".py").replace("/", "."))
