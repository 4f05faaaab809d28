"""Sessions of LoRaWAN 1.1: four keys, two downlink counters, encrypted FOpts, rejoin-requests."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import (
    ADDR,
    APP_S_KEY,
    NETWORK,
    NOW,
    PLAN,
    copy,
    data_event,
    device,
    receive,
    session,
)
from veldnet.domain.documents import ProfileSettings
from veldnet.domain.joins import JoinKeys, JoinRefusal
from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames
from veldnet.lorawan.crypto import FCNT_NETWORK, UPLINK, Sent, crypt_fopts, crypt_payload, data_mic_uplink_11
from veldnet.lorawan.frames import DataFrame, MType, RejoinRequest
from veldnet.lorawan.join import SessionKeys11, join_request_mic
from veldnet.lorawan.mac_commands import (
    DOWNLINK_COMMANDS,
    DeviceModeConf,
    DeviceModeInd,
    MacCommand,
    RekeyConf,
    RekeyInd,
    ResetConf,
    ResetInd,
    parse,
    serialise,
)
from veldnet.network.core.context import context_of
from veldnet.network.core.device_class import current_class
from veldnet.network.core.events import (
    AskVault,
    Device,
    DownlinkSubmitted,
    ReceivedFrame,
    RejoinRequested,
    Transition,
    Transmit,
    VaultAnswered,
)
from veldnet.network.core.join import answer_join
from veldnet.network.core.outcome import ask_rejoin
from veldnet.network.core.records import JoinRecord, UplinkRecord
from veldnet.network.core.rejoin import request_rejoin
from veldnet.network.core.state import DeviceState, JoinMemory, decode_state, encode_state
from veldnet.network.core.submission import submit_downlink
from veldnet.simulator.security import Security11

KEYS = SessionKeys11(
    f_nwk_s_int_key=AesKey(bytes([1]) * 16),
    s_nwk_s_int_key=AesKey(bytes([2]) * 16),
    nwk_s_enc_key=AesKey(bytes([3]) * 16),
    app_s_key=APP_S_KEY,
)
PROFILE = ProfileSettings(loRaWANMacVersion="1.1", regionalParameterVersion="RP2-1.0.4")
DEVICE = device(PROFILE, sealed_nwk_key=b"sealed")


def session_11(**changes: object) -> DeviceState:
    return DeviceState(
        session=session(
            f_nwk_s_int_key=KEYS.f_nwk_s_int_key,
            s_nwk_s_int_key=KEYS.s_nwk_s_int_key,
            nwk_s_enc_key=KEYS.nwk_s_enc_key,
            **changes,
        )
    )


JOINED = session_11()
HOME = NetId(0)


def uplink_11(
    fcnt: int,
    *,
    commands: tuple[MacCommand, ...] = (),
    fport: int | None = 1,
    payload: bytes = b"hello",
    fctrl: int = frames.ADR,
    confirmed: bool = False,
    conf_fcnt: int = 0,
    tx_dr: int = 5,
    tx_ch: int = 0,
) -> bytes:
    key = KEYS.nwk_s_enc_key if fport == 0 else KEYS.app_s_key
    body = crypt_payload(key, UPLINK, ADDR, fcnt, payload) if fport is not None else b""
    fopts = crypt_fopts(KEYS.nwk_s_enc_key, UPLINK, ADDR, fcnt, serialise(commands), counter=FCNT_NETWORK)
    mtype = MType.CONFIRMED_UP if confirmed else MType.UNCONFIRMED_UP
    octets = frames.data_frame_octets(mtype, frames.Fhdr(ADDR, fctrl, fcnt, fopts), fport, body)
    return octets + data_mic_uplink_11(
        KEYS.f_nwk_s_int_key,
        KEYS.s_nwk_s_int_key,
        ADDR,
        fcnt,
        octets,
        Sent(conf_fcnt, tx_dr, tx_ch),
    )


def take(state: DeviceState, phy: bytes, target: Device = DEVICE, **radio: object) -> Transition:
    transition = receive(state, phy, target=target, **radio)  # type: ignore[arg-type]
    assert transition is not None
    return transition


def sent(transition: Transition) -> tuple[DataFrame, bytes]:
    effect = next(e for e in transition.effects if isinstance(e, Transmit))
    frame = frames.parse(effect.phy_payload)
    assert isinstance(frame, DataFrame)
    return frame, effect.phy_payload


def commands_of(frame: DataFrame, security: Security11, *, last_uplink: int = 0) -> tuple[MacCommand, ...]:
    fcnt = security.accept(frame, last_uplink=last_uplink)
    assert fcnt is not None, "the device finds the downlink genuine"
    return parse(security.downlink_commands(frame, fcnt), DOWNLINK_COMMANDS).commands


def test_the_mic_covers_data_rate_channel_and_acknowledged_counter() -> None:
    assert receive(JOINED, uplink_11(0), target=DEVICE) is not None
    for wrong in (
        uplink_11(0, tx_dr=4),
        uplink_11(0, tx_ch=1),
        uplink_11(0, conf_fcnt=7),
        uplink_11(0, fctrl=frames.ADR | frames.ACK),
    ):
        state = session_11(confirmed_fcnt=3)
        assert receive(state, wrong, target=DEVICE) is None
    acknowledging = uplink_11(0, fctrl=frames.ADR | frames.ACK, conf_fcnt=3)
    assert receive(session_11(confirmed_fcnt=3), acknowledging, target=DEVICE) is not None
    # Channel 1 is another frequency.
    assert receive(JOINED, uplink_11(0, tx_ch=1), target=DEVICE, frequency=868_300_000) is not None
    assert receive(JOINED, uplink_11(0), target=DEVICE, frequency=869_900_000) is None


def test_a_repetition_on_another_channel_is_delivered_once() -> None:
    first = take(JOINED, uplink_11(4))
    again = take(first.state, uplink_11(4, tx_ch=1), number=2, frequency=868_300_000)
    assert [r.outcome for r in (*first.records, *again.records)] == ["accepted", "repeated"]
    other = take(first.state, uplink_11(4, payload=b"other"), number=3)
    assert other.records[0].outcome == "counter_replayed"


def test_rekey_is_confirmed_in_encrypted_fopts() -> None:
    transition = take(JOINED, uplink_11(0, commands=(RekeyInd(1),)))
    frame, _phy = sent(transition)
    assert frame.fopts and parse(frame.fopts, DOWNLINK_COMMANDS).commands != (RekeyConf(1),)
    assert RekeyConf(1) in commands_of(frame, Security11(KEYS))
    record = transition.records[0]
    assert isinstance(record, UplinkRecord) and record.mac == serialise([RekeyInd(1)])
    assert take(JOINED, uplink_11(0, commands=(RekeyInd(0),))).effects == ()


def test_mac_commands_on_port_0_are_read_with_the_encryption_key() -> None:
    transition = take(JOINED, uplink_11(0, fport=0, payload=serialise([RekeyInd(1)])))
    assert RekeyConf(1) in commands_of(sent(transition)[0], Security11(KEYS))


def test_the_two_downlink_counters_are_apart() -> None:
    state, device_side = JOINED, Security11(KEYS)
    for fcnt in range(4):
        if fcnt % 2:
            submitted = DownlinkSubmitted(fcnt, 100 + fcnt, 9, b"\x01", None, False, False, None, None)
            state = submit_downlink(context_of(NETWORK, DEVICE, submitted, NOW), state).state
        transition = take(state, uplink_11(fcnt, confirmed=True), number=fcnt + 1)
        frame, _phy = sent(transition)
        assert frame.ack and device_side.accept(frame, last_uplink=fcnt) is not None
        assert device_side.accept(frame, last_uplink=fcnt) is None
        state = replace(transition.state, in_flight=())
    assert state.session is not None
    assert (state.session.n_fcnt_down, state.session.a_fcnt_down) == (2, 2)


def test_an_acknowledgement_names_its_uplink() -> None:
    frame, _phy = sent(take(JOINED, uplink_11(5, confirmed=True)))
    assert Security11(KEYS).accept(frame, last_uplink=4) is None
    assert Security11(KEYS).accept(frame, last_uplink=5) == 0


def test_a_device_may_become_class_c_and_leave_it() -> None:
    state = JOINED
    assert state.session is not None and current_class(DEVICE, state.session) == "A"
    for fcnt, mode, expected in ((0, 2, "C"), (1, 0, "A")):
        transition = take(state, uplink_11(fcnt, commands=(DeviceModeInd(mode),)), number=fcnt + 1)
        state = replace(transition.state, in_flight=())
        assert state.session is not None and current_class(DEVICE, state.session) == expected
        assert DeviceModeConf(mode) in commands_of(sent(transition)[0], Security11(KEYS))
    assert take(JOINED, uplink_11(0, commands=(DeviceModeInd(9),))).effects == ()


def test_a_personalised_device_that_restarted_keeps_its_counters() -> None:
    changed = session_11(personalised=True, fcnt_up=40, n_fcnt_down=7)
    assert changed.session is not None
    changed = replace(
        changed, session=replace(changed.session, radio=replace(changed.session.radio, rx1_delay=5))
    )
    transition = take(changed, uplink_11(41, commands=(ResetInd(1),)))
    after = transition.state.session
    assert after is not None and after.radio.rx1_delay == 1 and after.fcnt_up == 41
    assert after.n_fcnt_down == 8 and after.radio.defined_channels == 0b111
    assert ResetConf(1) in commands_of(sent(transition)[0], Security11(KEYS))
    joined = take(JOINED, uplink_11(0, commands=(ResetInd(1),)))
    assert joined.effects == () and "not personalised" in joined.records[0].decisions[0]


def test_the_state_keeps_everything_of_a_session() -> None:
    state = take(JOINED, uplink_11(3, commands=(RekeyInd(1),))).state
    assert decode_state(encode_state(state)) == state


# Rejoin-requests.


def rejoin(
    kind: int, count: int, *, key: AesKey = KEYS.s_nwk_s_int_key, net_id: NetId = HOME
) -> RejoinRequested:
    request = RejoinRequest(
        kind,
        None if kind == 1 else net_id,
        JoinEui.parse("0102030405060708") if kind == 1 else None,
        DevEui.parse("0059AC0000170311"),
        count,
        b"",
    )
    request = replace(request, mic=join_request_mic(key, request.unsigned()))
    received = ReceivedFrame(9, 10, (copy(request.to_bytes()),), NOW)
    return RejoinRequested(received, request, DevAddr(0x42))


def ask(
    state: DeviceState, event: RejoinRequested, *, target: Device = DEVICE, memory: JoinMemory | None = None
) -> Transition:
    return request_rejoin(context_of(NETWORK, target, event, NOW), state, memory or JoinMemory())


def outcome_of(transition: Transition) -> str:
    (record,) = transition.records
    assert isinstance(record, JoinRecord)
    return record.outcome


@pytest.mark.parametrize("kind", [0, 2])
def test_rejoin_counters_must_rise_in_a_session(kind: int) -> None:
    state = JOINED
    for count in (0, 1, 5):
        transition = ask(state, rejoin(kind, count))
        (effect,) = transition.effects
        assert isinstance(effect, AskVault) and effect.order.request.rejoin_type == kind  # type: ignore[union-attr]
        assert effect.order.accept.opt_neg
        state = transition.state
        for old in range(count + 1):
            assert outcome_of(ask(state, rejoin(kind, old))) == "rj_count_not_rising"


def test_rejoins_that_are_refused() -> None:
    assert outcome_of(ask(JOINED, rejoin(0, 1, key=KEYS.f_nwk_s_int_key))) == "wrong_mic"
    assert outcome_of(ask(DeviceState(), rejoin(0, 1))) == "wrong_mic"
    assert outcome_of(ask(JOINED, rejoin(2, 1, net_id=NetId(5)))) == "foreign_network"
    older = device(ProfileSettings(loRaWANMacVersion="1.0.4"))
    assert outcome_of(ask(JOINED, rejoin(0, 1), target=older)) == "rejoin_before_1_1"
    keyless = device(PROFILE)
    assert outcome_of(ask(JOINED, rejoin(0, 1), target=keyless)) == "no_nwk_key"
    unknown = device(PROFILE, sealed_nwk_key=b"s", join_eui="00000000000000FF")
    assert outcome_of(ask(JOINED, rejoin(1, 1), target=unknown)) == "wrong_join_eui"
    remembered = JoinMemory(last_rj_count1=7)
    assert outcome_of(ask(JOINED, rejoin(1, 7), memory=remembered)) == "rj_count_not_rising"
    assert ask(JOINED, rejoin(1, 8), memory=remembered).effects


def answered(state: DeviceState, event: RejoinRequested, memory: JoinMemory) -> Transition:
    transition = ask(state, event, memory=memory)
    (effect,) = transition.effects
    assert isinstance(effect, AskVault)
    keys = JoinKeys(
        join_accept=b"\x20" + bytes(16),
        f_nwk_s_int_key=AesKey(bytes([9]) * 16),
        s_nwk_s_int_key=AesKey(bytes([8]) * 16),
        nwk_s_enc_key=AesKey(bytes([7]) * 16),
        app_s_key=AesKey(bytes([6]) * 16),
        wrapped_app_s_key=None,
    )
    vault = VaultAnswered(effect.join, effect.order, keys)
    return answer_join(context_of(NETWORK, DEVICE, vault, NOW + 0.2), transition.state, memory)


def test_type_2_keeps_the_radio_and_type_0_does_not() -> None:
    assert JOINED.session is not None
    tuned = replace(JOINED.session.radio, rx1_dr_offset=2, rx2_data_rate=3, tx_power=4)
    state = replace(JOINED, session=replace(JOINED.session, radio=tuned))
    for kind, kept in ((2, True), (0, False)):
        transition = answered(state, rejoin(kind, 1), JoinMemory(join_nonce=4))
        pending = transition.state.pending_session
        assert pending is not None and transition.state.session is not None, "the old session stays (I8)"
        assert (pending.radio == tuned) == kept
        assert pending.fcnt_up is None and pending.dev_addr == DevAddr(0x42)
        (effect,) = transition.effects
        assert isinstance(effect, Transmit)
        # After the join-accept delays, in the windows the device has now.
        assert [w.opens_at for w in effect.windows] == [NOW + 5, NOW + 6]
        assert str(effect.windows[1].modulation) == "SF9BW125"
        assert transition.join_memory is not None and transition.join_memory.join_nonce == 5


def test_type_1_is_remembered_permanently() -> None:
    memory = JoinMemory(join_nonce=4, last_dev_nonce=11)
    transition = answered(JOINED, rejoin(1, 3), memory)
    assert transition.join_memory == JoinMemory(join_nonce=5, last_dev_nonce=11, last_rj_count1=3)


def test_the_vaults_refusal_is_recorded() -> None:
    transition = ask(JOINED, rejoin(1, 3))
    (effect,) = transition.effects
    assert isinstance(effect, AskVault)
    vault = VaultAnswered(effect.join, effect.order, JoinRefusal("wrong_mic", "no"))
    assert (
        outcome_of(answer_join(context_of(NETWORK, DEVICE, vault, NOW), JOINED, JoinMemory())) == "wrong_mic"
    )


def test_an_administrator_can_ask_for_a_rejoin() -> None:
    state = ask_rejoin(JOINED).state
    transition = take(state, uplink_11(0))
    frame, _phy = sent(transition)
    names = [command.NAME for command in commands_of(frame, Security11(KEYS))]
    assert "ForceRejoinReq" in names
    later = take(replace(transition.state, in_flight=()), uplink_11(1), number=2)
    assert later.effects == (), "it is asked once"
    plain = DeviceState(session=session())
    assert ask_rejoin(plain).state is plain


def test_a_session_is_renewed_before_its_counters_end() -> None:
    state = session_11(fcnt_up=0xFFFF_0000)
    frame, _phy = sent(take(state, uplink_11(0xFFFF_0001)))
    names = [command.NAME for command in commands_of(frame, Security11(KEYS))]
    assert "ForceRejoinReq" in names


def test_every_channel_of_the_plan_is_tried_for_the_mic() -> None:
    for index, channel in enumerate(PLAN.channels):
        phy = uplink_11(0, tx_ch=index)
        event = data_event(phy, frequency=channel.frequency)
        assert receive(JOINED, phy, target=DEVICE, frequency=event.received.best.frequency) is not None
    assert all(a.frequency != b.frequency for a, b in pairwise(PLAN.channels))
