"""The channels of one network: a region's defaults and the extra ones its operator adds."""

from __future__ import annotations

from functools import cached_property

import msgspec

from .region import Channel, Region


class ChannelPlan(msgspec.Struct, frozen=True, dict=True):
    """A region with the network's extra channels; indexes continue after the region's defaults."""

    region: Region
    extra_channels: tuple[Channel, ...] = ()

    def __post_init__(self) -> None:
        if len(self.region.default_channels) + len(self.extra_channels) > self.region.max_channels:
            raise ValueError(f"{self.region.name} allows at most {self.region.max_channels} channels")

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        return self.region.default_channels + self.extra_channels

    @cached_property
    def _index_of(self) -> dict[int, int]:
        return {channel.frequency: index for index, channel in enumerate(self.channels)}

    def index_of(self, frequency: int) -> int | None:
        """Index of the channel on a frequency, within 50 kHz as base stations report it inexactly."""
        exact = self._index_of.get(frequency)
        if exact is not None:
            return exact
        for index, channel in enumerate(self.channels):
            if abs(channel.frequency - frequency) <= 50_000:
                return index
        return None

    @cached_property
    def mask(self) -> int:
        """ChMask with all channels of the plan on."""
        return (1 << len(self.channels)) - 1

    @cached_property
    def cf_list(self) -> bytes:
        """CFList type 0: the first five extra channels (RP002 §2.4.4); empty without extra channels."""
        if not self.extra_channels:
            return b""
        frequencies = [channel.frequency for channel in self.extra_channels[:5]]
        frequencies += [0] * (5 - len(frequencies))
        return b"".join((f // 100).to_bytes(3, "little") for f in frequencies) + b"\x00"
