"""Flows as they are held in memory, and what their messages are made of."""

from __future__ import annotations

from functools import cached_property

import msgspec

from veldnet.domain.devices import SHADOW, DeviceRow
from veldnet.domain.flows import FlowSettings
from veldnet.routing.ports import parse_ports


class Flow(msgspec.Struct, frozen=True, dict=True):
    """A flow. `profiles` are the numbers of its device profiles; None stands for all."""

    ref: int
    subscriber_ref: int
    settings: FlowSettings
    connections: tuple[int, ...]
    profiles: frozenset[int] | None = None

    @cached_property
    def ports(self) -> frozenset[int] | None:
        return parse_ports(self.settings.ports)

    @cached_property
    def tags(self) -> frozenset[str]:
        return frozenset(tag.casefold() for tag in self.settings.tags)

    def chooses(self, row: DeviceRow) -> bool:
        """Whether a device is one of the flow's."""
        settings, strategy = self.settings, row.processing_strategy or "ROUTE"
        if strategy == SHADOW:
            return False
        if self.profiles is not None and row.profile_ref not in self.profiles:
            return False
        if settings.strategies and strategy not in settings.strategies:
            return False
        return not self.tags or self.tags <= {tag.casefold() for tag in row.tags}

    def takes(self, fport: int | None) -> bool:
        """Whether an uplink on a port goes through; reports without one always do."""
        return fport is None or self.ports is None or fport in self.ports


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a record means to an application in a dialect. `event` is the dialect's word, `message`
    ThingPark's name of the same; `payload` is what a decoder may read."""

    event: str
    message: str
    document: dict[str, object]
    fport: int | None = None
    payload: bytes | None = None
    time: float = 0.0


class Decoding(msgspec.Struct, frozen=True):
    """What a decoder made of a payload: a value with warnings, or the reason why there is none."""

    value: object = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
