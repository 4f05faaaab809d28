"""Processes that are forked from one that has loaded what they need (`tests/forked.py`) are as those that are
started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests import forked
from tests.forked import VELDNET, Forked, Request, can_be_forked, fork

# Its processes run what they are given.
_ORIGIN = """
import sys
from pathlib import Path
from tests import forked, origin
forked.use(Path(sys.argv[1]), int(sys.argv[2]))
listener = origin.listen(forked.VELDNET)
origin.Origin(listener, int(sys.argv[2]), lambda given: exec(given[0], {})).serve()
"""
Start = Callable[..., Forked]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("origin")
    command = [sys.executable, "-c", _ORIGIN, str(folder), str(os.getpid())]
    with pytest.MonkeyPatch.context() as patch, subprocess.Popen(command, cwd=forked.ROOT) as origin:
        patch.setattr(forked._place, "folder", folder)
        _until(lambda: Path(forked.address(VELDNET)).exists())
        yield folder
        origin.kill()


@pytest.fixture
def start(place: Path, tmp_path: Path) -> Iterator[Start]:
    with (tmp_path / "errors").open("a") as errors:

        def start(program: str, **environment: str) -> Forked:
            return fork(VELDNET, [program], environment=environment, folder=tmp_path, errors=errors)

        yield start


def _until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def _printed(process: Forked) -> str:
    assert process.stdout is not None
    with process.stdout:
        return str(process.stdout.read())


def test_a_process_has_its_own_folder_environment_and_outputs(start: Start, tmp_path: Path) -> None:
    process = start(
        "import os, sys; print(os.getcwd(), dict(os.environ), sorted(os.listdir('/proc/self/fd')));"
        "os.system('echo $A'); sys.exit('what was wrong')",
        A="1",
    )
    # The folder of descriptors is one while it is read.
    lines = _printed(process).splitlines()
    assert sorted(lines) == sorted(["1", f"{tmp_path} {{'A': '1'}} ['0', '1', '2', '3']"])
    assert process.wait(60) == 1 and (tmp_path / "errors").read_text() == "what was wrong\n"


@pytest.mark.parametrize(
    ("program", "code"),
    {
        "ends": ("pass", 0),
        "a status": ("raise SystemExit(259)", 3),
        "an error": ("1 / 0", 1),
        "an interruption": ("raise KeyboardInterrupt", -signal.SIGINT),
        "a crash": ("import os; os.abort()", -signal.SIGABRT),
        "a thread": ("import threading, os; threading.Timer(0.01, os._exit, [5]).start()", 5),
        "at its end": ("import atexit, os; atexit.register(os._exit, 6)", 6),
    }.values(),
)
def test_how_it_ends(start: Start, tmp_path: Path, program: str, code: int) -> None:
    process = start(program)
    assert _printed(process) == "" and process.wait(60) == code == process.poll() == process.returncode
    assert ("ZeroDivisionError" in (tmp_path / "errors").read_text()) == (program == "1 / 0")
    process.kill()


def test_signals_reach_it(start: Start) -> None:
    process = start("import time\nprint('there', flush=True)\nwhile True: time.sleep(60)")
    assert process.stdout is not None and process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGSTOP)
    _until(lambda: b"State:\tT" in Path(f"/proc/{process.pid}/status").read_bytes())
    process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == -signal.SIGTERM
    killed = start("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)")
    killed.kill()
    assert killed.wait(60) == -signal.SIGKILL
    for each in (process, killed):
        _printed(each)


def test_no_two_draw_the_same(start: Start) -> None:
    program = "import random, uuid, secrets; print(random.random(), uuid.uuid4(), secrets.token_hex())"
    drawn = [word for _ in range(2) for word in _printed(start(program)).split()]
    assert len(set(drawn)) == 6


def _handed(descriptors: Sequence[int], *, kept: bool) -> Forked:
    program = "import os, time; os.write(200, str(os.getsid(0)).encode()); time.sleep(60)"
    request = Request([program], {}, "/", [0, 1, 2, 200], kept=kept, session=True)
    return Forked(VELDNET, request, descriptors)


@pytest.mark.parametrize("kept", [False, True])
def test_it_ends_with_whoever_asked_for_it_unless_it_is_kept(place: Path, kept: bool) -> None:
    ours, theirs = os.pipe()
    process = _handed([0, 1, 2, theirs], kept=kept)
    os.close(theirs)
    assert int(os.read(ours, 100)) == process.pid, "it leads a session, and writes where it was told"
    os.close(ours)
    process._connection.close()
    if kept:
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    _until(lambda: not Path(f"/proc/{process.pid}").exists())


def test_what_is_read_at_the_beginning_needs_a_beginning() -> None:
    now = dict(os.environ) | {"COLUMNS": "20", "NO_COLOR": "1", "TZ": "UTC", "VELDNET_LOG__LEVEL": "debug"}
    assert can_be_forked(now) and can_be_forked(now | {"PYTHONUNBUFFERED": "1"})
    for name in ("LD_PRELOAD", "PYTHONPATH", "LC_ALL", "FORCE_COLOR", "COVERAGE_PROCESS_CONFIG"):
        assert not can_be_forked(now | {name: "another"}), name
