"""`veldnet bench profile`: samples of processor time, and the stages that they belong to."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import msgspec

import veldnet
from veldnet.cli.bench import stages
from veldnet.cli.sampled import Sampler, Samples, Stack

_ROOT = Path(veldnet.__file__).parent.parent


def _busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_processor_time_of_all_threads_goes_to_where_they_are(tmp_path: Path) -> None:
    sampler = Sampler(tmp_path / "samples.json")
    beside = threading.Thread(target=_busy, args=(0.05,))
    sampler._begin(0, None)
    beside.start()
    _busy(0.1)
    beside.join()
    sampler._end(0, sys._getframe())
    assert signal.getsignal(signal.SIGPROF) is signal.SIG_IGN, "a late one ends nothing"
    samples = msgspec.json.decode((tmp_path / "samples.json").read_bytes(), type=Samples)
    assert samples.seconds >= 0.15
    assert sum(stack.seconds for stack in samples.stacks) <= samples.seconds
    mine = [stack.seconds for stack in samples.stacks if stack.functions[0].endswith(":_busy")]
    assert sum(mine) > 0.05


def test_what_stages_are_made_of_is_there() -> None:
    for place in stages._PLACES:
        file, _colon, name = place.partition(":")
        if not file.startswith("veldnet/"):
            continue
        path = _ROOT / file
        assert path.exists() or list(path.parent.glob(f"{path.name}*")), place
        if name:
            assert f"def {name.rpartition('.')[2]}(" in path.read_text(), place


def test_a_stack_belongs_to_the_innermost_stage_that_is_known() -> None:
    core = f"{_ROOT}/veldnet/network/core/uplink.py"
    router = f"{_ROOT}/veldnet/network/shell/frame_router.py:FrameRouter.received"
    cmac = f"{_ROOT}/veldnet/lorawan/crypto.py:cmac"
    assert stages.stage_of([cmac, f"{core}:_mic_fits", router]) == stages.SESSION
    assert stages.stage_of([cmac, f"{core}:_accept", router]) == stages.TRANSITION
    assert stages.stage_of(["/usr/lib/python3.11/json/encoder.py:encode"]) == stages.OTHER
    within = f"{_ROOT}/veldnet/network/shell/commit_loop.py:CommitLoop._rows.<locals>.<lambda>"
    assert stages.stage_of([within]) == stages.ROWS
    library = "/x/site-packages/sqlalchemy/engine/base.py:Connection.begin"
    found = stages.seconds_by_stage([Stack((library,), 0.25), Stack((cmac, router), 0.5)])
    assert found == {stages.SESSION: 0.5, stages.COMMIT: 0.25}
