"""`veldnet.testing`, without a server: how it says what went wrong, and that pytest finds it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs_generator import ROOT
from veldnet.testing import SandboxFailed, start_sandbox


def test_the_entry_point_names_the_plugin_and_loading_it_loads_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name = project["entry-points"]["pytest11"]["veldnet"]
    assert hasattr(importlib.import_module(name), "veldnet_sandbox")
    loads = (
        f"import sys, {name}; print([m for m in sys.modules if m.startswith('veldnet.') and m != {name!r}])"
    )
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['veldnet.testing']"


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(SandboxFailed, match=r"(?i)no_such"),
        start_sandbox(tmp_path / "data", VELDNET_API__NO_SUCH="1"),
    ):
        pass
