"""The state machine of a downlink on its way: every state, every answer."""

from __future__ import annotations

import pytest

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import TransmitWindow
from veldnet.network.events import Transmit
from veldnet.network.transmission import CAUSE_OF_ERROR, Done, Handed, begin, report, silence

RX1 = TransmitWindow(1, 868_100_000, Lora(7, 125), 1_000_000, 11.0, 16)
RX2 = TransmitWindow(2, 869_525_000, Lora(12, 125), 2_000_000, 12.0, 29)
BOTH = Transmit(1, BaseStationId(1), b"frame", (RX1, RX2))
LEAD = 0.1


def handed(transmit: Transmit = BOTH, now: float = 10.0) -> Handed:
    step = begin(transmit, now, LEAD)
    assert isinstance(step, Handed)
    return step


@pytest.mark.parametrize(
    ("now", "slot", "cause_rx1"),
    [(10.0, 1, "00"), (10.89, 1, "00"), (10.95, 2, "B0"), (11.85, 2, "B0")],
)
def test_the_first_window_still_ahead_is_chosen(now: float, slot: int, cause_rx1: str) -> None:
    step = handed(now=now)
    assert step.attempt.current is not None and step.attempt.current.slot == slot
    done = report(step.attempt, None, now, LEAD)
    assert isinstance(done, Done) and done.delivered
    assert (done.cause_rx1, done.cause_rx2) == (cause_rx1, "00")


def test_too_late_for_both() -> None:
    done = begin(BOTH, 11.95, LEAD)
    assert isinstance(done, Done) and not done.delivered
    assert (done.cause_rx1, done.cause_rx2) == ("B0", "B0")


def test_rx2_on_purpose_is_c0() -> None:
    step = handed(Transmit(1, BaseStationId(1), b"frame", (RX2,)))
    done = report(step.attempt, None, 10.0, LEAD)
    assert isinstance(done, Done) and (done.delivered, done.cause_rx1, done.window) == (True, "C0", RX2)


@pytest.mark.parametrize("error", [*CAUSE_OF_ERROR, "SOMETHING_NEW"])
def test_an_error_in_rx1_leads_to_rx2_and_keeps_the_cause(error: str) -> None:
    cause = CAUSE_OF_ERROR.get(error, "A6")
    second = report(handed().attempt, error, 10.2, LEAD)
    assert isinstance(second, Handed) and second.attempt.current == RX2
    sent = report(second.attempt, None, 10.3, LEAD)
    assert isinstance(sent, Done) and (sent.delivered, sent.cause_rx1, sent.cause_rx2) == (True, cause, "00")
    failed = report(second.attempt, error, 10.3, LEAD)
    assert isinstance(failed, Done) and (failed.delivered, failed.cause_rx1, failed.cause_rx2) == (
        False,
        cause,
        cause,
    )


def test_an_error_too_late_for_rx2() -> None:
    done = report(handed().attempt, "TX_FREQ", 11.95, LEAD)
    assert isinstance(done, Done) and (done.cause_rx1, done.cause_rx2) == ("A5", "B0")


def test_silence_counts_as_failed() -> None:
    done = silence(handed().attempt)
    assert not done.delivered and done.cause_rx1 == "B0" and "did not confirm" in done.decision
