"""The channels of one network: a region's own, the extra ones of its operator, or a choice among them."""

from __future__ import annotations

from functools import cached_property

import msgspec

from .region import Channel, ClassBTable, Region

# Base stations report frequencies inexactly.
_TOLERANCE = 50_000


class ChannelPlan(msgspec.Struct, frozen=True, dict=True):
    """A region as a network uses it.

    In a dynamic plan `extra_channels` follow the region's defaults. In a fixed plan `sub_bands` (1 to 8)
    choose eight channels of 125 kHz and one of 500 kHz each; without any, all channels are used.
    `rx2_data_rate` None is the region's.
    """

    region: Region
    extra_channels: tuple[Channel, ...] = ()
    sub_bands: tuple[int, ...] = ()
    rx2_data_rate: int | None = None

    def __post_init__(self) -> None:
        region = self.region
        if len(region.channels) + len(self.extra_channels) > region.max_channels:
            raise ValueError(f"{region.name} allows at most {region.max_channels} channels")
        if self.sub_bands and not region.fixed:
            raise ValueError(f"{region.name} has no sub-bands to choose from")
        last = region.narrow_channels // 8
        if any(not 1 <= number <= last for number in self.sub_bands):
            raise ValueError(f"{region.name} has sub-bands 1 to {last}")

    @property
    def served(self) -> bool:
        """Whether these are the channels of a region at all."""
        return self is not UNSERVED

    @cached_property
    def _earlier(self) -> dict[str, ChannelPlan]:
        return {
            revision: ChannelPlan(region, self.extra_channels, self.sub_bands, self.rx2_data_rate)
            for revision, region in self.region.earlier.items()
        }

    def of_revision(self, revision: str) -> ChannelPlan:
        """The plan for devices of a revision of the regional parameters."""
        earlier = self._earlier
        return earlier.get(revision, self) if earlier else self

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        return self.region.channels + self.extra_channels

    @cached_property
    def _indexes_of(self) -> dict[int, tuple[int, ...]]:
        found: dict[int, tuple[int, ...]] = {}
        for index, channel in enumerate(self.channels):
            found[channel.frequency] = (*found.get(channel.frequency, ()), index)
        return found

    def index_of(self, frequency: int) -> int | None:
        """Index of the channel on a frequency, None if there is none."""
        indexes = self.indexes_of(frequency)
        return indexes[0] if indexes else None

    def indexes_of(self, frequency: int) -> tuple[int, ...]:
        """Indexes of all channels on a frequency; several may differ in their data rates."""
        exact = self._indexes_of.get(frequency)
        if exact is not None:
            return exact
        for known, indexes in self._indexes_of.items():
            if abs(known - frequency) <= _TOLERANCE:
                return indexes
        return ()

    def uplink_index(self, frequency: int, data_rate: int | None) -> int | None:
        """Index of the channel on a frequency that allows a data rate."""
        for index in self.indexes_of(frequency):
            channel = self.channels[index]
            if data_rate is None or channel.min_dr <= data_rate <= channel.max_dr:
                return index
        return self.index_of(frequency)

    @cached_property
    def defined(self) -> int:
        """Mask of every channel there is."""
        return (1 << len(self.channels)) - 1

    @cached_property
    def mask(self) -> int:
        """Mask of the channels that the network uses."""
        if not self.sub_bands:
            return self.defined
        narrow = self.region.narrow_channels
        mask = 0
        for number in self.sub_bands:
            mask |= 0xFF << 8 * (number - 1)
            if narrow < len(self.region.channels):
                mask |= 1 << narrow + number - 1
        return mask

    @cached_property
    def cf_list(self) -> bytes:
        """CFList of the region's type (RP002 §2.4.4); empty where there is nothing to say.

        Type 0: the first five extra channels. Type 1: the channel mask.
        """
        if self.region.cf_list_type == 1:
            if self.mask == self.defined:
                return b""
            return self.mask.to_bytes(12, "little") + bytes(3) + b"\x01"
        if self.region.cf_list_type is None or not self.extra_channels:
            return b""
        frequencies = [channel.frequency for channel in self.extra_channels[:5]]
        frequencies += [0] * (5 - len(frequencies))
        return b"".join((f // 100).to_bytes(3, "little") for f in frequencies) + b"\x00"

    @property
    def wanted_rx2_data_rate(self) -> int:
        return self.region.rx2_data_rate if self.rx2_data_rate is None else self.rx2_data_rate


# Stands for the channels of a region that the network does not serve: it has no channel and no data rate, so
# that no frame belongs to it.
UNSERVED = ChannelPlan(
    Region(
        name="",
        revision="",
        channels=(),
        uplink={},
        downlink={},
        rx1={},
        rx2_frequency=0,
        rx2_data_rate=0,
        max_eirp=0,
        tx_power_steps=0,
        sub_bands=(),
        adr_max_data_rate=0,
        max_channels=0,
        controls={},
        cf_list_type=None,
        class_b=ClassBTable((), 0, (0, 0, 0), (), 0),
    )
)


def parse_cf_list(octets: bytes) -> tuple[tuple[int, ...], int | None]:
    """What a CFList says: frequencies in Hz of type 0 (0 where a slot is unused), or the mask of type 1.

    An empty list, and a type that is not known, say nothing, as TS001 wants. Raises `ValueError` for a
    length other than 0 and 16.
    """
    if len(octets) not in (0, 16):
        raise ValueError(f"a CFList has 16 octets, not {len(octets)}")
    if octets[15:] == b"\x00":
        return tuple(int.from_bytes(octets[n : n + 3], "little") * 100 for n in range(0, 15, 3)), None
    if octets[15:] == b"\x01":
        return (), int.from_bytes(octets[:12], "little")
    return (), None
