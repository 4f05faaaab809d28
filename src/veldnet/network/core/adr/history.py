"""History of uplinks for ADR, packed into five bytes each."""

from __future__ import annotations

import struct

HISTORY = 20
_SAMPLE = struct.Struct("<Ib")
SIZE = _SAMPLE.size
# Stands for a frame that fewer base stations heard than the plan wants.
UNHEARD = -32.0


def remember(history: bytes, fcnt: int, snr: float) -> bytes:
    """The history with one uplink more, at most HISTORY long; SNR in steps of a quarter dB."""
    sample = _SAMPLE.pack(fcnt, max(-128, min(127, round(snr * 4))))
    return (history + sample)[-HISTORY * SIZE :]


def count(history: bytes) -> int:
    """How many uplinks a history holds."""
    return len(history) // SIZE


def samples(history: bytes) -> list[tuple[int, float]]:
    """(FCnt, SNR in dB) of each remembered uplink, oldest first."""
    return [(fcnt, quarter / 4) for fcnt, quarter in _SAMPLE.iter_unpack(history)]


def loss(history: bytes) -> float:
    """Share of frames missing between the first and last counter of a history."""
    first = int.from_bytes(history[:4], "little")
    last = int.from_bytes(history[-SIZE:-1], "little")
    return 1 - count(history) / (last - first + 1)


def best_snr(history: bytes) -> float:
    """Highest SNR of a history in dB."""
    # Adding 128 turns signed octets into unsigned ones of the same order.
    shifted = history[SIZE - 1 :: SIZE].translate(_SIGN_FLIPPED)
    return (max(shifted) - 128) / 4


_SIGN_FLIPPED = bytes((value + 128) % 256 for value in range(256))
