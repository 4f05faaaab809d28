"""Frame counters: 16 bits on air, 32 bits in the session (TS001-1.0.4 §4.3.1.5)."""

from __future__ import annotations

MAX_FCNT_GAP = 16384
MAX_FCNT = 0xFFFF_FFFF


def extend(last: int | None, fcnt16: int, *, wide: bool = True) -> int:
    """The smallest full counter not below `last` whose low 16 bits are `fcnt16`.

    `last` is None before the first frame. `wide` False is for devices with 16-bit counters, whose full
    counter is what travels on air.
    """
    if last is None or not wide:
        return fcnt16
    full = (last & 0xFFFF0000) | fcnt16
    return full if full >= last else full + 0x10000
