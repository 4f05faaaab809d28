"""Networks of the same seed and conditions begin alike: the first writes its inventory, others copy it."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.endings import at_the_end


@cache
def _folder(_process: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="veldnet-beginnings-"))
    at_the_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def beginning(name: str) -> Path:
    """Of the networks of this name, in this process."""
    return _folder(os.getpid()) / name
