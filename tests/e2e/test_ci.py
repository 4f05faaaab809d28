"""What docs/ci.md tells customers to write into their tests is run as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from tests.docs_generator import ROOT
from tests.e2e.programs import start

_PAGE = (ROOT / "docs" / "ci.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _PAGE, re.DOTALL)


def test_the_tests_of_the_page_pass_with_the_plugin(tmp_path: Path) -> None:
    """The plugin is named here, for an editable installation may not have its entry point yet."""
    tests, alone = blocks("python")
    (tmp_path / "test_application.py").write_text(tests)
    # A server of its own, as the page starts it, under the same run.
    (tmp_path / "test_alone.py").write_text(
        "def test_alone():\n" + "".join(f"    {line}\n" for line in alone.splitlines())
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "veldnet.testing.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        # Whether or not the entry point is installed.
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_the_command_of_the_page_serves_a_sandbox_until_it_is_stopped(tmp_path: Path) -> None:
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("veldnet ")]
    program, *arguments = shlex.split(line.replace("127.0.0.1:8080", "127.0.0.1:0"))
    assert program == "veldnet"
    errors = tmp_path / "errors"
    process = start(*arguments, errors=errors, PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    with process.stdout:
        printed = ""
        while not printed.endswith("}\n"):
            line = process.stdout.readline()
            assert line, errors.read_text()
            printed += line
        process.terminate()
        assert process.wait(20) == 0, errors.read_text()
    account = json.loads(printed)
    table = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [^|]+ \|$", _PAGE, re.MULTILINE)
    named = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    assert named <= set(account), named - set(account)


def test_the_workflows_of_the_page_run_its_two_commands() -> None:
    install, run = blocks("sh")[0].splitlines()
    github, gitlab = (yaml.safe_load(block) for block in blocks("yaml"))
    assert [step["run"] for step in github["jobs"]["test"]["steps"] if "run" in step] == [install, run]
    assert gitlab["test"]["script"] == [install, run]
