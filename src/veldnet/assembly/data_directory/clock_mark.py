"""Which clock a data directory lives by. Frames of one that has been ahead of the system's clock must not be
served by a server that follows it, and no real network may be moved in time."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.assembly.data_directory.lock import DataDirectoryError
from veldnet.inventory.sandbox import is_sandbox
from veldnet.store import read_property, write_property

# Seconds that virtual time is ahead of the system's clock.
_AHEAD = "virtual_clock_ahead"


def virtual_lead(connection: Connection) -> float:
    """How far ahead of the system's clock the directory is."""
    return float(read_property(connection, _AHEAD) or 0.0)


def note_virtual_lead(connection: Connection, seconds: float) -> None:
    write_property(connection, _AHEAD, repr(seconds))


def check_clock(connection: Connection, *, virtual: bool) -> None:
    """Raises `DataDirectoryError` where the directory must not be served by this clock."""
    if virtual and not is_sandbox(connection):
        raise DataDirectoryError(
            "a virtual clock is for sandbox data only, and this data directory has operators that "
            "`veldnet sandbox` did not create; use a new directory"
        )
    if not virtual and virtual_lead(connection) > 0:
        raise DataDirectoryError(
            "this data directory is ahead of the system's clock: it was served with --virtual-clock; "
            "do so again, or use a new directory"
        )
