"""The clock of management: a change takes its time from the store that it goes through."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

_OPTION = "veldnet_clock"


def tell_time(engine: Engine, clock: Callable[[], float]) -> None:
    """Every connection of the engine goes by this clock, in Unix seconds."""
    engine.update_execution_options(**{_OPTION: clock})


def moment(connection: Connection) -> int:
    """Unix milliseconds now, by the clock of the connection's store; the system's where it has none."""
    clock: Callable[[], float] = connection.get_execution_options().get(_OPTION, time.time)
    return int(clock() * 1000)
