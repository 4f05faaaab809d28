"""Hands downlinks to base stations and follows them until a base station has spoken, or did not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veldnet.lorawan.radio import GatewayDownlink, TransmitReport

from .events import Transmit
from .transmission import Attempt, Done, Handed, begin, report, silence


class Transmitter:
    """`send` gives a frame to a base station; `done(device_ref, token, outcome)` hears how it ended."""

    def __init__(
        self,
        clock: Callable[[], float],
        send: Callable[[GatewayDownlink], None],
        done: Callable[[int, int, Done], None],
        *,
        lead: float,
        timeout: float,
    ) -> None:
        self._clock = clock
        self._send = send
        self._done = done
        self._lead = lead
        self._timeout = timeout
        self._attempts: dict[int, tuple[int, Attempt, asyncio.TimerHandle]] = {}

    def transmit(self, device_ref: int, effect: Transmit) -> None:
        self._follow(device_ref, begin(effect, self._clock(), self._lead), effect.token)

    def _follow(self, device_ref: int, step: Handed | Done, token: int) -> None:
        if isinstance(step, Done):
            self._done(device_ref, token, step)
            return
        attempt = step.attempt
        window = attempt.current
        assert window is not None
        wait = max(window.opens_at - self._clock(), 0.0) + self._timeout
        timer = asyncio.get_running_loop().call_later(wait, self._timed_out, token)
        self._attempts[token] = (device_ref, attempt, timer)
        self._send(
            GatewayDownlink(token, attempt.transmit.base_station, attempt.transmit.phy_payload, window)
        )

    def reported(self, answer: TransmitReport) -> None:
        """A base station's answer; one to a downlink that is over is ignored."""
        found = self._attempts.pop(answer.token, None)
        if found is None:
            return
        device_ref, attempt, timer = found
        timer.cancel()
        self._follow(device_ref, report(attempt, answer.error, self._clock(), self._lead), answer.token)

    def _timed_out(self, token: int) -> None:
        device_ref, attempt, _timer = self._attempts.pop(token)
        self._done(device_ref, token, silence(attempt))

    def in_flight(self, token: int) -> bool:
        return token in self._attempts

    def close(self) -> None:
        for _ref, _attempt, timer in self._attempts.values():
            timer.cancel()
        self._attempts.clear()
