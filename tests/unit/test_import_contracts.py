"""The import contracts refuse what they are there to refuse."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the source and of what checks it."""
    leave_out = shutil.ignore_patterns("static", "__pycache__", "migrations")
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=leave_out)
    (tmp_path / "tests").mkdir()
    for name in ("pyproject.toml", "tests/__init__.py", "tests/import_contracts.py"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def _lint(repository: Path) -> tuple[int, str]:
    """The exit code and the text of `lint-imports` over the copy's own source."""
    code = (
        "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command as c; c()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=repository,
        env={"COLUMNS": "300", "PYTHONPATH": f"{repository / 'src'}:{repository}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _append(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}\n{line}\n")


def test_the_source_as_it_is_keeps_the_contracts(scratch: Path) -> None:
    code, text = _lint(scratch)
    assert code == 0, text


def test_forbidden_imports_are_refused(scratch: Path) -> None:
    package = scratch / "src" / "veldnet"
    _append(package / "lorawan" / "airtime.py", "from veldnet.store import Store")
    _append(package / "monitoring" / "monitor.py", "from veldnet.routing import Deliveries")
    _append(package / "api" / "services.py", "from veldnet.keys.seals import seal")
    _append(package / "network" / "core" / "uplink.py", "import asyncio")
    (package / "helpers.py").write_text('"""A file that is not in the table."""\n')
    (package / "raffles").mkdir()
    (package / "raffles" / "__init__.py").write_text("from veldnet.store import Store\n")
    code, text = _lint(scratch)
    assert code == 1
    for problem in (
        "lorawan must not import store: veldnet.lorawan.airtime imports veldnet.store",
        "monitoring must not import routing: veldnet.monitoring.monitor imports veldnet.routing",
        "veldnet.keys does not export seals: veldnet.api.services imports veldnet.keys.seals",
        "veldnet.network.core is not allowed to import asyncio",
        "veldnet.helpers belongs to no room",
        "veldnet.raffles belongs to no room",
    ):
        assert problem in text, text


def test_the_table_of_the_docs_is_that_of_the_contract() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    lines = next(contract["rooms"] for contract in contracts if contract["type"] == "rooms")
    checked = {room: set(allowed.split()) for room, _, allowed in (line.partition(":") for line in lines)}
    described = {}
    for line in (REPOSITORY / "docs" / "architecture.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 3 and cells[0].strip("`") in checked:
            described[cells[0].strip("`")] = set(re.findall(r"`([\w.]+)`", cells[2]))
    # The package itself, its entry points and the package that holds core and shell are no rooms of the map.
    assert described == {r: a for r, a in checked.items() if r not in ("veldnet", "__main__", "network")}


def test_the_recipes_of_the_docs_name_files_that_exist() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    recipes = text[text.index("## How to add") : text.index("## An operation of the API")]
    named = {path for path in re.findall(r"`([\w/]+/[\w./]*)`", recipes) if "<" not in path}
    assert len(named) >= 8
    rows = [line for line in recipes.splitlines() if line.startswith("| a")]
    assert len(rows) >= 8
    for row in rows:
        files = re.findall(r"`[\w/<>.]*(?:/|\.py|\.tsx?)`", row)
        assert len(files) <= 6, f"nothing needs more than six files: {row}"
    missing = {
        p
        for p in named
        if not any((REPOSITORY / r / p).exists() for r in ("src/veldnet", "console/src", "."))
    }
    assert not missing
