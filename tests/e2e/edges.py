"""Which edge cases of the API's description `make test` sends: a hook of Schemathesis.

For each operation it makes dozens of values that are wrong, or just right, in the same way. Of each way, in
each place of each operation, the first one is sent, and one in sixteen of all others. Parameters beside the
body are read in one place for all operations that have them: after six operations with one of that name, one
in four sends it in that way. `make fuzz` sends all.
"""

from __future__ import annotations

import zlib
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData

_OTHERS = 16
_OPERATIONS, _FURTHER = 6, 4
_sent: dict[tuple[object, ...], int] = {}
_alike: dict[tuple[object, ...], int] = {}


@schemathesis.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    about = case.meta.phase.data if case.meta is not None else None
    if not isinstance(about, CoveragePhaseData):
        return True
    way = (about.scenario.value, about.parameter_location, about.parameter, about.location)
    edge = (case.operation.label, *way)
    before = _sent.get(edge, 0)
    _sent[edge] = before + 1
    if before > 0:
        return _one_in(_OTHERS, edge, before)
    if about.parameter_location in (None, ParameterLocation.BODY):
        return True
    alike = _alike.get(way, 0)
    _alike[way] = alike + 1
    return alike < _OPERATIONS or _one_in(_FURTHER, edge, 0)


def _one_in(many: int, *about: object) -> bool:
    return zlib.crc32(repr(about).encode()) % many == 0
