"""What became of each frame that a base station was to transmit: sent, or refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from veldnet.lorawan import BaseStationId

SENT = "SENT"
NO_ANSWER = "NO_ANSWER"
# Of each base station between two looks; base stations choose their words themselves.
_MOST_CAUSES = 24
_LONGEST = 32
_OTHER = "OTHER"
# Frequencies that are counted apart; frames on others count as one, at 0.
_MOST_CHANNELS = 96
_OTHERS = 0


class ChannelAirtime(msgspec.Struct, gc=False):
    """Frames that a base station has sent on a channel, or has not said that it did not; seconds on air."""

    frames: int = 0
    seconds: float = 0.0


class TransmitResults:
    """Counts by base station and result, for whoever takes them from time to time. `counts` says of which
    base stations: where there are several nodes, each counts what its own ones were to transmit."""

    def __init__(self) -> None:
        self.counts: Callable[[BaseStationId], bool] | None = None
        self._counts: dict[BaseStationId, Counter[str]] = {}
        # By frequency in kHz.
        self._channels: dict[BaseStationId, dict[int, ChannelAirtime]] = {}

    def count(self, base_station: BaseStationId, result: str) -> None:
        if self.counts is not None and not self.counts(base_station):
            return
        counts = self._counts.get(base_station)
        if counts is None:
            counts = self._counts[base_station] = Counter()
        result = result[:_LONGEST]
        if result not in counts and len(counts) >= _MOST_CAUSES:
            result = _OTHER
        counts[result] += 1

    def take(self) -> dict[BaseStationId, Counter[str]]:
        """What was counted since the last time."""
        taken, self._counts = self._counts, {}
        return taken

    def used(self, base_station: BaseStationId, frequency: int, seconds: float) -> None:
        """A base station was on air on a frequency in Hz, as far as anybody knows."""
        if self.counts is not None and not self.counts(base_station):
            return
        channels = self._channels.setdefault(base_station, {})
        key = (frequency + 500) // 1000
        if key not in channels and len(channels) >= _MOST_CHANNELS:
            key = _OTHERS
        channel = channels.setdefault(key, ChannelAirtime())
        channel.frames += 1
        channel.seconds += seconds

    def take_channels(self) -> dict[BaseStationId, dict[int, ChannelAirtime]]:
        """The use of channels since the last time, by frequency in kHz."""
        taken, self._channels = self._channels, {}
        return taken
