"""Class B and class C: when a downlink goes without an uplink, and when it waits."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, NOW, STATION, copy, device, receive, session, uplink_frame
from veldnet.domain.documents import PlanSettings
from veldnet.lorawan import BaseStationId, frames
from veldnet.lorawan.class_b import BEACON_GUARD, BEACON_PERIOD, ping_slot_time
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import EU868
from veldnet.network.core import candidates
from veldnet.network.core.air_schedule import AirSchedule
from veldnet.network.core.context import context_of
from veldnet.network.core.device_class import current_class, has_unsolicited_downlinks
from veldnet.network.core.events import (
    Device,
    DownlinkReported,
    DownlinkSubmitted,
    SendDue,
    Transition,
    Transmit,
    Wake,
)
from veldnet.network.core.outcome import report_downlink, send_due
from veldnet.network.core.records import DownlinkRecord
from veldnet.network.core.state import DeviceState, QueuedDownlink, Session
from veldnet.network.core.submission import submit_downlink
from veldnet.network.core.transmission import Handed, Held, begin, resume
from veldnet.network.core.unsolicited import next_slot

LATER = NOW + 100.0
HEARD = candidates.remember(
    (
        copy(b"", snr=5.0, gps_time=unix_to_gps(NOW)),
        copy(b"", snr=-3.0, base_station=BaseStationId(0xFF000002)),
    )
)
C_DEVICE = device(device_class="C")
B_DEVICE = device(plan=PlanSettings(allowClassB=True))


def heard_session(**changes: object) -> Session:
    values: dict[str, object] = {"fcnt_up": 3, "last_uplink_at": NOW, "heard_by": HEARD}
    return session(**(values | changes))


C_STATE = DeviceState(session=heard_session())
B_STATE = DeviceState(session=heard_session(class_b=True, ping_periodicity=4))


def submit(
    state: DeviceState,
    target: Device,
    now: float,
    *,
    number: int = 1,
    confirmed: bool = False,
    priority: int = 0,
) -> Transition:
    event = DownlinkSubmitted(
        number, number + 100, 9, bytes([number]), None, confirmed, False, None, None, priority
    )
    return submit_downlink(context_of(NETWORK, target, event, now), state)


def transmit_of(transition: Transition) -> Transmit:
    return next(effect for effect in transition.effects if isinstance(effect, Transmit))


def wake_of(transition: Transition) -> float:
    return next(effect.at for effect in transition.effects if isinstance(effect, Wake))


def report(state: DeviceState, target: Device, now: float, *, delivered: bool = True) -> Transition:
    (flying,) = state.in_flight
    event = DownlinkReported(
        50, flying.token, 51, delivered, None, "00", "E0" if not delivered else "00", "00", ""
    )
    return report_downlink(context_of(NETWORK, target, event, now), state)


def test_class_c_goes_at_once_to_the_base_stations_that_heard_the_device() -> None:
    transmit = transmit_of(submit(C_STATE, C_DEVICE, LATER))
    assert [w.base_station for w in transmit.windows] == [STATION, BaseStationId(0xFF000002)]
    assert all(w.immediate and w.slot == 2 and w.frequency == 869_525_000 for w in transmit.windows)
    assert transmit.windows[0].margin == transmit.windows[1].margin + 8
    assert transmit.deadline == LATER + 60


def test_a_queue_of_class_c_drains_one_after_the_other() -> None:
    state = submit(C_STATE, C_DEVICE, LATER).state
    waiting = submit(state, C_DEVICE, LATER, number=2)
    assert not [e for e in waiting.effects if isinstance(e, Transmit | Wake)], "one at a time"
    assert has_unsolicited_downlinks(C_DEVICE, waiting.state)
    reported = report(waiting.state, C_DEVICE, LATER + 0.1)
    frame = frames.parse(transmit_of(reported).phy_payload)
    assert isinstance(frame, frames.DataFrame) and frame.fcnt == 1
    assert not has_unsolicited_downlinks(C_DEVICE, reported.state)


def test_a_confirmed_downlink_is_given_time_to_be_acknowledged() -> None:
    state = submit(C_STATE, C_DEVICE, LATER, confirmed=True).state
    state = submit(state, C_DEVICE, LATER, number=2).state
    reported = report(state, C_DEVICE, LATER + 0.1)
    assert wake_of(reported) == LATER + 8
    due = send_due(context_of(NETWORK, C_DEVICE, SendDue(60, 61), LATER + 8), reported.state)
    assert transmit_of(due).token == 61
    failed = report(state, C_DEVICE, LATER + 0.1, delivered=False)
    assert transmit_of(failed), "what was not sent needs no acknowledgement"


def test_class_c_does_not_talk_into_rx1() -> None:
    assert wake_of(submit(C_STATE, C_DEVICE, NOW + 0.5)) == NOW + 1.1
    assert transmit_of(submit(C_STATE, C_DEVICE, NOW + 1.2))


def test_a_late_answer_goes_by_class_c() -> None:
    """Both windows are over when the frame is processed, but the device still listens."""
    phy = uplink_frame(4, confirmed=True)
    from tests.unit.network.builders import data_event
    from veldnet.network.core.uplink import match, receive_data

    for target, answered in ((C_DEVICE, True), (device(), False)):
        event = data_event(phy)
        context = context_of(NETWORK, target, event, NOW + 3)
        found = match(context, C_STATE)
        assert found is not None
        transition = receive_data(context, C_STATE, found)
        assert any(isinstance(e, Transmit) for e in transition.effects) == answered


def test_before_the_first_uplink_of_a_session_every_device_is_of_class_a() -> None:
    fresh = DeviceState(session=heard_session(fcnt_up=None))
    assert not [e for e in submit(fresh, C_DEVICE, LATER).effects if isinstance(e, Transmit | Wake)]


@pytest.mark.parametrize(
    ("target", "values", "expected"),
    [
        (device(), {}, "A"),
        (C_DEVICE, {}, "C"),
        (C_DEVICE, {"fcnt_up": None}, "A"),
        (B_DEVICE, {"class_b": True, "ping_periodicity": 3}, "B"),
        (B_DEVICE, {"class_b": True}, "A"),
        (B_DEVICE, {"ping_periodicity": 3}, "A"),
        (device(), {"class_b": True, "ping_periodicity": 3}, "A"),
        (
            replace(C_DEVICE, plan=PlanSettings(allowClassB=True)),
            {"class_b": True, "ping_periodicity": 3},
            "B",
        ),
    ],
)
def test_the_class_of_a_device(target: Device, values: dict[str, object], expected: str) -> None:
    assert current_class(target, heard_session(**values)) == expected


def test_the_class_b_bit_is_followed() -> None:
    state = DeviceState(session=heard_session(ping_periodicity=2))
    for fcnt, bit, expected in ((4, frames.CLASS_B, "B"), (5, 0, "A")):
        transition = receive(state, uplink_frame(fcnt, fctrl=frames.ADR | bit), target=B_DEVICE, number=fcnt)
        assert transition is not None and transition.state.session is not None
        state = transition.state
        assert current_class(B_DEVICE, transition.state.session) == expected
        assert transition.records[0].device_class == expected  # type: ignore[union-attr]


def test_class_b_waits_in_the_queue_until_shortly_before_its_slot() -> None:
    queued = submit(B_STATE, B_DEVICE, LATER)
    wake = wake_of(queued)
    slot = wake + NETWORK.class_b_lead
    assert LATER < slot < LATER + 16
    session_ = queued.state.session
    assert session_ is not None and queued.state.in_flight == ()
    due = send_due(context_of(NETWORK, B_DEVICE, SendDue(60, 61), wake), queued.state)
    transmit = transmit_of(due)
    first = transmit.windows[0]
    assert first.opens_at == pytest.approx(slot) and first.slot == 3
    # Only the base station with GPS time can send then; later slots follow.
    assert {w.base_station for w in transmit.windows} == {STATION} and len(transmit.windows) == 4
    gps = unix_to_gps(first.opens_at)
    beacon = int(gps // BEACON_PERIOD * BEACON_PERIOD)
    assert any(abs(ping_slot_time(beacon, session_.dev_addr, 8, n) - gps) < 0.001 for n in range(8)), (
        "it is one of the device's own slots"
    )


def test_without_gps_the_queue_waits_for_an_uplink() -> None:
    blind = candidates.remember((copy(b"", snr=5.0),))
    state = DeviceState(session=heard_session(class_b=True, ping_periodicity=4, heard_by=blind))
    assert not [e for e in submit(state, B_DEVICE, LATER).effects if isinstance(e, Transmit | Wake)]


def test_no_frame_of_class_b_ends_in_the_beacons_guard_time() -> None:
    session_ = heard_session(ping_periodicity=0, class_b=True)
    gps, airtime = 1_479_420_800.0, 1.5
    for _ in range(300):
        slot = next_slot(session_, gps, airtime)
        assert slot >= gps
        assert (slot + airtime) % BEACON_PERIOD <= BEACON_PERIOD - BEACON_GUARD
        gps = slot + 0.5


def test_gps_and_unix_time_are_inverses() -> None:
    for unix in (315_964_800.0, 1_483_228_799.0, 1_483_228_801.0, 1_800_000_000.25):
        assert gps_to_unix(unix_to_gps(unix)) == unix


def test_higher_priority_overtakes_what_the_network_encrypts() -> None:
    state = DeviceState(session=heard_session())
    for number, priority in ((1, 0), (2, 5), (3, 9), (4, 5)):
        state = submit(state, device(), LATER, number=number, priority=priority).state
    assert [item.id for item in state.queue] == [3, 2, 4, 1]
    fixed = DownlinkSubmitted(5, 105, 9, b"x", 0, False, False, None, None)
    state = submit_downlink(
        context_of(NETWORK, device(), fixed, LATER), DeviceState(session=heard_session())
    ).state
    state = submit(state, device(), LATER, number=6, priority=9).state
    assert [item.id for item in state.queue] == [5, 6], "a counter that is fixed keeps its place"


def test_a_downlink_that_no_base_station_could_send_is_recorded_with_its_cause() -> None:
    state = submit(C_STATE, C_DEVICE, LATER).state
    (record,) = report(state, C_DEVICE, LATER + 60, delivered=False).records
    assert isinstance(record, DownlinkRecord) and record.cause_rx2 == "E0" and not record.delivered


def test_an_application_server_may_answer_an_uplink_in_the_same_window() -> None:
    """Asynchronous uplink processing: the windows are decided on when its time is over."""
    from veldnet.network.core.events import AnswerLater
    from veldnet.network.core.uplink import answer_late

    target = device(plan=PlanSettings(uplinkProcessing=400))
    transition = receive(DeviceState(session=heard_session()), uplink_frame(4, confirmed=True), target=target)
    assert transition is not None
    (later,) = transition.effects
    assert isinstance(later, AnswerLater) and later.at == pytest.approx(NOW + 0.6)
    assert "has 400 ms" in transition.records[0].decisions[-1]
    queued = submit(transition.state, target, NOW + 0.4)
    answered = answer_late(context_of(NETWORK, target, later.event, later.at), queued.state)
    transmit = transmit_of(answered)
    frame = frames.parse(transmit.phy_payload)
    assert isinstance(frame, frames.DataFrame) and frame.ack and frame.fport == 9
    assert transmit.windows[0].slot == 1
    # A device that has spoken again meanwhile has its own answer coming.
    again = receive(queued.state, uplink_frame(5), target=target, number=2)
    assert again is not None
    assert answer_late(context_of(NETWORK, target, later.event, later.at), again.state).effects == ()


def queued_for_class_c(size: int = 1) -> DeviceState:
    """A device of class C with a downlink that waits, as after the time of a confirmed one."""
    waiting = QueuedDownlink(1, 9, bytes(size), None, False, None, None, NOW)
    return replace(C_STATE, queue=(waiting,))


@pytest.mark.parametrize("confirmed", [False, True])
def test_b10_a_downlink_after_an_uplink_of_class_c_may_go_at_any_time(confirmed: bool) -> None:
    transition = receive(
        queued_for_class_c(), uplink_frame(4, confirmed=confirmed), target=C_DEVICE, at=LATER
    )
    assert transition is not None
    transmit = transmit_of(transition)
    assert [(window.slot, window.immediate) for window in transmit.windows] == [
        (1, False), (2, False), (2, True)
    ]  # fmt: skip
    assert transmit.deadline == pytest.approx(LATER + 0.2 + NETWORK.class_c_timeout)


def test_b10_not_where_rx2_is_too_short_nor_for_an_acknowledgement_alone() -> None:
    long = receive(queued_for_class_c(60), uplink_frame(4), target=C_DEVICE, at=LATER)
    alone = receive(C_STATE, uplink_frame(4, confirmed=True), target=C_DEVICE, at=LATER)
    other = receive(queued_for_class_c(), uplink_frame(4), target=device(), at=LATER)
    for transition in (long, alone, other):
        assert transition is not None
        transmit = transmit_of(transition)
        assert transmit.deadline is None and not any(window.immediate for window in transmit.windows)


def test_b10_every_base_station_being_busy_in_both_windows_does_not_drop_it() -> None:
    transition = receive(queued_for_class_c(), uplink_frame(4), target=C_DEVICE, at=LATER)
    assert transition is not None
    transmit, air = transmit_of(transition), AirSchedule([EU868])
    for window in transmit.windows[:2]:
        air.book(replace(window, modulation=Lora(12, 125)), 60, 99, LATER)
    step = begin(transmit, LATER + 0.2, NETWORK.lead, air)
    while isinstance(step, Held):
        assert LATER < step.until < LATER + 10
        step = resume(step.attempt, step.until, NETWORK.lead, air)
    assert isinstance(step, Handed) and step.attempt.current is not None
    assert step.attempt.current.immediate and step.attempt.cause_rx1 == "A3"
