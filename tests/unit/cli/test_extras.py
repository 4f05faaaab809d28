"""What works without the extras of the package, and what the rest says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_WITHOUT = "import sys; sys.modules.update(dict.fromkeys(('aiohttp', 'leather', 'pkcs11')))\n"


def _run(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT + code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


_COMMAND = "sys.argv[0] = 'veldnet'\nfrom veldnet.cli.entry import main\nmain()\n"


@pytest.mark.parametrize("command", ["demo", "bench uplinks", "simulate town"])
def test_a_command_that_needs_an_extra_names_it(command: str, tmp_path: Path) -> None:
    done = _run(_COMMAND, *command.split(), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install 'veldnet[simulate]'")
    assert "Traceback" not in done.stderr


def test_a_hardware_module_without_its_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "veldnet.toml").write_text('[keys]\nvault = "pkcs11"\nmodule = "/none.so"\ntoken = "t"\n')
    done = _run(_COMMAND, "serve", "--data", "data", cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_the_server_needs_no_extra(tmp_path: Path) -> None:
    done = _run(
        "import veldnet.cli.serving, veldnet.assembly.platform, veldnet.api, veldnet.api.front.server\n"
        "import veldnet.assembly.vaults.process, veldnet.decoders, veldnet.cli.admin\n",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
