"""One attempt to have base stations send a frame of a group: each gets it when its turn comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from veldnet.network.core.air_schedule import RADIO_BUSY
from veldnet.network.core.events import Transmit
from veldnet.network.core.multicast import Planned
from veldnet.network.core.transmission import SUCCESS, TOO_LATE, Done

# Seconds before a base station that was busy is asked again within its turn.
_BUSY_PAUSE = 0.5


class AttemptParts(msgspec.Struct, frozen=True):
    """`transmit` hands a frame to a base station, `token` gives it a number, `clock` is Unix seconds; `done`
    takes what became of the frame by base station."""

    clock: Callable[[], float]
    token: Callable[[], int]
    transmit: Callable[[Transmit], None]
    done: Callable[[dict[int, str]], None]


class Attempt:
    """Ends by itself once every base station has answered, or can no longer."""

    def __init__(self, parts: AttemptParts, phy_payload: bytes, planned: Sequence[Planned]) -> None:
        self._parts = parts
        self._phy_payload = phy_payload
        self._left = {int(turn.window.base_station) for turn in planned}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._under_way: dict[int, Planned] = {}
        self.causes: dict[int, str] = {}
        loop, now = asyncio.get_running_loop(), parts.clock()
        for turn in planned:
            delay = max(turn.at - now, 0.0)
            self._timers[int(turn.window.base_station)] = loop.call_later(delay, self._send, turn)

    def _send(self, turn: Planned) -> None:
        self._timers.pop(int(turn.window.base_station), None)
        token = self._parts.token()
        self._under_way[token] = turn
        self._parts.transmit(Transmit(token, self._phy_payload, (turn.window,)))

    def transmitted(self, token: int, outcome: Done) -> bool:
        """Take what became of a transmission; False where it is none of this attempt."""
        turn = self._under_way.pop(token, None)
        if turn is None:
            return False
        cause = cause_of(outcome)
        station = int(turn.window.base_station)
        again_at = self._parts.clock() + _BUSY_PAUSE
        if cause == RADIO_BUSY and turn.window.immediate and again_at + _BUSY_PAUSE < turn.until:
            loop = asyncio.get_running_loop()
            self._timers[station] = loop.call_later(_BUSY_PAUSE, self._send, turn)
            return True
        self.causes[station] = cause
        self._left.discard(station)
        if not self._left:
            self._parts.done(self.causes)
        return True

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._under_way.clear()


def cause_of(outcome: Done) -> str:
    """The delivery-failure cause of a transmission in the one slot that it had; `00` where it was sent."""
    if outcome.delivered:
        return SUCCESS
    causes = (outcome.cause_ping, outcome.cause_rx2, outcome.cause_rx1)
    return next((cause for cause in causes if cause != SUCCESS), TOO_LATE)
