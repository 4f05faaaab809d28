"""Which frames are admitted while anybody can forge more of them than the network can serve.

A device with a session is never dropped: frames on an address that has a session are admitted through every
base station. Through one that floods, the MIC of such a frame is checked at once, before it costs a window, a
judgement and a record; a device that is not in memory is loaded first, within a budget of its base station.
All other frames are of unknown devices, each of whom costs a question to the store or the vault, and
their number is limited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.shell.devices import DeviceTable

from .deduplication import ReceivedType
from .flood_guard import FloodGuard
from .refusals import Refusals

# MHDR of uplinks that carry data.
_DATA_UP = (0x40, 0x80)
# Devices that are loaded each second for frames through a base station that floods.
LOADS_PER_SECOND = 500.0
# What a recorded frame that is sent again looks like.
_REPLAYED = ("counter_replayed", "repeated_too_often")


class Verdict(Enum):
    """What becomes of a frame: its address has a session, it is of an unknown device, or it is dropped."""

    KNOWN = 0
    UNKNOWN = 1
    DROPPED = 2


class _Budget:
    """So many a second, and at most a second's worth at once."""

    __slots__ = ("at", "left")

    def __init__(self, now: float) -> None:
        self.left = LOADS_PER_SECOND
        self.at = now

    def take(self, now: float) -> bool:
        self.left = min(self.left + max(now - self.at, 0.0) * LOADS_PER_SECOND, LOADS_PER_SECOND)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class FrameGate:
    """Judges frames before a window opens for them. Base station protocols ask it, too, before they read one.

    `counter_of` judges a data frame by the sessions in memory: None where its MIC fits none of them, else how
    its counter was found. `most_unknown` frames of unknown devices are admitted from one base station within
    a window.
    """

    def __init__(
        self,
        devices: DeviceTable,
        refusals: Refusals,
        counter_of: Callable[[GatewayUplink, DataFrame], str | None],
        most_unknown: int,
    ) -> None:
        self._known = devices.session_addresses
        self._devices = devices
        self._refusals = refusals
        self._counter_of = counter_of
        self._most_unknown = most_unknown
        # Open windows of frames of unknown devices, by the base station that came first.
        self._unknown: Counter[BaseStationId] = Counter()
        self._budgets: dict[BaseStationId, _Budget] = {}

    @property
    def floods(self) -> FloodGuard:
        """The scores of base stations."""
        return self._refusals.guard

    def judge(self, uplink: GatewayUplink, frame: ReceivedType, now: float) -> Verdict:
        """Whether a frame is admitted; one that is dropped is counted. Call `window_closed` when the window
        of a frame of an unknown device closes."""
        station = uplink.base_station
        if isinstance(frame, DataFrame) and frame.dev_addr in self._known:
            if not self.throttles(station, now) or self._is_worth_it(uplink, frame, now):
                return Verdict.KNOWN
            return Verdict.DROPPED
        if self._unknown[station] >= self._most_unknown or self.throttles(station, now):
            self._refusals.dropped(uplink)
            return Verdict.DROPPED
        self._unknown[station] += 1
        self._refusals.admitted(uplink)
        return Verdict.UNKNOWN

    def window_closed(self, base_station: BaseStationId) -> None:
        """The window of a frame of an unknown device has closed."""
        self._unknown[base_station] -= 1
        if not self._unknown[base_station]:
            del self._unknown[base_station]

    def _is_worth_it(self, uplink: GatewayUplink, frame: DataFrame, now: float) -> bool:
        """Whether a frame on an address with a session may be genuine, though its base station floods."""
        counter = self._counter_of(uplink, frame)
        if counter is not None and counter not in _REPLAYED:
            return True
        if counter is not None or self._devices.on_address(frame.dev_addr) is not None:
            self._refusals.forged(uplink, counter or "wrong_mic")
            return False
        budget = self._budgets.get(uplink.base_station)
        if budget is None:
            budget = self._budgets[uplink.base_station] = _Budget(now)
        if budget.take(now):
            return True
        self._refusals.dropped(uplink)
        return False

    # For base station protocols.

    def throttles(self, base_station: BaseStationId, now: float) -> bool:
        """Whether a base station floods, so that frames of unknown devices through it are dropped."""
        return self._refusals.guard.floods(base_station, now)

    def drops_unread(self, head: bytes) -> bool:
        """Whether a frame that begins so, MHDR and five more octets, is of an unknown device; it is counted
        then."""
        if head[0] in _DATA_UP and int.from_bytes(head[1:5], "little") in self._known:
            return False
        self._refusals.count_dropped()
        return True
