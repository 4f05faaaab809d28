"""Partitions and the DevAddrs that encode them, so that joins and data of a device meet in one process."""

from __future__ import annotations

import random
from collections.abc import Iterable

from veldnet.domain.partitions import PARTITION_BITS, PARTITIONS, partition_of_eui
from veldnet.lorawan import DevAddr, DevEui, NetId
from veldnet.lorawan.identifiers import address_prefix


class AddressSpace:
    """The addresses of a NetID. Its low bits name the partition; a small space has fewer partitions."""

    def __init__(self, net_id: NetId) -> None:
        self._prefix, self._prefix_bits = address_prefix(net_id)
        self._host_bits = 32 - self._prefix_bits
        # At least as many bits for addresses within a partition as for partitions.
        self.partition_bits = min(PARTITION_BITS, self._host_bits // 2)

    @property
    def partitions(self) -> int:
        return 1 << self.partition_bits

    def contains(self, dev_addr: DevAddr) -> bool:
        """Whether an address belongs to this network."""
        return int(dev_addr) >> self._host_bits == int(self._prefix) >> self._host_bits

    def partition_of_device(self, dev_eui: DevEui) -> int:
        return partition_of_eui(dev_eui) & (self.partitions - 1)

    def partition_of_address(self, dev_addr: DevAddr) -> int:
        return int(dev_addr) & (self.partitions - 1)

    def stored(self, partitions: Iterable[int]) -> frozenset[int]:
        """What `devices.partition` has, which knows nothing of NetIDs, for some partitions of this space."""
        wanted = frozenset(partitions)
        return frozenset(each for each in range(PARTITIONS) if each & (self.partitions - 1) in wanted)

    def allocate(self, dev_eui: DevEui, rng: random.Random) -> DevAddr:
        """A random address in the device's partition; others may use it too, the MIC distinguishes them."""
        host = rng.getrandbits(self._host_bits - self.partition_bits) << self.partition_bits
        return DevAddr(int(self._prefix) | host | self.partition_of_device(dev_eui))
