"""Which base stations belong to the network, and which others knocked."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import msgspec

from veldnet.lorawan import BaseStationId, GatewayEui

_MAX_UNKNOWN = 1000


class UnknownBaseStation(msgspec.Struct):
    """A base station that is not registered."""

    address: str
    datagrams: int
    last_seen_at: float


class BaseStationDirectory(Protocol):
    """Registered base stations by the EUI they present."""

    def find(self, gateway: GatewayEui) -> BaseStationId | None: ...


class Presence:
    """Who was seen when. Base stations that are not registered are counted, and forgotten when too many."""

    def __init__(self) -> None:
        self.last_seen: dict[BaseStationId, float] = {}
        self.unknown: OrderedDict[GatewayEui, UnknownBaseStation] = OrderedDict()

    def seen(self, base_station: BaseStationId, now: float) -> None:
        self.last_seen[base_station] = now

    def refused(self, gateway: GatewayEui, address: str, now: float) -> None:
        known = self.unknown.get(gateway)
        if known is None:
            if len(self.unknown) >= _MAX_UNKNOWN:
                self.unknown.popitem(last=False)
            self.unknown[gateway] = UnknownBaseStation(address, 1, now)
        else:
            known.address, known.last_seen_at = address, now
            known.datagrams += 1
