"""The way of a downlink from the decision to the air: a small state machine, one table.

A base station confirms that it has queued the frame; then it counts as sent. It may refuse it, or stay
silent. RX2 is tried while there is time. Causes are ThingPark's delivery-failure codes.
"""

from __future__ import annotations

import msgspec

from veldnet.lorawan.radio import TransmitWindow

from .events import Transmit

SUCCESS = "00"
TOO_LATE = "B0"
# Chosen RX2 on purpose: RX1 was not tried.
CHOSE_RX2 = "C0"

# What packet forwarders answer (Semtech UDP protocol, TX_ACK), as delivery-failure causes.
CAUSE_OF_ERROR = {
    "TOO_LATE": TOO_LATE,
    # The reference forwarder says TOO_EARLY of a timestamp in the past, which wraps around.
    "TOO_EARLY": TOO_LATE,
    "COLLISION_PACKET": "A3",
    "COLLISION_BEACON": "A3",
    "TX_FREQ": "A5",
    "TX_POWER": "A5",
    "GPS_UNLOCKED": "A5",
    "NO_ADDRESS": "DD",
}
OTHER_ERROR = "A6"


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """A downlink on its way: the windows left to try, the one in trial, and why earlier ones failed."""

    transmit: Transmit
    remaining: tuple[TransmitWindow, ...]
    current: TransmitWindow | None = None
    cause_rx1: str = SUCCESS
    cause_rx2: str = SUCCESS


class Handed(msgspec.Struct, frozen=True, gc=False):
    """Next: give the frame to the base station for `attempt.current`."""

    attempt: Attempt


class Done(msgspec.Struct, frozen=True, gc=False):
    """Over: sent in `window`, or failed with causes."""

    delivered: bool
    window: TransmitWindow | None
    cause_rx1: str
    cause_rx2: str
    decision: str


def begin(transmit: Transmit, now: float, lead: float) -> Handed | Done:
    """Choose the first window that is still ahead."""
    first = transmit.windows[0]
    cause_rx1 = SUCCESS if first.slot == 1 else CHOSE_RX2
    return _next(Attempt(transmit, transmit.windows, cause_rx1=cause_rx1), now, lead)


def _next(attempt: Attempt, now: float, lead: float) -> Handed | Done:
    while attempt.remaining:
        window, *rest = attempt.remaining
        if window.opens_at - lead > now:
            return Handed(
                Attempt(attempt.transmit, tuple(rest), window, attempt.cause_rx1, attempt.cause_rx2)
            )
        attempt = _failed(attempt, window, tuple(rest), TOO_LATE)
    return Done(False, None, attempt.cause_rx1, attempt.cause_rx2, "not sent: no receive window was left")


def _failed(
    attempt: Attempt, window: TransmitWindow, rest: tuple[TransmitWindow, ...], cause: str
) -> Attempt:
    if window.slot == 1:
        return Attempt(attempt.transmit, rest, None, cause, attempt.cause_rx2)
    return Attempt(attempt.transmit, rest, None, attempt.cause_rx1, cause)


def report(attempt: Attempt, error: str | None, now: float, lead: float) -> Handed | Done:
    """The base station's answer; `error` None means that it queued the frame."""
    window = attempt.current
    assert window is not None
    if error is None:
        return Done(
            True,
            window,
            attempt.cause_rx1,
            attempt.cause_rx2,
            f"sent in RX{window.slot} ({window.modulation})",
        )
    cause = CAUSE_OF_ERROR.get(error, OTHER_ERROR)
    following = _next(_failed(attempt, window, attempt.remaining, cause), now, lead)
    if isinstance(following, Done):
        return msgspec.structs.replace(following, decision=f"not sent: the base station answered {error}")
    return following


def silence(attempt: Attempt) -> Done:
    """The base station never answered: whether the frame was sent is not known, so it counts as failed."""
    window = attempt.current
    assert window is not None
    causes = _failed(attempt, window, (), TOO_LATE)
    return Done(
        False, None, causes.cause_rx1, causes.cause_rx2, "unknown: the base station did not confirm the frame"
    )
