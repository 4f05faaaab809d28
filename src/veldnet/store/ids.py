"""Time-ordered 63-bit identifiers: 43 bits of Unix milliseconds, 6 bits of process, 14 bits of sequence."""

from __future__ import annotations

_SEQUENCE_BITS = 14
_PROCESS_BITS = 6
_SHIFT = _SEQUENCE_BITS + _PROCESS_BITS


class IdSource:
    """Gives strictly rising identifiers, also when the clock stands still or steps back."""

    def __init__(self, process: int = 0) -> None:
        self._process = process << _SEQUENCE_BITS
        self._millis = 0
        self._sequence = 0

    def next(self, now: float) -> int:
        """An identifier for something that happens at `now` (Unix seconds)."""
        # As times are printed.
        millis = round(now * 1000)
        if millis > self._millis:
            self._millis, self._sequence = millis, 0
        else:
            self._sequence += 1
            if self._sequence >> _SEQUENCE_BITS:
                self._millis, self._sequence = self._millis + 1, 0
        return self._millis << _SHIFT | self._process | self._sequence


def first_id_at(millis: int) -> int:
    """The smallest identifier that could have been given at a time; a bound for ranges."""
    return millis << _SHIFT


def millis_of(identifier: int) -> int:
    """Unix milliseconds at which an identifier was given."""
    return identifier >> _SHIFT
