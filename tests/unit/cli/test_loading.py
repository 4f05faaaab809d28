"""What a command loads, and that the lists of commands say what the commands do."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import shutil
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
from tests.e2e.key_place import wait_for
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
            # What was loaded when ports were served, in the order of the log.
            early, later, _ = log.read_text().partition(_FIRST_OF_OPERATIONS)
            assert later
            after = [_status(found[1], path) for path in ("/api/v1/devices", "/openapi.json", "/nothing")]
            server.terminate()
            assert server.wait() == 0
        assert said == ("{\n" if flags else f"Veldnet on {tmp_path / 'data'}\n")
        assert (before, after) == ([200, 200, 200], [401, 200, 404])
        # Operations are loaded once the ports are served, or for who asks.
        operations = {"veldnet.api.v1.device_search", "veldnet.inventory.fleets", "veldnet.diagnosis"}
        first = _names(early)
        assert "veldnet.api.application" in first and not operations & first
        loaded = _loaded(log)
        assert operations <= loaded
        assert not {"rich.console", "tarfile", "typer"} & loaded


def test_a_server_that_nobody_has_asked_answers_when_its_package_is_gone(tmp_path: Path) -> None:
    package = tmp_path / "installed" / "veldnet"
    shutil.copytree(Path(veldnet.cli.__file__).parents[1], package)
    command = [sys.executable, "-m", "veldnet", "serve"]
    command += ["--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"]
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(package.parent), "VELDNET_LOG__LEVEL": "debug"},
        ) as server,
    ):
        try:
            assert server.stdout is not None
            server.stdout.readline()
            found = _ADDRESS.search(server.stdout.readline())
            assert found is not None
            wait_for(lambda: "operations_loaded" in log.read_text())
            package.rename(tmp_path / "replaced")
            answers = [_status(found[1], path) for path in ("/api/v1/devices", "/metrics", "/openapi.json")]
        finally:
            server.terminate()
    assert (answers, server.returncode) == ([401, 200, 200], 0)


# What functions load, but no request: as a server or the process of a vault begins, by its settings, and for
# commands. The last one is loaded with the package of the client, for a connection that is opened.
_NOT_BY_REQUESTS = {
    "veldnet.assembly.downlink_paths",
    "veldnet.assembly.mqtt_brokers",
    "veldnet.assembly.vaults.token",
    "veldnet.cluster.nats",
    "veldnet.gateways.basics_station.server",
    "veldnet.gateways.chirpstack_mqtt",
    "veldnet.keys.pkcs11",
    "veldnet.store.alembic_chain",
    "veldnet.store.name_texts",
    "veldnet.store.postgres",
    "veldnet.store.postgres.moving",
    "veldnet.store.postgres.other",
    "veldnet.outgoing.websocket",
}


def test_nothing_of_the_package_is_left_to_load_when_operations_are_loaded() -> None:
    script = (
        "import importlib, sys\n"
        "import veldnet.api.front.server, veldnet.cli.server, veldnet.cli.serving\n"
        "from veldnet.api.application import asked_for\n"
        "for name in asked_for(): importlib.import_module(name)\n"
        "print(*(name for name in sys.modules if name.startswith('veldnet.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=600
    )
    loaded = set(done.stdout.split())
    late = {
        (name, module)
        for name in loaded
        if not name.startswith("veldnet.cli.")
        for module in _imported_in_functions(name)
        if module not in loaded | _NOT_BY_REQUESTS
    }
    assert not late


def _imported_in_functions(name: str) -> Iterator[str]:
    """Modules of the package that functions of a module import."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    package = name if spec.submodule_search_locations else name.rpartition(".")[0]
    for function in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                below = [f"{base}.{alias.name}" for alias in node.names]
                found = [base, *(each for each in below if base.startswith("veldnet") and _is_module(each))]
            else:
                continue
            yield from (each for each in found if each.startswith("veldnet."))


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        # Below a module that is no package.
        return False


# The first that is loaded once a server serves: metrics need it.
_FIRST_OF_OPERATIONS = "| prometheus_client"


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
    return _names(log.read_text())


def _names(text: str) -> set[str]:
    return {line.rpartition("|")[2].strip() for line in text.splitlines()}


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
