"""The way of a downlink from the decision to the air: a small state machine, one table.

A base station confirms that it has queued the frame; then it counts as sent. It may refuse it, or stay
silent. While there is time the next base station is tried, then the next window. Causes are ThingPark's
delivery-failure codes.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec.structs import replace

from veldnet.lorawan.radio import TransmitWindow

from .air_schedule import Refusal
from .events import Transmit

SUCCESS = "00"
TOO_LATE = "B0"
# Chosen RX2 on purpose: RX1 was not tried.
CHOSE_RX2 = "C0"
# A device of class C could not be sent to within its time.
CLASS_C_TOO_LATE = "E0"

# What packet forwarders answer (Semtech UDP protocol, TX_ACK), as delivery-failure causes.
CAUSE_OF_ERROR = {
    "TOO_LATE": TOO_LATE,
    # The reference forwarder says TOO_EARLY of a timestamp in the past, which wraps around.
    "TOO_EARLY": TOO_LATE,
    "COLLISION_PACKET": "A3",
    "COLLISION_BEACON": "A3",
    "TX_FREQ": "A5",
    "TX_POWER": "A5",
    "GPS_UNLOCKED": "DC",
    "NO_ADDRESS": "DD",
}
OTHER_ERROR = "A6"
# A frame of class C that every base station refuses is offered again after so many seconds.
_PAUSE = 1.0


class Air(Protocol):
    """What is known of the base stations' airtime; see `air_schedule`."""

    def refusal(self, window: TransmitWindow, size: int, now: float) -> Refusal | None: ...


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """A downlink on its way: the windows left to try, the one in trial, why earlier ones failed, by slot and
    in words."""

    transmit: Transmit
    remaining: tuple[TransmitWindow, ...]
    current: TransmitWindow | None = None
    cause_rx1: str = SUCCESS
    cause_rx2: str = SUCCESS
    cause_ping: str = SUCCESS
    tried: tuple[str, ...] = ()
    # When the first of the base stations that are busy now can send.
    free_at: float | None = None


class Handed(msgspec.Struct, frozen=True, gc=False):
    """Next: give the frame to the base station for `attempt.current`."""

    attempt: Attempt


class Held(msgspec.Struct, frozen=True, gc=False):
    """Next: wait, and `resume` at a time."""

    attempt: Attempt
    until: float


class Done(msgspec.Struct, frozen=True, gc=False):
    """Over: sent in `window`, or failed with causes."""

    delivered: bool
    window: TransmitWindow | None
    cause_rx1: str
    cause_rx2: str
    cause_ping: str
    decision: str


Step = Handed | Held | Done


def begin(transmit: Transmit, now: float, lead: float, air: Air) -> Step:
    """Choose the first window that is still ahead, at a base station that can take the frame."""
    first = transmit.windows[0]
    cause_rx1 = CHOSE_RX2 if first.slot == 2 and not first.immediate else SUCCESS
    return _next(Attempt(transmit, transmit.windows, cause_rx1=cause_rx1), now, lead, air)


def resume(attempt: Attempt, now: float, lead: float, air: Air) -> Step:
    """Offer a frame of class C to its base stations again."""
    return _next(replace(attempt, remaining=attempt.transmit.windows, free_at=None), now, lead, air)


def _next(attempt: Attempt, now: float, lead: float, air: Air) -> Step:
    transmit = attempt.transmit
    if transmit.deadline is not None and now >= transmit.deadline:
        return _over(
            replace(attempt, cause_rx2=CLASS_C_TOO_LATE), "not sent: no base station was free in time"
        )
    while attempt.remaining:
        window, *rest = attempt.remaining
        attempt = replace(attempt, remaining=tuple(rest))
        if not window.immediate and window.opens_at - lead <= now:
            attempt = _failed(attempt, window, TOO_LATE)
            continue
        refusal = air.refusal(window, len(transmit.phy_payload), now)
        if refusal is None:
            return Handed(replace(attempt, current=window))
        attempt = _failed(attempt, window, refusal.cause)
        attempt = replace(attempt, free_at=min(attempt.free_at or refusal.free_at, refusal.free_at))
    if transmit.deadline is None:
        return _over(attempt, "not sent")
    at = min(max(attempt.free_at or 0.0, now + _PAUSE), transmit.deadline)
    if attempt.free_at is not None and attempt.free_at < now + _PAUSE:
        at = min(max(attempt.free_at, now + 0.01), transmit.deadline)
    return Held(attempt, at)


def _failed(attempt: Attempt, window: TransmitWindow, cause: str) -> Attempt:
    words = f"{_place(window)} at {window.base_station}: {cause}"
    # A frame of class C may be offered again and again; what was tried last is of interest.
    attempt = replace(attempt, current=None, tried=(*attempt.tried[-7:], words))
    if window.slot == 1:
        return replace(attempt, cause_rx1=cause)
    if window.slot == 3:
        return replace(attempt, cause_ping=cause)
    return replace(attempt, cause_rx2=cause)


def _place(window: TransmitWindow) -> str:
    return "ping slot" if window.slot == 3 else f"RX{window.slot}"


def _over(attempt: Attempt, words: str) -> Done:
    explained = _explained(words, attempt.tried)
    return Done(False, None, attempt.cause_rx1, attempt.cause_rx2, attempt.cause_ping, explained)


def _explained(words: str, tried: tuple[str, ...]) -> str:
    return f"{words} ({'; '.join(tried)})" if tried else words


def report(attempt: Attempt, error: str | None, now: float, lead: float, air: Air) -> Step:
    """The base station's answer; `error` None means that it queued the frame."""
    window = attempt.current
    assert window is not None
    if error is None:
        return Done(
            True,
            window,
            attempt.cause_rx1,
            SUCCESS if window.slot == 2 else attempt.cause_rx2,
            SUCCESS if window.slot == 3 else attempt.cause_ping,
            _explained(f"sent in {_place(window)} ({window.modulation})", attempt.tried),
        )
    return _next(_failed(attempt, window, CAUSE_OF_ERROR.get(error, OTHER_ERROR)), now, lead, air)


def silence(attempt: Attempt) -> Done:
    """The base station never answered: whether the frame was sent is not known, so it counts as failed."""
    window = attempt.current
    assert window is not None
    return _over(_failed(attempt, window, TOO_LATE), "unknown: the base station did not confirm the frame")
