"""What was measured at a base station in an hour, and how such hours are added up."""

from __future__ import annotations

import msgspec

# Hours and outages are kept for so many days.
KEPT_DAYS = 35
# Results of downlinks that are counted.
_MOST_RESULTS = 24
_OTHER = "OTHER"
# Frequencies that are counted apart; frames on others count as one, at 0.
_MOST_CHANNELS = 96
_OTHERS = 0


class Spread(msgspec.Struct, array_like=True, gc=False):
    """Values of which number, sum and extremes are kept."""

    count: int = 0
    total: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0

    def add(self, other: Spread) -> None:
        if not other.count:
            return
        if self.count:
            self.lowest = min(self.lowest, other.lowest)
            self.highest = max(self.highest, other.highest)
        else:
            self.lowest, self.highest = other.lowest, other.highest
        self.count += other.count
        self.total += other.total

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


class Levels(msgspec.Struct, array_like=True, gc=False):
    """Levels in tenths of a dB, as `Spread`; whole numbers, of which there are many, are short."""

    count: int = 0
    total: int = 0
    lowest: int = 0
    highest: int = 0

    def add(self, other: Levels) -> None:
        if not other.count:
            return
        self.lowest = min(self.lowest, other.lowest) if self.count else other.lowest
        self.highest = max(self.highest, other.highest) if self.count else other.highest
        self.count += other.count
        self.total += other.total


class Channel(msgspec.Struct, array_like=True, gc=False):
    """A channel: frames heard, their RSSI and SNR; frames sent, and milliseconds on air with them."""

    frames: int = 0
    rssi: Levels = msgspec.field(default_factory=Levels)
    snr: Levels = msgspec.field(default_factory=Levels)
    downlinks: int = 0
    airtime: int = 0

    def add(self, other: Channel) -> None:
        self.frames += other.frames
        self.rssi.add(other.rssi)
        self.snr.add(other.snr)
        self.downlinks += other.downlinks
        self.airtime += other.airtime


class Measures(msgspec.Struct, omit_defaults=True):
    """Packets by status reports, and how many of them were broken or passed on; restarts; downlinks by
    result; the highest share of an hour on air by sub-band; channels by their frequency in kHz; acknowledged
    shares, seconds of the way there and back, seconds of its clock ahead of ours, degrees Celsius."""

    packets: int = 0
    bad_packets: int = 0
    forwarded: int = 0
    restarts: int = 0
    downlinks: dict[str, int] = {}
    duty_cycle: dict[str, float] = {}
    channels: dict[int, Channel] = {}
    acknowledged: Spread = msgspec.field(default_factory=Spread)
    round_trip: Spread = msgspec.field(default_factory=Spread)
    clock_offset: Spread = msgspec.field(default_factory=Spread)
    temperature: Spread = msgspec.field(default_factory=Spread)

    def add(self, other: Measures) -> None:
        self.packets += other.packets
        self.bad_packets += other.bad_packets
        self.forwarded += other.forwarded
        self.restarts += other.restarts
        for result, count in other.downlinks.items():
            known = result in self.downlinks or len(self.downlinks) < _MOST_RESULTS
            name = result if known else _OTHER
            self.downlinks[name] = self.downlinks.get(name, 0) + count
        for band, share in other.duty_cycle.items():
            self.duty_cycle[band] = max(self.duty_cycle.get(band, 0.0), share)
        for frequency, channel in other.channels.items():
            known = frequency in self.channels or len(self.channels) < _MOST_CHANNELS
            self.channels.setdefault(frequency if known else _OTHERS, Channel()).add(channel)
        self.acknowledged.add(other.acknowledged)
        self.round_trip.add(other.round_trip)
        self.clock_offset.add(other.clock_offset)
        self.temperature.add(other.temperature)


class Hour(msgspec.Struct):
    """Milliseconds for which a base station was watched, and of these away; and what was measured."""

    observed: int = 0
    down: int = 0
    measures: Measures = msgspec.field(default_factory=Measures)

    def add(self, other: Hour) -> None:
        self.observed += other.observed
        self.down += other.down
        self.measures.add(other.measures)

    @property
    def connected(self) -> float | None:
        """The share of the time for which it was there."""
        return None if self.observed <= 0 else min(max(1 - self.down / self.observed, 0.0), 1.0)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Measures)


def encode_measures(measures: Measures) -> bytes:
    return _encoder.encode(measures)


def decode_measures(octets: bytes) -> Measures:
    return _decoder.decode(octets)
