"""Which devices in memory have a session on an address, and whether the store has more.

An address that is here has sessions in memory, all of them unless it is among the incomplete; or it is
vacant, and the store knows no session on it. Of all others nothing is known.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from veldnet.domain.partitions import partition_of_address


class AddressIndex:
    """References of devices by DevAddr."""

    def __init__(self) -> None:
        # Nearly always one, which needs no tuple.
        self._refs: dict[int, int | tuple[int, ...]] = {}
        self._incomplete: set[int] = set()
        self._vacant: OrderedDict[int, None] = OrderedDict()

    def refs(self, dev_addr: int) -> tuple[int, ...]:
        """The devices in memory with a session on an address, in the order in which they came."""
        refs = self._refs.get(dev_addr, ())
        return refs if isinstance(refs, tuple) else (refs,)

    def all_refs(self, dev_addr: int) -> tuple[int, ...] | None:
        """The same, None where the store may have more."""
        refs = self._refs.get(dev_addr)
        if refs is None:
            return () if dev_addr in self._vacant else None
        if dev_addr in self._incomplete:
            return None
        return refs if isinstance(refs, tuple) else (refs,)

    def add(self, ref: int, dev_addrs: Iterable[int]) -> None:
        """Note sessions of a device. On an address of which nothing is known there may be others."""
        for dev_addr in dev_addrs:
            refs = self.refs(dev_addr)
            self._refs[dev_addr] = (*refs, ref) if refs else ref
            if dev_addr in self._vacant:
                del self._vacant[dev_addr]
            elif not refs:
                self._incomplete.add(dev_addr)

    def complete(self, dev_addr: int) -> None:
        """All sessions that the store has on an address have been added."""
        self._incomplete.discard(dev_addr)
        if dev_addr not in self._refs:
            self._vacant[dev_addr] = None

    def remove(self, ref: int, dev_addrs: Iterable[int]) -> None:
        """Take a device from addresses on which it has a session no longer."""
        for dev_addr in dev_addrs:
            refs = self.refs(dev_addr)
            left = tuple([each for each in refs if each != ref])
            if left:
                self._refs[dev_addr] = left[0] if len(left) == 1 else left
            elif refs:
                del self._refs[dev_addr]
                if dev_addr in self._incomplete:
                    self._incomplete.discard(dev_addr)
                else:
                    self._vacant[dev_addr] = None

    def ask_again(self, dev_addrs: Iterable[int]) -> None:
        """The store has sessions on addresses that are not in memory."""
        for dev_addr in dev_addrs:
            self._vacant.pop(dev_addr, None)
            if dev_addr in self._refs:
                self._incomplete.add(dev_addr)

    def trim(self, most: int) -> None:
        """Forget which addresses are vacant, those first that were found so first."""
        while len(self._vacant) > most:
            self._vacant.popitem(last=False)

    def forget_vacant(self, stored: frozenset[int]) -> None:
        """Devices of these partitions may be made elsewhere."""
        for dev_addr in [each for each in self._vacant if partition_of_address(each) in stored]:
            del self._vacant[dev_addr]

    def clear(self) -> None:
        self._refs.clear()
        self._incomplete.clear()
        self._vacant.clear()
