"""Packet error rate of a device, from the distances of its uplink counters.

Instant: over the last two distinct uplinks, 1 - 2 / (distance + 1). Mean: over at most fifty distinct
uplinks, 1 - distinct / (span + 1) (ThingPark 7.3), or smoothed with a factor (7.2). Both restart with a
session.
"""

from __future__ import annotations

from struct import unpack

WINDOW = 50
_MOST = 0xFFFF
# Weight of the newest value, by the version of ADR.
_SMOOTHING = {3: 0.15, 2: 0.05}


def remember(gaps: bytes, gap: int | None) -> bytes:
    """The distances with one more, at most one less than there are frames in the window."""
    if gap is None:
        return b""
    return (gaps + min(gap, _MOST).to_bytes(2, "little"))[-2 * (WINDOW - 1) :]


def instant(gap: int | None) -> float:
    """`gap` is the distance to the counter before; None for the first uplink of a session."""
    return 0.0 if gap is None else 1.0 - 2.0 / (gap + 1)


def mean(gaps: bytes) -> float:
    """Share of the frames between the first and the last of the window that did not arrive."""
    distinct = len(gaps) // 2 + 1
    span: int = sum(unpack(f"<{len(gaps) // 2}H", gaps))
    return 1.0 - distinct / (span + 1)


def smoothed(before: float, gap: int | None, adr_version: int) -> float:
    """ThingPark 7.2's mean."""
    if gap is None:
        return 0.0
    factor = _SMOOTHING[adr_version]
    return before * (1 - factor) + instant(gap) * factor
