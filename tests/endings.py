"""What is put away when a process of tests ends."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable


def at_the_end(put_away: Callable[[], object]) -> None:
    """Call it when this process ends, and not when one ends that was forked from it."""
    owner = os.getpid()
    atexit.register(lambda: put_away() if os.getpid() == owner else None)
