"""The way of a data uplink through the pure core."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import (
    ADDR,
    APP_S_KEY,
    NOW,
    NWK_S_KEY,
    device,
    radio,
    receive,
    session,
    uplink_frame,
)
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan import AesKey, DevAddr, frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload, data_mic
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.mac_commands import (
    DOWNLINK_COMMANDS,
    DeviceTimeAns,
    DeviceTimeReq,
    DevStatusAns,
    DevStatusReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    LinkCheckReq,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    parse,
)
from veldnet.network.core.context import context_of
from veldnet.network.core.events import Transition, Transmit
from veldnet.network.core.mac_commands.exchange import MAX_REFUSALS
from veldnet.network.core.records import DownlinkRecord, DownlinkRejectedRecord, RefusedRecord, UplinkRecord
from veldnet.network.core.state import DeviceState, QueuedDownlink, decode_state, encode_state

JOINED = DeviceState(session=session())


def uplink_record(transition: Transition | None) -> UplinkRecord:
    assert transition is not None
    record = transition.records[0]
    assert isinstance(record, UplinkRecord)
    return record


def downlink(transition: Transition | None) -> tuple[DataFrame, Transmit]:
    assert transition is not None
    (effect,) = transition.effects
    assert isinstance(effect, Transmit)
    frame = frames.parse(effect.phy_payload)
    assert isinstance(frame, DataFrame) and not frame.uplink
    return frame, effect


def test_an_uplink_is_decrypted_counted_and_recorded() -> None:
    transition = receive(JOINED, uplink_frame(0))
    record = uplink_record(transition)
    assert (record.outcome, record.fcnt, record.previous_fcnt, record.payload) == (
        "accepted",
        0,
        None,
        b"hello",
    )
    assert not record.encrypted and record.reported and record.channel == 0 and record.sub_band == "G1"
    assert record.decisions[-1] == "no downlink: nothing to send"
    assert transition is not None and transition.state.session is not None
    assert transition.state.session.fcnt_up == 0 and transition.effects == ()
    # The stored form gives the same state back.
    assert decode_state(encode_state(transition.state)) == transition.state


def test_with_an_hsm_group_the_payload_stays_encrypted() -> None:
    state = DeviceState(session=session(app_s_key=None, wrapped_app_s_key=b"w" * 16))
    record = uplink_record(receive(state, uplink_frame(0)))
    assert record.encrypted and record.wrapped_app_s_key == b"w" * 16
    assert crypt_payload(APP_S_KEY, 0, ADDR, 0, record.payload) == b"hello"


def test_wrong_keys_and_addresses_fit_no_session() -> None:
    assert receive(JOINED, uplink_frame(0, nwk_s_key=AesKey(bytes(16)))) is None
    assert receive(JOINED, uplink_frame(0, dev_addr=DevAddr(ADDR + 1))) is None


def test_counters_wrap_at_16_bits() -> None:
    state = DeviceState(session=session(fcnt_up=0x1FFFE))
    record = uplink_record(receive(state, uplink_frame(0x20001)))
    assert record.fcnt == 0x20001


@pytest.mark.parametrize(
    ("last", "fcnt", "version", "outcome"),
    [
        (10, 9, "1.0.2", "counter_replayed"),
        (10, 0, "1.0.2", "counter_replayed"),
        (10, 10 + 16384, "1.0.2", "accepted"),
        (10, 11 + 16384, "1.0.2", "counter_gap_too_large"),
        (10, 11 + 16384, "1.0.4", "accepted"),
    ],
)
def test_counter_rules(last: int, fcnt: int, version: str, outcome: str) -> None:
    state = DeviceState(session=session(fcnt_up=last, last_mic=b"none"))
    profile = ProfileSettings(loRaWANMacVersion=version)  # type: ignore[arg-type]
    transition = receive(state, uplink_frame(fcnt), target=device(profile))
    assert transition is not None
    assert transition.records[0].outcome == outcome
    if outcome != "accepted":
        assert transition.state == state and transition.effects == ()


def test_16_bit_counters_wrap_within_the_gap() -> None:
    narrow = device(ProfileSettings(wideCounters=False))
    state = DeviceState(session=session(fcnt_up=0xFFFF))
    # Such a device computes its MIC with the 16 bits on air.
    record = uplink_record(receive(state, uplink_frame(0), target=narrow))
    assert (record.outcome, record.fcnt) == ("accepted", 0x10000)


def test_a_confirmed_uplink_is_acknowledged_and_its_repetition_again() -> None:
    phy = uplink_frame(5, confirmed=True)
    first = receive(JOINED, phy)
    frame, effect = downlink(first)
    assert frame.ack and frame.fcnt == 0 and frame.fport is None
    assert data_mic(NWK_S_KEY, DOWNLINK, ADDR, 0, frame.unsigned()) == frame.mic
    assert [w.slot for w in effect.windows] == [1, 2]
    assert effect.windows[0].timestamp == 6_000_000 and effect.windows[1].timestamp == 7_000_000
    assert effect.windows[1].frequency == 869_525_000 and effect.windows[1].power == 29
    assert first is not None
    again = receive(first.state, phy, at=NOW + 3)
    record = uplink_record(again)
    assert record.outcome == "repeated" and not record.reported
    frame, _effect = downlink(again)
    assert frame.ack and frame.fcnt == 1


def test_a_repetition_is_answered_a_limited_number_of_times() -> None:
    phy = uplink_frame(5, confirmed=True)
    state = JOINED
    outcomes = []
    for _ in range(20):
        transition = receive(state, phy)
        assert transition is not None
        outcomes.append(transition.records[0].outcome)
        state = transition.state
    assert outcomes == ["accepted"] + ["repeated"] * 15 + ["repeated_too_often"] * 4


def test_the_plan_may_withhold_acknowledgements() -> None:
    transition = receive(
        JOINED, uplink_frame(0, confirmed=True), target=device(plan=PlanSettings(ackedUplinkFrame=False))
    )
    assert transition is not None and transition.effects == ()


def test_a_device_without_plan_or_routing_is_refused() -> None:
    for target in (device(plan_ref=None), device(routing_profile_ref=None)):
        transition = receive(JOINED, uplink_frame(0), target=target)
        assert transition is not None
        (record,) = transition.records
        assert isinstance(record, RefusedRecord) and record.outcome == "device_inactive"
        assert transition.state == JOINED


def test_the_old_session_lives_until_the_new_one_is_used() -> None:
    """I8, and queued downlinks of the old session are discarded with cause E4."""
    new_key = AesKey(bytes(range(50, 66)))
    new_addr = DevAddr(ADDR ^ 0x400)
    pending = session(dev_addr=new_addr, f_nwk_s_int_key=new_key, opened_at=NOW)
    old_item = QueuedDownlink(1, 9, b"old", None, False, None, None, NOW)
    new_item = replace(old_item, id=2, payload=b"new", for_pending_session=True)
    state = DeviceState(session=session(fcnt_up=4), pending_session=pending, queue=(new_item,))
    still = receive(state, uplink_frame(5))
    assert uplink_record(still).dev_addr == ADDR
    assert still is not None and still.state.pending_session == pending
    assert still.effects == (), "a downlink for the new session does not leave under the old one"
    state = replace(still.state, queue=(old_item, new_item))
    moved = receive(state, uplink_frame(0, dev_addr=new_addr, nwk_s_key=new_key), number=5)
    record = uplink_record(moved)
    assert record.dev_addr == new_addr and record.outcome == "accepted"
    assert moved is not None
    (dropped,) = [r for r in moved.records if isinstance(r, DownlinkRecord)]
    assert (dropped.cause_rx1, dropped.payload) == ("E4", b"old")
    frame, _effect = downlink(moved)
    assert crypt_payload(APP_S_KEY, DOWNLINK, new_addr, 0, frame.frm_payload) == b"new"
    assert moved.state.pending_session is None
    assert receive(moved.state, uplink_frame(6)) is None, "the old session is over"


def queued(payload: bytes = b"down", **changes: object) -> QueuedDownlink:
    return replace(QueuedDownlink(42, 9, payload, None, False, None, None, NOW), **changes)


def test_queued_downlinks_leave_in_order_with_fpending() -> None:
    state = replace(JOINED, queue=(queued(b"one"), queued(b"two", id=43, confirmed=True)))
    first = receive(state, uplink_frame(0))
    frame, _effect = downlink(first)
    assert frame.fpending and frame.fport == 9
    assert crypt_payload(APP_S_KEY, DOWNLINK, ADDR, 0, frame.frm_payload) == b"one"
    assert first is not None
    second = receive(first.state, uplink_frame(1), number=2)
    frame, _effect = downlink(second)
    assert frame.confirmed and not frame.fpending and frame.fcnt == 1
    assert second is not None and second.state.session is not None
    assert second.state.session.awaited_ack is not None
    third = receive(second.state, uplink_frame(2, fctrl=frames.ACK, payload=b"", fport=None), number=3)
    record = uplink_record(third)
    assert record.acknowledged_fcnt == 1 and record.reported


def test_expired_outdated_and_oversize_downlinks_are_dropped_with_their_cause() -> None:
    hsm = session(app_s_key=None, n_fcnt_down=3)
    queue = (
        queued(id=1, expires_at=NOW - 1),
        queued(id=2, fcnt=2),
        queued(b"x" * 240, id=3, fcnt=4),
        queued(b"ok", id=4, fcnt=7),
    )
    state = DeviceState(session=replace(hsm, radio=radio(data_rate=0)), queue=queue)
    transition = receive(state, uplink_frame(0), sf=12)
    assert transition is not None
    causes = [r.cause_rx1 for r in transition.records if isinstance(r, DownlinkRecord)]
    assert causes == ["E3", "E2"]
    (rejected,) = [r for r in transition.records if isinstance(r, DownlinkRejectedRecord)]
    assert rejected.cause == "Invalid payload size according to currents DR"
    frame, _effect = downlink(transition)
    assert frame.frm_payload == b"ok" and frame.fcnt == 7
    assert transition.state.session is not None and transition.state.session.n_fcnt_down == 8


def test_a_late_copy_or_a_slow_network_gets_no_downlink_or_rx2() -> None:
    confirmed = uplink_frame(0, confirmed=True)
    late = receive(JOINED, confirmed, late=True)
    assert late is not None and late.effects == ()
    assert "no base station can still answer" in late.records[0].decisions[-1]
    # RX1 at NOW + 1 is over when the frame is processed at NOW + 1.1; RX2 is not.
    from tests.unit.network.builders import NETWORK, data_event
    from veldnet.network.core.uplink import match, receive_data

    event = data_event(confirmed)
    context = context_of(NETWORK, device(), event, NOW + 1.1)
    found = match(context, JOINED)
    assert found is not None
    transition = receive_data(context, JOINED, found)
    _frame, effect = downlink(transition)
    assert [w.slot for w in effect.windows] == [2]


def mac_of(transition: Transition | None) -> tuple[object, ...]:
    frame, _effect = downlink(transition)
    octets = frame.fopts
    if frame.fport == 0:
        octets = crypt_payload(NWK_S_KEY, DOWNLINK, ADDR, frame.fcnt, frame.frm_payload)
    return parse(octets, DOWNLINK_COMMANDS).commands


def test_link_check_and_device_time_are_answered() -> None:
    transition = receive(JOINED, uplink_frame(0, commands=(LinkCheckReq(), DeviceTimeReq())), snr=2.0)
    answers = mac_of(transition)
    assert answers[0] == LinkCheckAns(10, 1)  # SF7 needs -7.5 dB; rounding is to even
    assert isinstance(answers[1], DeviceTimeAns)
    assert answers[1].seconds == int(NOW - 315964800 + 18)


def test_mac_commands_on_port_0() -> None:
    transition = receive(JOINED, uplink_frame(0, fport=0, payload=b"\x02"))
    record = uplink_record(transition)
    assert record.mac == b"\x02" and record.payload == b"" and not record.reported
    assert isinstance(mac_of(transition)[0], LinkCheckAns)


def test_an_unknown_mac_command_is_noted() -> None:
    transition = receive(JOINED, uplink_frame(0, fport=0, payload=b"\x7f\x01"))
    assert any("0x7F" in words for words in uplink_record(transition).decisions)


def test_adr_raises_the_rate_and_the_answer_confirms_it() -> None:
    state = DeviceState(session=session(radio=radio(data_rate=0)))
    transition, target = None, device(plan=PlanSettings(adrVersion=2))
    for fcnt in range(20):
        transition = receive(state, uplink_frame(fcnt), sf=12, snr=3.5, number=fcnt, target=target)
        assert transition is not None
        state = transition.state
    # The reference's worked example: margin 13.5 dB, four steps, from DR0 to DR4.
    (request,) = mac_of(transition)
    assert request == LinkADRReq(4, 0, 0xFF, 0, 1)
    answer = LinkADRAns(power_ok=True, data_rate_ok=True, ch_mask_ok=True)
    transition = receive(state, uplink_frame(20, commands=(answer,)), sf=8, snr=3.5)
    assert transition is not None and transition.state.session is not None
    assert transition.state.session.radio.data_rate == 4
    assert transition.state.session.pending_requests == ()


def test_adr_keeps_still_without_the_adr_bit() -> None:
    state = DeviceState(session=session(radio=radio(data_rate=0)))
    for fcnt in range(25):
        transition = receive(state, uplink_frame(fcnt, fctrl=0), sf=12, snr=10, number=fcnt)
        assert transition is not None and transition.effects == ()
        state = transition.state


def test_adr_ack_req_is_answered_with_an_empty_frame() -> None:
    transition = receive(JOINED, uplink_frame(0, fctrl=frames.ADR | frames.ADR_ACK_REQ))
    frame, _effect = downlink(transition)
    assert frame.fport is None and frame.fopts == b""


def test_a_request_without_answer_is_repeated_then_given_up() -> None:
    state = DeviceState(session=session(radio=radio(rx2_data_rate=3)))
    sent = 0
    for fcnt in range(8):
        transition = receive(state, uplink_frame(fcnt), number=fcnt)
        assert transition is not None
        sent += len(transition.effects)
        state = transition.state
    assert sent == 4


def test_a_refused_request_is_repeated_a_limited_number_of_times() -> None:
    target = device(plan=PlanSettings(forceRx2DataRate=3, adrVersion=2))
    state, sent = JOINED, 0
    refusal = RXParamSetupAns(rx1_dr_offset_ok=True, rx2_data_rate_ok=False, channel_ok=True)
    for fcnt in range(12):
        commands = (refusal,) if fcnt else ()
        transition = receive(state, uplink_frame(fcnt, commands=commands), number=fcnt, target=target)
        assert transition is not None
        sent += len(transition.effects)
        state = transition.state
    assert sent == MAX_REFUSALS == 7 and state.session is not None and state.session.radio.rx2_data_rate == 0


@pytest.mark.parametrize(
    ("start", "plan", "request_type", "answer", "after"),
    [
        (
            {"rx1_delay": 1},
            PlanSettings(minRx1Delay=5),
            RXTimingSetupReq,
            RXTimingSetupAns(),
            {"rx1_delay": 5},
        ),
        (
            {},
            PlanSettings(forceRx2DataRate=3),
            RXParamSetupReq,
            RXParamSetupAns(rx1_dr_offset_ok=True, rx2_data_rate_ok=True, channel_ok=True),
            {"rx2_data_rate": 3},
        ),
        ({}, PlanSettings(maxDutyCycle=4), DutyCycleReq, DutyCycleAns(), {"max_duty_cycle": 4}),
        (
            {"defined_channels": 0x7F, "ch_mask": 0x7F},
            PlanSettings(),
            NewChannelReq,
            NewChannelAns(data_rate_range_ok=True, frequency_ok=True),
            {"defined_channels": 0xFF, "ch_mask": 0xFF},
        ),
    ],
    ids=["RXTimingSetup", "RXParamSetup", "DutyCycle", "NewChannel"],
)
def test_wanted_parameters_are_asked_for_and_taken_over_when_confirmed(
    start: dict[str, int],
    plan: PlanSettings,
    request_type: type,
    answer: object,
    after: dict[str, int],
) -> None:
    target = device(plan=plan)
    state = DeviceState(session=session(radio=radio(**start)))
    first = receive(state, uplink_frame(0), target=target)
    commands = mac_of(first)
    assert isinstance(commands[0], request_type)
    assert first is not None
    second = receive(first.state, uplink_frame(1, commands=(answer,)), target=target, number=2)  # type: ignore[arg-type]
    assert second is not None and second.state.session is not None
    for name, value in after.items():
        assert getattr(second.state.session.radio, name) == value
    third = receive(second.state, uplink_frame(2, commands=(answer,)), target=target, number=3)  # type: ignore[arg-type]
    assert third is not None, "a repeated, sticky answer is no error"


def test_device_status_is_asked_as_often_as_the_plan_says() -> None:
    target = device(plan=PlanSettings(deviceStatusRequestFrequency=2))
    first = receive(JOINED, uplink_frame(0), target=target)
    assert mac_of(first) == (DevStatusReq(),)
    assert first is not None
    second = receive(
        first.state, uplink_frame(1, commands=(DevStatusAns(200, -5),)), target=target, number=2, at=NOW + 60
    )
    assert second is not None and second.effects == ()
    assert (second.state.battery, second.state.margin) == (200, -5)
    assert uplink_record(second).device_status == (200, -5)
    third = receive(second.state, uplink_frame(2), target=target, number=3, at=NOW + 43_300)
    assert mac_of(third) == (DevStatusReq(),)
