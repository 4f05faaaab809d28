"""Which edge cases of the API's description `make test` sends: a hook of Schemathesis.

For each operation it makes dozens of values that are wrong, or just right, in the same way. Of each way, in
each place of each operation, the first one is sent, and one in sixteen of all others. `make fuzz` sends all.
"""

from __future__ import annotations

import zlib
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.generation.meta import CoveragePhaseData

_OTHERS = 16
_sent: dict[tuple[object, ...], int] = {}


@schemathesis.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    about = case.meta.phase.data if case.meta is not None else None
    if not isinstance(about, CoveragePhaseData):
        return True
    edge = (
        *(case.operation.label, about.scenario.value),
        *(about.parameter_location, about.parameter, about.location),
    )
    before = _sent.get(edge, 0)
    _sent[edge] = before + 1
    return before == 0 or zlib.crc32(f"{edge} {before}".encode()) % _OTHERS == 0
