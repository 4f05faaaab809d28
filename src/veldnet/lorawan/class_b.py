"""Class B timing: ping slots and the beacon's checksums (TS001-1.0.4 §12 to §15). Times are GPS seconds."""

from __future__ import annotations

import binascii

from .crypto import aes_encrypt
from .identifiers import DevAddr
from .keys import AesKey

BEACON_PERIOD = 128.0
BEACON_RESERVED = 2.120
BEACON_GUARD = 3.0
SLOT = 0.030
SLOTS_PER_PERIOD = 4096

_ZERO_KEY = AesKey(bytes(16))


def ping_offset(beacon_time: int, dev_addr: DevAddr, ping_period: int) -> int:
    """First slot of a device in the beacon period that starts at `beacon_time`; `ping_period` in slots."""
    rand = aes_encrypt(_ZERO_KEY, beacon_time.to_bytes(4, "little") + dev_addr.to_wire() + bytes(8))
    return (rand[0] + 256 * rand[1]) % ping_period


def ping_slot_time(beacon_time: int, dev_addr: DevAddr, ping_nb: int, slot: int) -> float:
    """Start of the device's ping slot number `slot` (0 to `ping_nb` - 1)."""
    period = SLOTS_PER_PERIOD // ping_nb
    return beacon_time + BEACON_RESERVED + (ping_offset(beacon_time, dev_addr, period) + slot * period) * SLOT


def next_ping_slot(after: float, dev_addr: DevAddr, ping_nb: int) -> float:
    """Start of the first ping slot not before `after`."""
    beacon_time = int(after // BEACON_PERIOD * BEACON_PERIOD)
    while True:
        for slot in range(ping_nb):
            start = ping_slot_time(beacon_time, dev_addr, ping_nb, slot)
            if start >= after:
                return start
        beacon_time += int(BEACON_PERIOD)


def beacon_crc(octets: bytes) -> int:
    """CRC-16 of a part of the beacon: polynomial 0x1021, initial value 0; sent low octet first."""
    return binascii.crc_hqx(octets, 0)
