"""What works without the extras of the package, and what the rest says."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

# One process loads what a server needs, without the extras; commands are forked from it.
_PROGRAM = """
import sys
sys.modules.update(dict.fromkeys(("aiohttp", "leather", "pkcs11")))
import json, os
import veldnet.cli.serving, veldnet.assembly.platform, veldnet.api, veldnet.api.front.server
import veldnet.assembly.vaults.process, veldnet.decoders, veldnet.cli.admin
from veldnet.cli.entry import main

def run(number, command):
    with open(f"{number}.out", "wb") as printed:
        os.dup2(printed.fileno(), 1), os.dup2(printed.fileno(), 2)
    sys.argv = ["veldnet", *command]
    main()

for number, command in enumerate(json.loads(sys.argv[1])):
    if (child := os.fork()) == 0:
        run(number, command)
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
_COMMANDS = ("demo", "bench uplinks", "simulate town", "serve --data data")


class Ended(NamedTuple):
    status: int
    printed: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """How each command has ended."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "veldnet.toml").write_text('[keys]\nvault = "pkcs11"\nmodule = "/none.so"\ntoken = "t"\n')
    commands = json.dumps([command.split() for command in _COMMANDS])
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return {
        command: Ended(int(status), (folder / f"{number}.out").read_text())
        for number, (command, status) in enumerate(zip(_COMMANDS, done.stdout.split(), strict=True))
    }


@pytest.mark.parametrize("command", ["demo", "bench uplinks", "simulate town"])
def test_a_command_that_needs_an_extra_names_it(command: str, ended: dict[str, Ended]) -> None:
    assert ended[command].status == 1
    assert ended[command].printed.strip().endswith("pip install 'veldnet[simulate]'")
    assert "Traceback" not in ended[command].printed


def test_a_hardware_module_without_its_extra_is_named(ended: dict[str, Ended]) -> None:
    status, printed = ended["serve --data data"]
    assert status != 0
    assert "Traceback" not in printed


def test_the_server_needs_no_extra(ended: dict[str, Ended]) -> None:
    """All that it loads was loaded without them, or no command would have run."""
    assert ended.keys() == set(_COMMANDS)
