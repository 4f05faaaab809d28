"""Run by every Python process that has this folder on its path: its clock is ahead of that of the machine by
as many seconds as stand in the file that `SHIFTED_CLOCK` names."""

import os
import time
from pathlib import Path

_file = os.environ.get("SHIFTED_CLOCK")
if _file is not None:
    _path, _time, _time_ns = Path(_file), time.time, time.time_ns
    _known = [0.0, -1.0]

    def _offset() -> float:
        now = time.monotonic()
        if now - _known[1] > 0.02:
            _known[:] = [float(_path.read_text() or _known[0]), now]
        return _known[0]

    def _shifted() -> float:
        return _time() + _offset()

    def _shifted_ns() -> int:
        return _time_ns() + int(_offset() * 1e9)

    time.time, time.time_ns = _shifted, _shifted_ns
