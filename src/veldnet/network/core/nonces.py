"""All DevNonces of a device in at most 8 KiB: a sorted list while short, a bitmap when long.

Before 1.0.4 a DevNonce is random and may be used once; there are 65,536 of them (TS001-1.0.3 §6.2.4).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

_BITMAP = 65536 // 8


def _values(stored: bytes) -> array[int]:
    values = array("H")
    values.frombytes(stored)
    return values


def contains(stored: bytes, nonce: int) -> bool:
    """Whether a nonce has been used."""
    if len(stored) == _BITMAP:
        return bool(stored[nonce >> 3] & 1 << (nonce & 7))
    values = _values(stored)
    position = bisect_left(values, nonce)
    return position < len(values) and values[position] == nonce


def values(stored: bytes) -> list[int]:
    """All nonces that have been used, the lowest first."""
    if len(stored) == _BITMAP:
        return [nonce for nonce in range(65536) if stored[nonce >> 3] & 1 << (nonce & 7)]
    return list(_values(stored))


def add(stored: bytes, nonce: int) -> bytes:
    """The memory with one nonce more."""
    if contains(stored, nonce):
        return stored
    if len(stored) == _BITMAP:
        bitmap = bytearray(stored)
        bitmap[nonce >> 3] |= 1 << (nonce & 7)
        return bytes(bitmap)
    values = _values(stored)
    values.insert(bisect_left(values, nonce), nonce)
    if len(values) * 2 < _BITMAP:
        return values.tobytes()
    bitmap = bytearray(_BITMAP)
    for value in values:
        bitmap[value >> 3] |= 1 << (value & 7)
    return bytes(bitmap)
