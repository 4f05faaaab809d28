"""The benchmark of wrong clocks measures what the records of clocks are for."""

from __future__ import annotations

from veldnet.cli.bench.wrong_clocks import _measured
from veldnet.simulator.fine_clock import OPEN


def test_records_find_the_wrong_clock_of_a_city() -> None:
    alone = _measured(6, 1, 1, OPEN, records=False)
    together = _measured(6, 1, 1, OPEN, records=True)
    assert together.positions > 50 and alone.positions > 50
    assert (together.found, together.blamed) == (1, 0)
    assert together.farOff <= alone.farOff and together.medianRadius < alone.medianRadius
