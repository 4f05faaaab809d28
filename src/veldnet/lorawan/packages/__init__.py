"""Application packages of the LoRa Alliance: commands that a device and the network exchange as payload."""

from .clock_sync import CLOCK_SYNC
from .command import (
    Package,
    PackageCommand,
    PackageStream,
    PackageVersionAns,
    PackageVersionReq,
    parse,
    serialise,
)
from .firmware import FIRMWARE
from .fragmentation import FRAGMENTATION
from .multicast_setup import MULTICAST_SETUP

__all__ = [
    "CLOCK_SYNC",
    "FIRMWARE",
    "FRAGMENTATION",
    "MULTICAST_SETUP",
    "Package",
    "PackageCommand",
    "PackageStream",
    "PackageVersionAns",
    "PackageVersionReq",
    "clock_sync",
    "firmware",
    "fragmentation",
    "multicast_keys",
    "multicast_setup",
    "parity",
    "parse",
    "serialise",
]
