"""The state machine of a downlink on its way: every state, every answer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import TransmitWindow
from veldnet.network.core.base_station_radios import Refusal
from veldnet.network.core.events import Transmit
from veldnet.network.core.transmission import (
    CAUSE_OF_ERROR,
    Done,
    Handed,
    Held,
    begin,
    report,
    resume,
    silence,
)

HERE, THERE = BaseStationId(1), BaseStationId(2)
RX1 = TransmitWindow(HERE, 1, 868_100_000, Lora(7, 125), 11.0, 16, timestamp=1_000_000)
RX2 = TransmitWindow(HERE, 2, 869_525_000, Lora(12, 125), 12.0, 29, timestamp=2_000_000)
BOTH = Transmit(1, b"frame", (RX1, RX2))


class Sky:
    """Base stations that refuse what `refused` says: causes by base station and slot."""

    def __init__(self, *, both: bool = False, **refused: str) -> None:
        self.refused = refused
        self.both = both

    def plans_both(self, base_station: BaseStationId) -> bool:
        return self.both

    def fitted(self, window: TransmitWindow, now: float) -> TransmitWindow | Refusal:
        return window

    def refusal(self, window: TransmitWindow, size: int, now: float) -> Refusal | None:
        cause = self.refused.get(f"slot{window.slot}_{int(window.base_station)}")
        return None if cause is None else Refusal(cause, now + 5)


CLEAR = Sky()
LEAD = 0.1


def handed(transmit: Transmit = BOTH, now: float = 10.0) -> Handed:
    step = begin(transmit, now, LEAD, CLEAR)
    assert isinstance(step, Handed)
    return step


@pytest.mark.parametrize(
    ("now", "slot", "cause_rx1"),
    [(10.0, 1, "00"), (10.89, 1, "00"), (10.95, 2, "B0"), (11.85, 2, "B0")],
)
def test_the_first_window_still_ahead_is_chosen(now: float, slot: int, cause_rx1: str) -> None:
    step = handed(now=now)
    assert step.attempt.current is not None and step.attempt.current.slot == slot
    done = report(step.attempt, None, now, LEAD, CLEAR)
    assert isinstance(done, Done) and done.delivered
    assert (done.cause_rx1, done.cause_rx2) == (cause_rx1, "00")


def test_too_late_for_both() -> None:
    done = begin(BOTH, 11.95, LEAD, CLEAR)
    assert isinstance(done, Done) and not done.delivered
    assert (done.cause_rx1, done.cause_rx2) == ("B0", "B0")


def test_rx2_on_purpose_is_c0() -> None:
    step = handed(Transmit(1, b"frame", (RX2,)))
    done = report(step.attempt, None, 10.0, LEAD, CLEAR)
    assert isinstance(done, Done) and (done.delivered, done.cause_rx1, done.window) == (True, "C0", RX2)


@pytest.mark.parametrize("error", [*CAUSE_OF_ERROR, "SOMETHING_NEW"])
def test_an_error_in_rx1_leads_to_rx2_and_keeps_the_cause(error: str) -> None:
    cause = CAUSE_OF_ERROR.get(error, "A6")
    second = report(handed().attempt, error, 10.2, LEAD, CLEAR)
    assert isinstance(second, Handed) and second.attempt.current == RX2
    sent = report(second.attempt, None, 10.3, LEAD, CLEAR)
    assert isinstance(sent, Done) and (sent.delivered, sent.cause_rx1, sent.cause_rx2) == (True, cause, "00")
    failed = report(second.attempt, error, 10.3, LEAD, CLEAR)
    assert isinstance(failed, Done) and (failed.delivered, failed.cause_rx1, failed.cause_rx2) == (
        False,
        cause,
        cause,
    )


def test_an_error_too_late_for_rx2() -> None:
    done = report(handed().attempt, "TX_FREQ", 11.95, LEAD, CLEAR)
    assert isinstance(done, Done) and (done.cause_rx1, done.cause_rx2) == ("A5", "B0")


def test_silence_counts_as_failed() -> None:
    done = silence(handed().attempt, 14.0, LEAD, CLEAR)
    assert (
        isinstance(done, Done)
        and not done.delivered
        and done.cause_rx1 == "B0"
        and "did not confirm" in done.decision
    )


def test_another_base_station_is_tried_while_there_is_time() -> None:
    elsewhere = replace(RX1, base_station=THERE)
    first = handed(Transmit(1, b"frame", (RX1, elsewhere, RX2)))
    second = report(first.attempt, "COLLISION_PACKET", 10.1, LEAD, CLEAR)
    assert isinstance(second, Handed) and second.attempt.current == elsewhere
    done = report(second.attempt, None, 10.2, LEAD, CLEAR)
    assert isinstance(done, Done) and done.window == elsewhere and done.cause_rx1 == "A3"
    assert "RX1 at 00000001: A3" in done.decision


def test_a_spent_duty_cycle_leads_to_rx2() -> None:
    step = begin(BOTH, 10.0, LEAD, Sky(slot1_1="DA"))
    assert isinstance(step, Handed) and step.attempt.current == RX2 and step.attempt.cause_rx1 == "DA"
    over = begin(BOTH, 10.0, LEAD, Sky(slot1_1="DA", slot2_1="A3"))
    assert isinstance(over, Done) and (over.cause_rx1, over.cause_rx2) == ("DA", "A3")


def test_class_c_waits_for_a_free_base_station_for_a_limited_time() -> None:
    at_once = TransmitWindow(HERE, 2, 869_525_000, Lora(9, 125), 10.0, 29)
    transmit = Transmit(1, b"frame", (at_once,), deadline=70.0)
    held = begin(transmit, 10.0, LEAD, Sky(slot2_1="DA"))
    assert isinstance(held, Held) and held.until == 15.0
    again = resume(held.attempt, 15.0, LEAD, CLEAR)
    assert isinstance(again, Handed)
    refused = report(again.attempt, "COLLISION_PACKET", 15.1, LEAD, CLEAR)
    assert isinstance(refused, Held) and 15.1 < refused.until < 17
    sent = report(again.attempt, None, 15.1, LEAD, CLEAR)
    assert isinstance(sent, Done) and sent.delivered and sent.cause_rx2 == "00" and sent.cause_rx1 == "00"
    late = resume(held.attempt, 70.0, LEAD, CLEAR)
    assert isinstance(late, Done) and late.cause_rx2 == "E0"
    nearly = begin(transmit, 69.5, LEAD, Sky(slot2_1="DA"))
    assert isinstance(nearly, Held) and nearly.until == 70.0


def test_ping_slots_have_a_cause_of_their_own() -> None:
    ping = TransmitWindow(HERE, 3, 869_525_000, Lora(9, 125), 12.0, 29, gps_time=1000.0)
    done = report(handed(Transmit(1, b"frame", (ping,))).attempt, "GPS_UNLOCKED", 10.1, LEAD, CLEAR)
    assert isinstance(done, Done) and (done.cause_rx1, done.cause_ping) == ("00", "DC")


def test_b10_a_frame_of_class_c_goes_on_to_any_time_after_its_windows() -> None:
    at_any_time = TransmitWindow(HERE, 2, 869_525_000, Lora(9, 125), 10.0, 29)
    transmit = Transmit(1, b"frame", (RX1, RX2, at_any_time), deadline=70.0)
    held = begin(transmit, 10.0, LEAD, Sky(slot1_1="A3", slot2_1="A3"))
    assert isinstance(held, Held) and held.until == 15.0
    again = resume(held.attempt, 15.0, LEAD, CLEAR)
    assert isinstance(again, Handed) and again.attempt.current == at_any_time
    sent = report(again.attempt, None, 15.1, LEAD, CLEAR)
    assert isinstance(sent, Done) and (sent.delivered, sent.cause_rx1, sent.cause_rx2) == (True, "A3", "00")


@pytest.mark.parametrize("error", ["COLLISION_PACKET", "TOO_LATE", "SOMETHING_NEW"])
def test_b10_refusals_in_the_windows_lead_there_too(error: str) -> None:
    at_any_time = TransmitWindow(HERE, 2, 869_525_000, Lora(9, 125), 10.0, 29)
    step = begin(Transmit(1, b"frame", (RX1, RX2, at_any_time), deadline=70.0), 10.0, LEAD, CLEAR)
    for expected in (RX1, RX2, at_any_time):
        assert isinstance(step, Handed) and step.attempt.current == expected
        step = report(step.attempt, error, 10.3, LEAD, CLEAR)
    assert isinstance(step, Held) and step.until < 12


TWO_AT_ONCE = Sky(both=True)
ELSEWHERE = replace(RX2, base_station=THERE)


def both_given(windows: tuple[TransmitWindow, ...] = (RX1, RX2), air: Sky = TWO_AT_ONCE) -> Handed:
    step = begin(Transmit(1, b"frame", windows), 10.0, LEAD, air)
    assert isinstance(step, Handed) and step.attempt.current == RX1
    return step


def test_both_windows_are_given_to_a_base_station_that_plans_both() -> None:
    assert both_given((RX1, replace(RX1, base_station=THERE), RX2, ELSEWHERE)).attempt.second == RX2
    # Not where another one is better for RX2, where it cannot be sent there, or to others.
    assert both_given((RX1, ELSEWHERE, RX2)).attempt.second is None
    assert both_given(air=Sky(both=True, slot2_1="A3")).attempt.second is None
    assert both_given(air=CLEAR).attempt.second is None
    assert both_given((RX1, replace(RX2, timestamp=None))).attempt.second is None


@pytest.mark.parametrize(("second", "window", "cause_rx1"), [(False, RX1, "00"), (True, RX2, "A6")])
def test_the_base_station_says_which_of_two_windows_it_took(
    second: bool, window: TransmitWindow, cause_rx1: str
) -> None:
    done = report(both_given().attempt, None, 10.9, LEAD, TWO_AT_ONCE, second=second)
    assert isinstance(done, Done) and (done.delivered, done.window) == (True, window)
    assert (done.cause_rx1, done.cause_rx2) == (cause_rx1, "00")


def test_an_error_in_time_for_rx2_is_that_of_rx1_alone() -> None:
    step = report(both_given().attempt, "SESSION_ENDED", 10.1, LEAD, TWO_AT_ONCE)
    assert isinstance(step, Handed) and (step.attempt.current, step.attempt.second) == (RX2, None)


def test_an_error_after_rx2_is_that_of_both() -> None:
    done = report(both_given((RX1, RX2, ELSEWHERE)).attempt, "NOT_SENT", 12.3, LEAD, TWO_AT_ONCE)
    assert isinstance(done, Done) and (done.cause_rx1, done.cause_rx2, done.delivered) == ("A6", "B0", False)
    assert "RX2 at 00000001: A6 NOT_SENT" in done.decision
    silent = silence(both_given().attempt, 13.0, LEAD, TWO_AT_ONCE)
    assert isinstance(silent, Done) and (silent.cause_rx1, silent.cause_rx2) == ("B0", "B0")


def test_a_frame_of_class_c_goes_at_once_where_both_windows_failed() -> None:
    at_once = replace(RX2, timestamp=None)
    transmit = Transmit(1, b"frame", (RX1, RX2, at_once), deadline=70.0)
    step = begin(transmit, 10.0, LEAD, TWO_AT_ONCE)
    assert isinstance(step, Handed) and step.attempt.second == RX2
    again = report(step.attempt, "NOT_SENT", 12.3, LEAD, TWO_AT_ONCE)
    assert isinstance(again, Handed) and again.attempt.current == at_once
