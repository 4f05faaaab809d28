"""Partitions: every device belongs to one, by its DevEUI or, where it is personalised, by its DevAddr."""

from __future__ import annotations

from hashlib import blake2s

from veldnet.lorawan import DevAddr, DevEui

PARTITION_BITS = 6
PARTITIONS = 1 << PARTITION_BITS


def partition_of_eui(dev_eui: DevEui) -> int:
    """That of a device that joins: a hash, so that devices with consecutive DevEUIs are spread evenly."""
    digest = blake2s(dev_eui.to_wire(), digest_size=2).digest()
    return int.from_bytes(digest, "little") & (PARTITIONS - 1)


def partition_of_address(dev_addr: DevAddr | int) -> int:
    """That of an address, as its low bits say."""
    return int(dev_addr) & (PARTITIONS - 1)
