"""Rebuilds a data block from fragments (TS004), some of which were lost: Gaussian elimination over GF(2)."""

from __future__ import annotations

from veldnet.lorawan.packages.parity import parity_row


class OutOfMemory(Exception):
    """More fragments were lost than the device has room to repair."""


class FragmentDecoder:
    """A block of `count` fragments of `size` octets. `memory` is how many lost fragments there is room for,
    as a device has a matrix of fixed size; `version` that of the package."""

    def __init__(self, count: int, size: int, *, memory: int, version: int = 1) -> None:
        self.count, self.size = count, size
        self.received = 0
        self._memory = memory
        self._version = version
        # An equation for each fragment that is lowest in one: which fragments it combines, and their sum.
        self._equations: dict[int, tuple[int, int]] = {}
        self._plain: set[int] = set()

    @property
    def missing(self) -> int:
        """Independent fragments that are still needed."""
        return self.count - len(self._equations)

    def add(self, number: int, data: bytes) -> None:
        """Take fragment `number`, from 1; those beyond the count are parity. Raises `OutOfMemory`."""
        if len(data) != self.size or number < 1:
            return
        self.received += 1
        if number <= self.count:
            if number - 1 in self._plain:
                return
            self._plain.add(number - 1)
            self._solve(1 << number - 1, int.from_bytes(data))
            return
        # Once parity comes, what has not come before it is lost.
        if self.count - len(self._plain) > self._memory:
            raise OutOfMemory
        row = parity_row(number - self.count, self.count, version=self._version)
        self._solve(sum(1 << index for index in row), int.from_bytes(data))

    def _solve(self, combined: int, value: int) -> None:
        """Bring an equation into echelon form; one that follows from the others says nothing new."""
        while combined:
            lowest = (combined & -combined).bit_length() - 1
            known = self._equations.get(lowest)
            if known is None:
                self._equations[lowest] = combined, value
                return
            combined ^= known[0]
            value ^= known[1]

    def block(self) -> bytes | None:
        """All fragments one behind the other, None while some are missing."""
        if self.missing:
            return None
        values: dict[int, int] = {}
        for lowest in sorted(self._equations, reverse=True):
            combined, value = self._equations[lowest]
            rest = combined ^ 1 << lowest
            while rest:
                index = (rest & -rest).bit_length() - 1
                value ^= values[index]
                rest ^= 1 << index
            values[lowest] = value
        return b"".join(values[index].to_bytes(self.size) for index in range(self.count))
