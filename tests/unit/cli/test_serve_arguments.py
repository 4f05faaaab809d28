"""The quick reader of the arguments of `veldnet serve` and `veldnet sandbox`, against the complete one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from veldnet.cli import sandbox_arguments, serve_arguments
from veldnet.cli.main import app
from veldnet.cli.sandbox_arguments import SandboxArguments
from veldnet.cli.serve_arguments import ServeArguments, parse


@pytest.mark.parametrize(
    ("name", "quick", "kind"),
    [("serve", serve_arguments, ServeArguments), ("sandbox", sandbox_arguments, SandboxArguments)],
    ids=["serve", "sandbox"],
)
def test_it_knows_the_options_that_the_command_has(name: str, quick: Any, kind: Any) -> None:
    command = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    options = {option: parameter.name for parameter in command.params for option in parameter.opts}
    options.pop("--help", None)
    assert options == quick.VALUES | quick.FLAGS
    assert set(options.values()) == set(kind.__struct_fields__)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ServeArguments()),
        (
            ["--data", "d", "--udp=[::1]:1700", "--json", "--take-over"],
            ServeArguments(data=Path("d"), udp="[::1]:1700", as_json=True, take_over=True),
        ),
        (["--config", "a=b.toml"], ServeArguments(config=Path("a=b.toml"))),
    ],
)
def test_it_reads_what_is_plain(arguments: list[str], expected: ServeArguments) -> None:
    assert parse(arguments) == expected


def test_it_reads_what_a_sandbox_is_served_with() -> None:
    arguments = ["--serve", "--virtual-clock", "--json", "--http", "127.0.0.1:0", "--data=d"]
    expected = SandboxArguments(
        data=Path("d"), serve=True, virtual_clock=True, http="127.0.0.1:0", as_json=True
    )
    assert sandbox_arguments.parse(arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--data"],
        ["--data", "--json"],
        ["--json=1"],
        ["extra"],
        ["--nonsense"],
        ["--take-over=x"],
    ],
    ids=" ".join,
)
def test_it_leaves_the_rest_to_the_complete_parser(arguments: list[str]) -> None:
    assert parse(arguments) is None


# What a server loads when it is first needed, if ever; each would be in the way of every start.
_LATER = {
    *(
        "rich",
        "pygments",
        "attr",
        "typer",
        "alembic",
        "mako",
        "psycopg",
        "nats",
        "pkcs11",
        "aiohttp",
        "pydantic",
    ),
    *("fido2", "joserfc", "paho", "websockets", "segno", "shamir_mnemonic", "prometheus_client", "quickjs"),
}


def test_a_server_opens_its_ports_before_it_loads_the_platform_and_loads_nothing_else() -> None:
    script = (
        "import sys\nimport veldnet.cli.server\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
        "print(*sorted({name for name in sys.modules if name.startswith('veldnet.')}))\n"
        "import veldnet.cli.sandbox, veldnet.cli.virtual_serving\n"
        "import veldnet.logs, veldnet.cli.serving, veldnet.assembly.platform, veldnet.api.front.server\n"
        "import veldnet.api.application\n"
        "print(*({'cryptography.x509', 'smtplib', 'statistics', 'difflib', 'yaml'} & sys.modules.keys()))\n"
        "from veldnet.api.routers import routers\nrouters()\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
        "print(*(name for name in sys.modules if name.startswith('sqlalchemy.dialects.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=600
    )
    loaded, rooms, early, everything, dialects = (set(line.split()) for line in done.stdout.splitlines())
    assert not early, "before somebody asks for an operation"
    assert not loaded & {"typer", "rich", "sqlalchemy", "uvicorn", "alembic", "structlog", "asyncio"}
    assert not everything & _LATER
    assert {name.split(".")[2] for name in dialects} == {"_typing", "sqlite"}
    assert {room.split(".")[1] for room in rooms} <= {"cli", "assembly", "settings"}
