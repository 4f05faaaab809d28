"""Parity of fragmented data blocks (TS004): a parity fragment is the exclusive-or of half the fragments."""

from __future__ import annotations

from collections.abc import Sequence


def _prbs23(value: int) -> int:
    return value >> 1 | ((value ^ value >> 5) & 1) << 22


def parity_row(row: int, fragments: int, *, version: int = 1) -> list[int]:
    """Indexes of the fragments that parity fragment `row` (from 1) combines.

    Version 1 of the package counts an index drawn twice as two, version 2 draws again.
    """
    # The generator is weak for powers of two, so the specification draws modulo one more.
    modulus = fragments + (fragments & (fragments - 1) == 0)
    chosen: set[int] = set()
    drawn, value = 0, 1 + 1001 * row
    while drawn < fragments // 2:
        value = _prbs23(value)
        index = value % modulus
        if index >= fragments or (version >= 2 and index in chosen):
            continue
        chosen.add(index)
        drawn += 1
    return sorted(chosen)


def parity_fragment(parts: Sequence[bytes], row: int, *, version: int = 1) -> bytes:
    """Parity fragment `row` over fragments of equal size."""
    result = bytes(len(parts[0]))
    for index in parity_row(row, len(parts), version=version):
        result = bytes(a ^ b for a, b in zip(result, parts[index], strict=True))
    return result
