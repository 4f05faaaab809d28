"""Tests that run in several processes (`tests/workers.py`): each once, with what they print, also where a
process ends in one of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs_generator import ROOT

TESTS = """
import os, pathlib, time, warnings
import pytest

FIRST = os.getpid()

@pytest.fixture(scope="module")
def made(tmp_path_factory):
    yield os.getpid()
    pathlib.Path(__file__).with_suffix(".unmade").touch()

@pytest.mark.xdist_group("a")
def test_one(made, tmp_path):
    assert made == os.getpid() != FIRST

def test_alone(): ...

@pytest.mark.xdist_group("a")
def test_two(made, tmp_path):
    print("before it fails")
    warnings.warn("careful")
    assert made == 1

def test_ends_its_process():
    os._exit(3)

@pytest.mark.parametrize("number", range(6))
def test_many(number, tmp_path):
    time.sleep(0.01)
    assert tmp_path.exists()

# A process takes the next test before it runs one: the first may take two of them.
@pytest.mark.waits
@pytest.mark.parametrize("number", range(3))
def test_waiting(number):
    pathlib.Path(__file__).with_name(f"waiting-{os.getpid()}").touch()
    # Within bounds: where the first failure is the last, the other process may have ended before this.
    for _ in range(3000):
        if len(list(pathlib.Path(__file__).parent.glob("waiting-*"))) == 2:
            break
        time.sleep(0.01)

@pytest.mark.skip(reason="not now")
def test_skipped(): ...
"""


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_made_up.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    xdist_group: shares\n")
    return subprocess.run(
        [
            # With all that it has started.
            *("timeout", "--signal=KILL", "120", sys.executable),
            *("-m", "pytest", "-q", "-ra", "--workers", "3", "-p", "tests.workers"),
            *arguments,
            folder,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "300"},
    )


def test_every_test_runs_once_and_is_reported_with_what_it_says(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^2 failed, 11 passed, 1 skipped, \d warnings? in", done.stdout, re.MULTILINE)
    assert done.stdout.count("UserWarning: careful") == 1
    for said in ("test_two - assert", "before it fails", "UserWarning: careful", "not now"):
        assert said in done.stdout, said
    assert (tmp_path / "test_made_up.unmade").exists()
    # Two that wait at the same time.
    assert len(list(tmp_path.glob("waiting-*"))) == 2
    assert "test_ends_its_process - its process ended with 3" in done.stdout


def test_the_first_failure_is_the_last_where_that_was_asked_for(tmp_path: Path) -> None:
    done = _run(tmp_path, "-x")
    assert done.returncode == 1 and "stopping after 1 failures" in done.stdout, done.stdout + done.stderr
