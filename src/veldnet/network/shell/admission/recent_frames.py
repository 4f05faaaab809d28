"""Frames accepted within the last seconds, by their bytes, to distinguish late copies from repeated frames.

A base station hears one transmission once. A copy through a base station that has not brought the frame yet,
or with the same timestamp as before, is of the transmission that was accepted. Another one through the same
base station was transmitted again, by the device or by somebody who recorded it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from veldnet.lorawan.radio import GatewayUplink

from .deduplication import MAX_COPIES

# Seconds for which a late copy is recognised, and how many frames are remembered.
HORIZON = 30.0
_MOST = 50_000


class Original(msgspec.Struct, gc=False):
    """An accepted frame: who brought it, and how many copies were added to it after its window.

    There are as many as frames come within a minute. `brought` has base stations and timestamps by turns, all
    of them plain numbers: so no search for garbage looks at any of this.
    """

    frame_id: int
    accepted_at: float
    brought: tuple[int | None, ...]
    late: int = 0

    @classmethod
    def of(cls, frame_id: int, copies: Sequence[GatewayUplink], now: float) -> Original:
        """What is remembered of a frame that is accepted now."""
        first = copies[0]
        brought: tuple[int | None, ...] = (int(first.base_station), first.timestamp)
        for copy in copies[1:]:
            brought = (*brought, int(copy.base_station), copy.timestamp)
        return cls(frame_id, now, brought)

    def is_of(self, copy: GatewayUplink) -> bool:
        """Whether a copy with the same octets is of the same transmission."""
        return all(
            station != copy.base_station or (timestamp is not None and timestamp == copy.timestamp)
            for station, timestamp in zip(self.brought[::2], self.brought[1::2], strict=True)
        )

    def heard_by(self, copy: GatewayUplink) -> None:
        """Note a copy that came while the window of the frame was remembered."""
        self.brought = (*self.brought, int(copy.base_station), copy.timestamp)

    def add(self, copy: GatewayUplink) -> int:
        """Take a late copy; returns the number of its part, behind those that the window has numbered."""
        self.heard_by(copy)
        self.late += 1
        return MAX_COPIES + self.late


class RecentFrames:
    """Times are seconds of any one clock. What is older than the horizon is forgotten in two generations."""

    def __init__(self) -> None:
        self._new: dict[bytes, Original] = {}
        self._old: dict[bytes, Original] = {}
        self._since = 0.0

    def accepted(self, frame_id: int, copies: Sequence[GatewayUplink], now: float) -> None:
        """Remember a frame; of one that was repeated, who brought the repetition."""
        phy_payload = copies[0].phy_payload
        known = self.find(phy_payload)
        if known is not None and now - known.accepted_at <= HORIZON:
            for copy in copies:
                known.heard_by(copy)
            return
        if now - self._since > HORIZON or len(self._new) >= _MOST:
            self._new, self._old, self._since = {}, self._new, now
        self._new[phy_payload] = Original.of(frame_id, copies, now)

    def find(self, phy_payload: bytes) -> Original | None:
        return self._new.get(phy_payload) or self._old.get(phy_payload)

    def original_of(self, copies: Sequence[GatewayUplink], now: float) -> Original | None:
        """The accepted frame of which these are late copies, all of them."""
        original = self.find(copies[0].phy_payload)
        if original is None or not 0 <= now - original.accepted_at <= HORIZON:
            return None
        if original.late + len(copies) > MAX_COPIES:
            return None
        return original if all(original.is_of(copy) for copy in copies) else None
