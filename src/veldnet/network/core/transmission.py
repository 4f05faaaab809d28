"""State machine of a downlink transmission, as a table.

A base station confirms that it has queued the frame; then it counts as sent. It may refuse it, or stay
silent. While there is time the next base station is tried, then the next window. Causes are ThingPark's
delivery-failure codes.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import TransmitWindow
from veldnet.network.core.base_station_radios import Refusal, conducted_power

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
    # Nothing is sent while another network serves the base stations.
    "LISTEN_ONLY": "DD",
    # Basics Station: the connection that the uplink came by is over; the station dropped the frame.
    "SESSION_ENDED": "DD",
    "NOT_SENT": "A6",
    # ChirpStack's MQTT protocol: the base station keeps to a duty cycle of its own.
    "DUTY_CYCLE_OVERFLOW": "DA",
}
OTHER_ERROR = "A6"
# Seconds after which a refused frame of class C is offered again; they double each time.
_PAUSE, _LONGEST_PAUSE = 1.0, 8.0


class Air(Protocol):
    """What is known of base stations: their airtime and their radios."""

    def refusal(self, window: TransmitWindow, size: int, now: float) -> Refusal | None: ...

    def fitted(self, window: TransmitWindow, now: float) -> TransmitWindow | Refusal: ...

    def plans_both(self, base_station: BaseStationId) -> bool: ...


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """A downlink on its way: the windows left to try, the one in trial, and the `second` that its base
    station takes where it cannot use that; why earlier ones failed, by slot and in words."""

    transmit: Transmit
    remaining: tuple[TransmitWindow, ...]
    current: TransmitWindow | None = None
    second: TransmitWindow | None = None
    cause_rx1: str = SUCCESS
    cause_rx2: str = SUCCESS
    cause_ping: str = SUCCESS
    tried: tuple[str, ...] = ()
    # When the first of the base stations that cannot send now may be able to.
    free_at: float | None = None
    # Whether a base station has refused the frame since it was last offered to all, and how often it was.
    refused: bool = False
    rounds: int = 0
    # A base station did not answer, so that the frame may have been sent.
    unconfirmed: bool = False


class Handed(msgspec.Struct, frozen=True, gc=False):
    """Next: give the frame to the base station for `attempt.current`, and `attempt.second` where there is."""

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
    deadline = attempt.transmit.deadline
    if deadline is not None and now >= deadline:
        return _too_long(attempt)
    rounds = attempt.rounds + 1 if attempt.refused else attempt.rounds
    again = replace(attempt, remaining=_at_once(attempt.transmit), free_at=None, refused=False, rounds=rounds)
    return _next(again, now, lead, air)


def _at_once(transmit: Transmit) -> tuple[TransmitWindow, ...]:
    return tuple(window for window in transmit.windows if window.immediate)


def _next(attempt: Attempt, now: float, lead: float, air: Air) -> Step:
    transmit = attempt.transmit
    if transmit.deadline is not None and now >= transmit.deadline:
        return _too_long(attempt)
    while attempt.remaining:
        window, *rest = attempt.remaining
        attempt = replace(attempt, remaining=tuple(rest))
        if not window.immediate and window.opens_at - lead <= now:
            attempt = _failed(attempt, window, TOO_LATE)
            continue
        fitted = air.fitted(window, now)
        if isinstance(fitted, Refusal):
            attempt = replace(_unable(attempt, window, fitted), refused=True)
            continue
        refusal = air.refusal(fitted, len(transmit.phy_payload), now)
        if refusal is None:
            return Handed(replace(attempt, current=fitted, second=_second(attempt, fitted, now, air)))
        attempt = _unable(attempt, fitted, refusal)
    return _none_left(attempt, now)


def _second(attempt: Attempt, first: TransmitWindow, now: float, air: Air) -> TransmitWindow | None:
    """RX2 at the base station that gets RX1, if it is the one for RX2 as well and takes both in one. Where
    another one is better for RX2, there is time to ask it when this one has not sent."""
    if first.slot != 1 or not air.plans_both(first.base_station):
        return None
    rx2 = next((w for w in attempt.remaining if w.slot == 2 and not w.immediate), None)
    if rx2 is None or rx2.base_station != first.base_station:
        return None
    fitted = air.fitted(rx2, now)
    if isinstance(fitted, Refusal) or air.refusal(fitted, len(attempt.transmit.phy_payload), now) is not None:
        return None
    return fitted


def _second_failed(attempt: Attempt, cause: str, answer: str) -> Attempt:
    """RX2 is over together with RX1, for the same reason."""
    second = attempt.second
    if second is None:
        return attempt
    left = tuple(
        w
        for w in attempt.remaining
        if w.immediate or (w.slot, w.base_station) != (second.slot, second.base_station)
    )
    return _failed(replace(attempt, remaining=left), second, cause, answer)


def _none_left(attempt: Attempt, now: float) -> Step:
    """Every window was tried: a frame of class C waits for the first base station that may be able to."""
    deadline, free_at = attempt.transmit.deadline, attempt.free_at
    if deadline is None or not _at_once(attempt.transmit):
        return _over(attempt, "not sent")
    if attempt.refused and free_at is not None and free_at >= deadline:
        return _over(attempt, "not sent: the base stations cannot send it")
    at = now + _pause(attempt) if free_at is None else max(free_at, now + 0.01)
    return Held(attempt, min(at, deadline))


def _pause(attempt: Attempt) -> float:
    return min(_PAUSE * 2.0**attempt.rounds, _LONGEST_PAUSE)


def _too_long(attempt: Attempt) -> Done:
    """The time of a frame of class C is over. What the base stations have answered says more than that."""
    if attempt.refused:
        return _over(attempt, "not sent: the base stations refused it until its time was over")
    if attempt.unconfirmed:
        return _over(attempt, _UNCONFIRMED)
    late = replace(attempt, cause_rx2=CLASS_C_TOO_LATE)
    return _over(late, "not sent: no base station was free in time")


_UNCONFIRMED = "unknown: the base station did not confirm the frame"


def _unable(attempt: Attempt, window: TransmitWindow, refusal: Refusal) -> Attempt:
    """A window that is known not to do; `refusal` says when it may."""
    free_at = refusal.free_at if attempt.free_at is None else min(attempt.free_at, refusal.free_at)
    return replace(_failed(attempt, window, refusal.cause, refusal.answer), free_at=free_at)


def _failed(attempt: Attempt, window: TransmitWindow, cause: str, answer: str = "") -> Attempt:
    words = f"{_place(window)} at {window.base_station}: {cause}"
    if answer:
        words = f"{words} {answer}"
    if answer == "TX_POWER":
        words = f"{words} ({conducted_power(window)} dBm)"
    # A frame of class C may be offered again and again; what was tried last is of interest.
    attempt = replace(attempt, current=None, second=None, tried=(*attempt.tried[-7:], words))
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


def report(
    attempt: Attempt, error: str | None, now: float, lead: float, air: Air, *, second: bool = False
) -> Step:
    """The base station's answer; `error` None means that it queued the frame, in the second of two windows if
    it says so."""
    window, rx2 = attempt.current, attempt.second
    assert window is not None
    if error is None:
        if second and rx2 is not None:
            attempt, window = _failed(attempt, window, OTHER_ERROR, "the base station chose RX2"), rx2
        return Done(
            True,
            window,
            attempt.cause_rx1,
            SUCCESS if window.slot == 2 else attempt.cause_rx2,
            SUCCESS if window.slot == 3 else attempt.cause_ping,
            _explained(f"sent in {_place(window)} ({window.modulation})", attempt.tried),
        )
    cause = CAUSE_OF_ERROR.get(error, OTHER_ERROR)
    if rx2 is not None and rx2.opens_at - lead <= now:
        attempt = _second_failed(attempt, cause, error)
    attempt = _failed(attempt, window, cause, error)
    fitted = air.fitted(window, now)
    if isinstance(fitted, Refusal):
        again_at = fitted.free_at
    elif fitted.power < window.power:
        # The base station takes the frame with less power, perhaps.
        attempt = replace(attempt, remaining=(fitted, *attempt.remaining))
        return _next(replace(attempt, refused=True), now, lead, air)
    else:
        again_at = now + _pause(attempt)
    free_at = again_at if attempt.free_at is None else min(attempt.free_at, again_at)
    return _next(replace(attempt, refused=True, free_at=free_at), now, lead, air)


def silence(attempt: Attempt, now: float, lead: float, air: Air) -> Step:
    """The base station never answered: whether the frame was sent is not known, so it counts as failed. A
    frame of class C may still go through another one; the device takes a counter once."""
    window = attempt.current
    assert window is not None
    attempt = _second_failed(attempt, TOO_LATE, "no answer")
    attempt = replace(_failed(attempt, window, TOO_LATE, "no answer"), unconfirmed=True)
    transmit = attempt.transmit
    if transmit.deadline is None:
        return _over(attempt, _UNCONFIRMED)
    others = tuple(w for w in _at_once(transmit) if w.base_station != window.base_station)
    if not others:
        return _over(attempt, _UNCONFIRMED)
    attempt = replace(attempt, transmit=replace(transmit, windows=others), remaining=others)
    return _next(attempt, now, lead, air)
