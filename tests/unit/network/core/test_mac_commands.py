"""Each MAC command of the network: asked once, confirmed, not asked again; refused, remembered, given up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, NOW, NWK_S_KEY, device, radio, receive, session, uplink_frame
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan import frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.mac_commands import (
    DOWNLINK_COMMANDS,
    ADRParamSetupAns,
    ADRParamSetupReq,
    BeaconFreqAns,
    BeaconFreqReq,
    BeaconTimingAns,
    BeaconTimingReq,
    DevStatusAns,
    DevStatusReq,
    DlChannelAns,
    DlChannelReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    PingSlotChannelAns,
    PingSlotChannelReq,
    PingSlotInfoAns,
    PingSlotInfoReq,
    RejoinParamSetupAns,
    RejoinParamSetupReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    TxParamSetupAns,
    TxParamSetupReq,
    parse,
)
from veldnet.lorawan.regions import EU868, REGIONS, Channel, ChannelPlan
from veldnet.network.core.events import Device, Transition, Transmit
from veldnet.network.core.mac_commands import BEHAVIOURS, blocked
from veldnet.network.core.mac_commands.behaviour import MAX_ATTEMPTS
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.records import UplinkRecord
from veldnet.network.core.state import ChannelMask, DeviceState, Session

PLAIN = session(status_asked_at=NOW)


def requests_in(transition: Transition | None) -> list[MacCommand]:
    """The MAC commands of the downlink that a transition sends, none without a downlink."""
    assert transition is not None
    for effect in transition.effects:
        if isinstance(effect, Transmit):
            frame = frames.parse(effect.phy_payload)
            assert isinstance(frame, DataFrame)
            octets = frame.fopts
            if frame.fport == 0:
                octets = crypt_payload(NWK_S_KEY, DOWNLINK, frame.dev_addr, frame.fcnt, frame.frm_payload)
            return list(parse(octets, DOWNLINK_COMMANDS).commands)
    return []


def current(transition: Transition | None) -> Session:
    assert transition is not None and transition.state.session is not None
    return transition.state.session


Case = tuple[MacCommand, MacCommand, MacCommand | None, Device, Session, NetworkParameters]
V11 = ProfileSettings(loRaWANMacVersion="1.1")
CLASS_B = session(status_asked_at=NOW, ping_periodicity=1)
ALLOWED = PlanSettings(allowClassB=True)
AS923 = ChannelPlan(REGIONS["AS923-1"])


def case(
    request: MacCommand,
    answer: MacCommand,
    refusal: MacCommand | None = None,
    *,
    profile: ProfileSettings | None = None,
    plan: PlanSettings | None = None,
    before: Session = PLAIN,
    network: NetworkParameters = NETWORK,
) -> Case:
    return request, answer, refusal, device(profile, plan), before, network


CASES: dict[str, Case] = {
    "RXTimingSetup": case(RXTimingSetupReq(5), RXTimingSetupAns(), plan=PlanSettings(minRx1Delay=5)),
    "RXParamSetup": case(
        RXParamSetupReq(1, 3, 869_525_000),
        RXParamSetupAns(True, True, True),
        RXParamSetupAns(True, False, True),
        profile=ProfileSettings(rx1DROffset=1, rx2DataRate=3),
    ),
    "DutyCycle": case(DutyCycleReq(7), DutyCycleAns(), plan=PlanSettings(maxDutyCycle=7)),
    "DevStatus": case(
        DevStatusReq(),
        DevStatusAns(100, 5),
        plan=PlanSettings(deviceStatusRequestFrequency=24),
        before=session(),
    ),
    "LinkADR": case(
        LinkADRReq(5, 0, 0b111, 0, 1),
        LinkADRAns(True, True, True),
        LinkADRAns(True, True, False),
        plan=PlanSettings(forceChannelMask="0007"),
    ),
    "NewChannel": case(
        NewChannelReq(3, 867_100_000, 0, 5),
        NewChannelAns(True, True),
        NewChannelAns(True, False),
        before=replace(
            PLAIN, radio=radio(defined_channels=ChannelMask(0b11110111), ch_mask=ChannelMask(0b11110111))
        ),
    ),
    "DlChannel": case(
        DlChannelReq(0, 869_525_000),
        DlChannelAns(True, True),
        DlChannelAns(True, False),
        network=replace(NETWORK, rx1_frequencies=((868_100_000, 869_525_000),)),
    ),
    "TxParamSetup": case(
        TxParamSetupReq(True, True, 5),
        TxParamSetupAns(),
        profile=ProfileSettings(region="AS923-1"),
        before=replace(
            PLAIN,
            radio=radio(
                defined_channels=ChannelMask(3),
                ch_mask=ChannelMask(3),
                rx2_data_rate=2,
                rx2_frequency=923_200_000,
            ),
        ),
        network=replace(NETWORK, channel_plans={"AS923-1": AS923}, uplink_dwell=True, downlink_dwell=True),
    ),
    "ADRParamSetup": case(
        ADRParamSetupReq(7, 4),
        ADRParamSetupAns(),
        profile=V11,
        network=replace(NETWORK, adr_limit_exp=7, adr_delay_exp=4),
    ),
    "RejoinParamSetup": case(
        RejoinParamSetupReq(3, 9),
        RejoinParamSetupAns(True),
        profile=V11,
        network=replace(NETWORK, rejoin_setup=0x39),
    ),
    "PingSlotChannel": case(
        PingSlotChannelReq(868_100_000, 4),
        PingSlotChannelAns(True, True),
        PingSlotChannelAns(False, True),
        profile=ProfileSettings(pingSlotFrequency=868_100_000, pingSlotDataRate=4),
        plan=ALLOWED,
        before=CLASS_B,
    ),
    "BeaconFreq": case(
        BeaconFreqReq(869_000_000),
        BeaconFreqAns(True),
        BeaconFreqAns(False),
        profile=ProfileSettings(beaconFrequency=869_000_000),
        plan=ALLOWED,
        before=CLASS_B,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_asked_confirmed_and_not_asked_again(name: str) -> None:
    request, answer, _refusal, target, before, network = CASES[name]
    frequency = 923_200_000 if name == "TxParamSetup" else 868_100_000
    first = receive(
        DeviceState(session=before), uplink_frame(0), target=target, network=network, frequency=frequency
    )
    assert requests_in(first) == [request]
    assert [p.cid for p in current(first).pending_requests] == [request.CID]
    state = replace(first.state, in_flight=())  # type: ignore[union-attr]
    second = receive(
        state,
        uplink_frame(1, commands=(answer,)),
        target=target,
        network=network,
        number=2,
        frequency=frequency,
    )
    assert requests_in(second) == [] and current(second).pending_requests == ()
    record = second.records[0]  # type: ignore[union-attr]
    assert isinstance(record, UplinkRecord) and record.decisions
    # A sticky answer may come again, and one that nobody asked for is no reason to change anything.
    third = receive(
        second.state,  # type: ignore[union-attr]
        uplink_frame(2, commands=(answer,)),
        target=target,
        network=network,
        number=3,
        frequency=frequency,
    )
    assert current(third).radio == current(second).radio and requests_in(third) == []


@pytest.mark.parametrize("name", [name for name, values in CASES.items() if values[2] is not None])
def test_refused_and_in_the_end_given_up(name: str) -> None:
    request, _answer, refusal, target, before, network = CASES[name]
    assert refusal is not None
    state, asked = DeviceState(session=before), 0
    for fcnt in range(12):
        commands = (refusal,) if fcnt else ()
        transition = receive(
            state, uplink_frame(fcnt, commands=commands), target=target, network=network, number=fcnt + 1
        )
        asked += request.CID in [command.CID for command in requests_in(transition)]
        state = replace(transition.state, in_flight=())  # type: ignore[union-attr]
    assert asked == 7 and state.session is not None
    assert state.session.radio == before.radio, "a refused request changes nothing"
    (problem,) = blocked(state.session)
    assert (problem.name, problem.reason, problem.attempts) == (request.NAME, "rejected", 7)
    # A day later the network tries again.
    later = receive(state, uplink_frame(20), target=target, network=network, number=50, at=NOW + 90_000)
    assert request.CID in [command.CID for command in requests_in(later)]


@pytest.mark.parametrize("name", CASES)
def test_never_answered_and_given_up(name: str) -> None:
    request, _answer, _refusal, target, before, network = CASES[name]
    frequency = 923_200_000 if name == "TxParamSetup" else 868_100_000
    state, asked = DeviceState(session=before), 0
    for fcnt in range(8):
        transition = receive(
            state,
            uplink_frame(fcnt),
            target=target,
            network=network,
            number=fcnt + 1,
            frequency=frequency,
            at=NOW + 3700 * fcnt if name == "DevStatus" else NOW + fcnt,
        )
        asked += request.CID in [command.CID for command in requests_in(transition)]
        state = replace(transition.state, in_flight=())  # type: ignore[union-attr]
    assert asked == MAX_ATTEMPTS and state.session is not None
    (problem,) = blocked(state.session)
    assert (problem.name, problem.reason) == (request.NAME, "no answer")


@pytest.mark.parametrize("name", CASES)
def test_models_without_a_command_are_not_asked(name: str) -> None:
    request, _answer, _refusal, target, before, network = CASES[name]
    behaviour = BEHAVIOURS[request.CID]
    lacking = replace(target, profile=replace(target.profile, unsupportedMACCommands=(behaviour.name,)))
    transition = receive(DeviceState(session=before), uplink_frame(0), target=lacking, network=network)
    assert requests_in(transition) == []


def test_older_versions_are_not_asked_what_they_do_not_know() -> None:
    known = {
        version: {
            b.name for b in BEHAVIOURS.values() if b.known_to(ProfileSettings(loRaWANMacVersion=version))
        }
        for version in ("1.0.0", "1.0.2", "1.0.3", "1.1")
    }
    assert known["1.0.2"] - known["1.0.0"] == {"dlChannel", "txParamSetup"}
    assert known["1.0.3"] - known["1.0.2"] == {"deviceTime"}
    assert known["1.1"] - known["1.0.3"] == {
        "adrParamSetup", "deviceMode", "forceRejoin", "rejoinParamSetup", "rekey", "reset",
    }  # fmt: skip


US = ChannelPlan(REGIONS["US915"], sub_bands=(2,))
US_NETWORK = replace(NETWORK, channel_plans={"US915": US})
US_DEVICE = device(ProfileSettings(region="US915"))
US_SESSION = session(
    status_asked_at=NOW,
    radio=radio(
        rx2_data_rate=8,
        rx2_frequency=923_300_000,
        ch_mask=ChannelMask(US.defined),
        defined_channels=ChannelMask(US.defined),
        data_rate=3,
    ),
)


def us(state: DeviceState, fcnt: int, *commands: MacCommand) -> Transition:
    transition = receive(
        state,
        uplink_frame(fcnt, commands=commands),
        target=US_DEVICE,
        network=US_NETWORK,
        number=fcnt + 1,
        frequency=903_900_000,
        sf=7,
    )
    assert transition is not None
    return transition


YES, NO = LinkADRAns(True, True, True), LinkADRAns(True, True, False)


@pytest.mark.parametrize("answers", [(YES,), (YES, YES)])
def test_a_sub_band_is_chosen_in_one_atomic_block(answers: Sequence[MacCommand]) -> None:
    first = us(DeviceState(session=US_SESSION), 0)
    assert requests_in(first) == [LinkADRReq(3, 0, 2, 7, 1), LinkADRReq(3, 0, 0xFF00, 0, 1)]
    assert len(current(first).pending_requests) == 1, "a block has one fate"
    second = us(replace(first.state, in_flight=()), 1, *answers)
    assert current(second).radio.ch_mask == US.mask and requests_in(second) == []
    # RX1 of US915 is on a downlink channel of 500 kHz.
    (effect,) = first.effects
    assert isinstance(effect, Transmit)
    assert (effect.windows[0].frequency, str(effect.windows[0].modulation)) == (923_300_000, "SF7BW500")


def test_a_refused_block_changes_nothing() -> None:
    first = us(DeviceState(session=US_SESSION), 0)
    second = us(replace(first.state, in_flight=()), 1, NO, NO)
    assert current(second).radio.ch_mask == US.defined
    assert [(r.cid, r.count) for r in current(second).refusals] == [(3, 1)]
    assert len(requests_in(second)) == 2, "it is asked again"


def test_a_refused_power_is_not_asked_again() -> None:
    plan = PlanSettings(adrVersion=2)
    state = DeviceState(session=session(status_asked_at=NOW))
    transition = None
    for fcnt in range(20):
        transition = receive(state, uplink_frame(fcnt), snr=10, number=fcnt + 1, target=device(plan=plan))
        state = replace(transition.state, in_flight=())  # type: ignore[union-attr]
    (request,) = requests_in(transition)
    assert isinstance(request, LinkADRReq) and request.tx_power == 2
    refused = LinkADRAns(False, True, True)
    transition = receive(
        state, uplink_frame(20, commands=(refused,)), snr=10, number=30, target=device(plan=plan)
    )
    (second,) = requests_in(transition)
    assert isinstance(second, LinkADRReq) and second.tx_power == 1
    assert "power 2" in " ".join(transition.records[0].decisions)  # type: ignore[union-attr]


def test_channels_that_the_operator_takes_away_are_removed() -> None:
    fewer = replace(NETWORK, channel_plans={"EU868": ChannelPlan(EU868, (Channel(867_100_000, 0, 5),))})
    transition = receive(DeviceState(session=PLAIN), uplink_frame(0), network=fewer)
    removals = [c for c in requests_in(transition) if isinstance(c, NewChannelReq)]
    assert removals == [NewChannelReq(4, 0, 0, 0), NewChannelReq(5, 0, 0, 0)]
    state = replace(transition.state, in_flight=())  # type: ignore[union-attr]
    yes = NewChannelAns(True, True)
    after = receive(state, uplink_frame(1, commands=(yes, yes)), network=fewer, number=2)
    assert current(after).radio.defined_channels == 0b11001111


def test_questions_of_class_b_devices() -> None:
    commands = (PingSlotInfoReq(4), BeaconTimingReq(), LinkCheckReq())
    transition = receive(
        DeviceState(session=PLAIN), uplink_frame(0, commands=commands), target=device(plan=ALLOWED)
    )
    answers = requests_in(transition)
    assert answers[0] == PingSlotInfoAns() and current(transition).ping_periodicity == 4
    timing = answers[1]
    assert isinstance(timing, BeaconTimingAns) and 0 <= timing.delay <= 4267 and timing.channel == 0


def test_garbage_after_known_commands_is_recorded_and_ends_the_reading() -> None:
    phy = uplink_frame(0, payload=bytes((0x02, 0x99, 0x02, 0x02)), fport=0)
    transition = receive(DeviceState(session=PLAIN), phy)
    (answer,) = requests_in(transition)
    assert answer.NAME == "LinkCheckAns"
    words = " ".join(transition.records[0].decisions)  # type: ignore[union-attr]
    assert "proprietary MAC command 0x99" in words
    for octets, expected in ((b"\x43", "relay command UpdateUplinkList"), (b"\x30", "0x30 is unknown")):
        transition = receive(DeviceState(session=PLAIN), uplink_frame(0, payload=octets, fport=0))
        assert expected in " ".join(transition.records[0].decisions)  # type: ignore[union-attr]
    truncated = receive(DeviceState(session=PLAIN), uplink_frame(0, payload=b"\x06\x01", fport=0))
    assert "0x06 is unknown or incomplete" in " ".join(truncated.records[0].decisions)  # type: ignore[union-attr]
