"""The LoRaWAN protocol, sans-IO: identifiers, keys, frames, encryption, MAC commands, regions, airtime.

Nothing here opens a socket, reads a clock or remembers anything; every function is a pure one.
"""

from .identifiers import BaseStationId, DevAddr, DevEui, GatewayEui, InvalidIdentifier, JoinEui, NetId
from .keys import AesKey, InvalidKey

__all__ = [
    "AesKey",
    "BaseStationId",
    "DevAddr",
    "DevEui",
    "GatewayEui",
    "InvalidIdentifier",
    "InvalidKey",
    "JoinEui",
    "NetId",
    "airtime",
    "class_b",
    "counters",
    "crypto",
    "device_code",
    "frames",
    "gpstime",
    "identifiers",
    "join",
    "mac_commands",
    "modulation",
    "packages",
    "radio",
    "regions",
]
