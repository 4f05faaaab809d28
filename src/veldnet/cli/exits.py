"""Exit codes of commands, as in docs/operators.md."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """0 is success; 2 is the command line's own for arguments it does not understand."""

    FAILED = 1
    SETTINGS = 3
    CANNOT_LISTEN = 4
    DATA_DIRECTORY = 5
    IN_USE = 6
    STORAGE = 7
    LEASE_LOST = 8
