"""When a process that serves looks for garbage in cycles. While it looks it does nothing else."""

from __future__ import annotations

import gc


def limit_pauses() -> None:
    """Have a search look at 30,000 objects at most, which takes 15 ms, however many devices come into use:
    those that lived through two searches are left alone until there have been a thousand more."""
    gc.set_threshold(10_000, 2, 1_000)
