"""A file as fragments, and the parity behind them (TS004)."""

from __future__ import annotations

from veldnet.lorawan.packages.fragmentation import MAX_FRAGMENTS
from veldnet.lorawan.packages.parity import parity_row

# Octets of a file.
MAX_SIZE = 512 << 10
# Parity fragments that are kept.
_KEPT = 256


class Block:
    """The last fragment is padded with zeros."""

    def __init__(self, content: bytes, fragment_size: int, version: int = 1) -> None:
        self.fragment_size, self.version, self.size = fragment_size, version, len(content)
        self.count = count_of(len(content), fragment_size)
        self.padding = self.count * fragment_size - len(content)
        self._content = content + bytes(self.padding)
        self._parts: list[int] | None = None
        self._parity: dict[int, bytes] = {}

    @property
    def content(self) -> bytes:
        """The file."""
        return self._content[: self.size]

    @property
    def most(self) -> int:
        """How far fragments can be numbered."""
        return MAX_FRAGMENTS

    def fragment(self, number: int) -> bytes:
        """Fragment `number`, from 1; those beyond the count are parity."""
        size = self.fragment_size
        if number <= self.count:
            return self._content[(number - 1) * size : number * size]
        row = number - self.count
        known = self._parity.get(row)
        if known is None:
            if len(self._parity) >= _KEPT:
                # The oldest: devices ask for the same rows at about the same time.
                self._parity.pop(next(iter(self._parity)))
            known = self._parity[row] = self._combined(row)
        return known

    def _combined(self, row: int) -> bytes:
        if self._parts is None:
            self._parts = [int.from_bytes(self.fragment(n)) for n in range(1, self.count + 1)]
        value = 0
        for index in parity_row(row, self.count, version=self.version):
            value ^= self._parts[index]
        return value.to_bytes(self.fragment_size)


def count_of(size: int, fragment_size: int) -> int:
    """Fragments of a file."""
    return -(-size // fragment_size)
