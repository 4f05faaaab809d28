"""Bitmap of addresses with a session, 4 MB for the largest NetID.

With it a frame of a device that is not in memory is told from one of nobody without a question to the store.
Bits are only ever set: one too many costs a question, one too few would cost a device its uplinks.

Devices that were moved here with their sessions keep the address of another network. They have a bitmap of
their own, by the low bits of their addresses, which is made with the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Column, Connection, select

from veldnet.domain.partitions import PARTITIONS
from veldnet.lorawan import DevAddr, NetId
from veldnet.lorawan.identifiers import address_prefix
from veldnet.network.core.addressing import AddressSpace
from veldnet.store import Store
from veldnet.store.expressions import joined
from veldnet.store.schema import device_states

_PAGE = 5000
# Of addresses of other networks: 1 MB.
_FOREIGN_BITS = 23
_FOREIGN_MASK = (1 << _FOREIGN_BITS) - 1


class SessionAddresses:
    """The addresses of a NetID that have a session: all once `load` is over, before that those seen."""

    def __init__(self, net_id: NetId) -> None:
        self.space = AddressSpace(net_id)
        prefix, prefix_bits = address_prefix(net_id)
        self._host_bits = 32 - prefix_bits
        self._prefix = int(prefix) >> self._host_bits
        self._mask = (1 << self._host_bits) - 1
        self._bits = bytearray(((1 << self._host_bits) + 7) // 8)
        self._foreign = bytearray()
        self.complete = False

    def __contains__(self, dev_addr: DevAddr | int) -> bool:
        if dev_addr >> self._host_bits != self._prefix:
            low = dev_addr & _FOREIGN_MASK
            return bool(self._foreign) and bool(self._foreign[low >> 3] >> (low & 7) & 1)
        host = dev_addr & self._mask
        return bool(self._bits[host >> 3] >> (host & 7) & 1)

    def add(self, dev_addr: DevAddr | int) -> None:
        if dev_addr >> self._host_bits != self._prefix:
            if not self._foreign:
                self._foreign = bytearray((1 << _FOREIGN_BITS) >> 3)
            low = dev_addr & _FOREIGN_MASK
            self._foreign[low >> 3] |= 1 << (low & 7)
            return
        host = dev_addr & self._mask
        self._bits[host >> 3] |= 1 << (host & 7)

    async def load(self, store: Store) -> None:
        """Read the addresses of all stored sessions. Raises `StoreError`."""
        await self.load_of(store, None)
        self.complete = True

    async def load_of(self, store: Store, stored: frozenset[int] | None) -> None:
        """Those of some partitions; None for all."""
        for column in (device_states.c.dev_addr, device_states.c.pending_dev_addr):
            after = -1
            while page := await store.read(partial(_page, column, after, stored)):
                self._add_all(page)
                after = max(page)

    def _add_all(self, dev_addrs: Sequence[int]) -> None:
        bits, mask, host_bits, prefix = self._bits, self._mask, self._host_bits, self._prefix
        for dev_addr in dev_addrs:
            if dev_addr >> host_bits == prefix:
                host = dev_addr & mask
                bits[host >> 3] |= 1 << (host & 7)
            else:
                self.add(dev_addr)


def _page(
    column: Column[int], after: int, stored: frozenset[int] | None, connection: Connection
) -> Sequence[int]:
    """Some above an address: so the index has all of it, and no row with its state is read. They come as one
    text, which takes half the time of a row for each."""
    query = select(column).distinct().where(column > after)
    if stored is not None:
        # Sessions have addresses of the partition of their device.
        query = query.where((column % PARTITIONS).in_(sorted(stored)))
    some = query.order_by(column).limit(_PAGE).subquery()
    text = connection.execute(select(joined(some.c[0]))).scalar()
    return [*map(int, text.split(","))] if text else []
