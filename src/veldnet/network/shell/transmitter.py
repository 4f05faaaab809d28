"""Sends downlinks to base stations and tracks them until they are confirmed, refused or time out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport
from veldnet.network.core.air_schedule import AirSchedule
from veldnet.network.core.events import Transmit
from veldnet.network.core.transmission import Attempt, Done, Held, Step, begin, report, resume, silence

from .entries import Entry
from .runtime import Runtime


class Transmitter:
    """`send` gives a frame to a base station; `done(device_ref, token, outcome)` is called when it ended."""

    def __init__(
        self,
        runtime: Runtime,
        send: Callable[[GatewayDownlink], None],
        done: Callable[[int, int, Done], None],
        air: AirSchedule,
        *,
        lead: float,
        timeout: float,
    ) -> None:
        self._clock = runtime.clock
        self._counters = runtime.counters
        self._send = send
        self._done = done
        self._lead = lead
        self._timeout = timeout
        self.air = air
        self._attempts: dict[int, tuple[int, Attempt, asyncio.TimerHandle]] = {}

    def transmit(self, entry: Entry, effect: Transmit) -> None:
        """Do the effect."""
        self.transmit_for(entry.device.row.ref, effect)

    def transmit_for(self, ref: int, effect: Transmit) -> None:
        """The same for a device, or a multicast group, that is known by a number."""
        now = self._clock()
        effect = replace(effect, windows=self.air.in_order(effect.windows, now))
        step = begin(effect, now, self._lead, self.air)
        self._follow(ref, step, effect.token, self._counters.committed_at)

    def _follow(self, device_ref: int, step: Step, token: int, decided: float | None = None) -> None:
        if isinstance(step, Done):
            self._done(device_ref, token, step)
            return
        now, attempt = self._clock(), step.attempt
        loop = asyncio.get_running_loop()
        if isinstance(step, Held):
            timer = loop.call_later(max(step.until - now, 0.0), self._resume, token)
            self._attempts[token] = (device_ref, attempt, timer)
            return
        frame = _frame(token, attempt, decided)
        window, second, size = frame.window, frame.second, len(frame.phy_payload)
        self.air.book(window, size, token, now)
        if second is not None:
            # Only one of the two will be used; the other is given back when the base station has said which.
            self.air.book(second, size, token, now)
        wait = max((second or window).opens_at - now, 0.0) + self._timeout
        timer = loop.call_later(wait, self._timed_out, token)
        self._attempts[token] = (device_ref, attempt, timer)
        self._send(frame)

    def reported(self, answer: TransmitReport) -> bool:
        """A base station's answer; one to a downlink that is over, or at another one, is ignored. False where
        it is to none that is under way here."""
        found = self._attempts.get(answer.token)
        if found is None:
            return False
        device_ref, attempt, timer = found
        window = attempt.current
        if window is None or window.base_station != answer.base_station:
            return True
        del self._attempts[answer.token]
        timer.cancel()
        now = self._clock()
        self.air.answered(_frame(answer.token, attempt), answer.error, second=answer.second)
        if answer.error is not None:
            self.air.radios.learn(window, answer.error, now)
        step = report(attempt, answer.error, now, self._lead, self.air, second=answer.second)
        self._follow(device_ref, step, answer.token)
        return True

    def _resume(self, token: int) -> None:
        device_ref, attempt, _timer = self._attempts.pop(token)
        self._follow(device_ref, resume(attempt, self._clock(), self._lead, self.air), token)

    def unanswered(self, base_stations: Collection[BaseStationId]) -> None:
        """Nobody will answer for base stations: do not wait until they would have."""
        for token, (_ref, attempt, timer) in list(self._attempts.items()):
            if attempt.current is not None and attempt.current.base_station in base_stations:
                timer.cancel()
                self._timed_out(token)

    def _timed_out(self, token: int) -> None:
        device_ref, attempt, _timer = self._attempts.pop(token)
        self.air.unanswered(_frame(token, attempt))
        self._follow(device_ref, silence(attempt, self._clock(), self._lead, self.air), token)

    def in_flight(self, token: int) -> bool:
        return token in self._attempts

    def close(self) -> None:
        for _ref, _attempt, timer in self._attempts.values():
            timer.cancel()
        self._attempts.clear()


def _frame(token: int, attempt: Attempt, decided: float | None = None) -> GatewayDownlink:
    """What a base station is given for an attempt that is under way."""
    assert attempt.current is not None
    return GatewayDownlink(token, attempt.transmit.phy_payload, attempt.current, attempt.second, decided)
