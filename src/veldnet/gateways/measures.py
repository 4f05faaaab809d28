"""What is measured at a base station between two looks: figures that its frames do not tell."""

from __future__ import annotations

import math

# Frequencies that are counted apart; frames on others count as one, at 0.
_MOST_CHANNELS = 96
_OTHERS = 0


class Spread:
    """Values of which number, sum and extremes are kept."""

    __slots__ = ("count", "highest", "lowest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.lowest = math.inf
        self.highest = -math.inf

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        if value < self.lowest:
            self.lowest = value
        if value > self.highest:
            self.highest = value


class HeardChannel:
    """What was heard on a channel: how many frames, and their RSSI in dBm and SNR in dB where they were
    said."""

    __slots__ = ("frames", "rssi", "snr")

    def __init__(self) -> None:
        self.frames = 0
        self.rssi = Spread()
        self.snr = Spread()


class Measures:
    """Since the last look: frames by the frequency in kHz on which they were heard, packets by its status
    reports, the shares of its messages that were acknowledged, seconds of the way to it and back, seconds
    that its GPS clock is ahead of ours (a frame's way to us makes it seem behind), degrees Celsius, and how
    often it has started again."""

    __slots__ = (
        "acknowledged",
        "bad_packets",
        "channels",
        "clock_offset",
        "forwarded",
        "packets",
        "restarts",
        "round_trip",
        "temperature",
    )

    def __init__(self) -> None:
        self.channels: dict[int, HeardChannel] = {}
        self.packets = 0
        self.bad_packets = 0
        self.forwarded = 0
        self.restarts = 0
        self.acknowledged = Spread()
        self.round_trip = Spread()
        self.clock_offset = Spread()
        self.temperature = Spread()

    def heard(self, frequency: int, rssi: float | None, snr: float | None) -> None:
        """A frame on a frequency in Hz."""
        key = (frequency + 500) // 1000
        channel = self.channels.get(key)
        if channel is None:
            if len(self.channels) >= _MOST_CHANNELS:
                key = _OTHERS
            channel = self.channels.setdefault(key, HeardChannel())
        channel.frames += 1
        if rssi is not None and snr is not None:
            channel.rssi.add(rssi)
            channel.snr.add(snr)
