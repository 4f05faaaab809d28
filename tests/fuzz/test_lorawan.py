"""Genuine devices and networks may say anything, in any region, version and class; nothing breaks."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.network.builders import NOW, data_event, device, session
from tests.unit.network.core.test_version_11 import DEVICE, KEYS, session_11, uplink_11
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.crypto import UPLINK, crypt_payload, data_mic
from veldnet.lorawan.frames import MType
from veldnet.lorawan.join import JoinAccept, encrypt_join_accept, join_accept_mic
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss
from veldnet.lorawan.regions import REGIONS, ChannelPlan, parse_cf_list
from veldnet.network.core.context import context_of
from veldnet.network.core.events import SendDue, Transmit
from veldnet.network.core.outcome import send_due
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.sessions import default_radio
from veldnet.network.core.state import DeviceState, Session, decode_state, encode_state
from veldnet.network.core.uplink import match, receive_data
from veldnet.simulator.device import Identity, VirtualDevice

NETWORK = NetworkParameters(
    channel_plans={name: ChannelPlan(region) for name, region in REGIONS.items()},
    uplink_dwell=True,
    downlink_dwell=True,
    rejoin_setup=0x11,
    rx1_frequencies=((868_100_000, 869_525_000),),
)
MODULATIONS = st.sampled_from(
    [Lora(sf, width) for sf in range(5, 13) for width in (125, 250, 500)]
    + [Fsk(50_000), LrFhss(137, "1/3"), LrFhss(1523, "2/3"), LrFhss(336, "x")]
)


@given(st.binary(max_size=40))
def test_cf_lists(octets: bytes) -> None:
    try:
        frequencies, mask = parse_cf_list(octets)
    except ValueError:
        assert len(octets) not in (0, 16)
    else:
        assert len(frequencies) in (0, 5) and (mask is None or mask < 1 << 96)


@given(
    st.sampled_from(sorted(REGIONS)),
    st.binary(max_size=40),
    st.binary(max_size=15),
    st.sampled_from([None, 0, 1, 224, 255]),
    st.integers(0, 255),
    MODULATIONS,
    st.integers(400_000_000, 930_000_000),
    st.integers(0, 0xFFFFFFFF),
    st.booleans(),
)
def test_signed_frames_in_every_region(
    name: str,
    payload: bytes,
    fopts: bytes,
    fport: int | None,
    fctrl: int,
    modulation: Lora | Fsk | LrFhss,
    frequency: int,
    last: int,
    class_b: bool,
) -> None:
    """Counters near their ends, impossible data rates, commands nobody asked for, on any frequency."""
    if fport == 0:
        fopts = b""
    if fport is None:
        payload = b""
    region = REGIONS[name]
    target = device(
        ProfileSettings(region=name, loRaWANMacVersion="1.0.4"),
        PlanSettings(allowClassB=True, deviceStatusRequestFrequency=1, maxDutyCycle=3),
        device_class="C",
    )
    before: Session = session(
        radio=default_radio(ChannelPlan(region)), fcnt_up=last, ping_periodicity=3 if class_b else None
    )
    fcnt = last + 1 & 0xFFFFFFFF
    key = before.f_nwk_s_int_key if fport == 0 else before.app_s_key
    assert key is not None
    body = crypt_payload(key, UPLINK, before.dev_addr, fcnt, payload) if fport is not None else b""
    octets = frames.data_frame_octets(
        MType.CONFIRMED_UP, frames.Fhdr(before.dev_addr, fctrl & 0xF0, fcnt, fopts), fport, body
    )
    phy = octets + data_mic(before.f_nwk_s_int_key, UPLINK, before.dev_addr, fcnt, octets)
    event = data_event(phy, modulation=modulation, frequency=frequency)
    state = DeviceState(session=before)
    context = context_of(NETWORK, target, event, NOW + 0.2)
    found = match(context, state)
    assert found is not None
    transition = receive_data(context, state, found)
    assert transition.records
    assert decode_state(encode_state(transition.state)) == transition.state
    for effect in transition.effects:
        if isinstance(effect, Transmit):
            _check(effect)
    later = send_due(
        context_of(NETWORK, target, SendDue(5, 6), NOW + 100), replace(transition.state, in_flight=())
    )
    assert later.state is not None


def _check(effect: Transmit) -> None:
    """What leaves is a frame that fits its data rate."""
    for window in effect.windows:
        assert time_on_air(window.modulation, len(effect.phy_payload), crc=False) > 0
        fitting = [
            rate.max_mac_payload
            for region in REGIONS.values()
            for rate in region.downlink.values()
            if rate.modulation == window.modulation
        ]
        # MHDR and MIC are no part of the MACPayload.
        assert fitting and len(effect.phy_payload) - 5 <= max(fitting)


@given(
    st.binary(max_size=40),
    st.sampled_from([None, 0, 1]),
    st.integers(0, 255),
    st.integers(0, 0xFFFFFFFE),
    st.sampled_from(["A", "C"]),
)
def test_signed_frames_of_1_1(payload: bytes, fport: int | None, fctrl: int, last: int, mode: str) -> None:
    state = session_11(fcnt_up=last, device_mode=mode, confirmed_fcnt=9)
    fctrl &= 0xF0
    conf = 9 if fctrl & frames.ACK else 0
    phy = uplink_11(
        last + 1, payload=b"" if fport is None else payload, fport=fport, fctrl=fctrl, conf_fcnt=conf
    )
    event = data_event(phy)
    context = context_of(NETWORK, DEVICE, event, NOW + 0.2)
    found = match(context, state)
    assert found is not None and found.verdict == "new"
    transition = receive_data(context, state, found)
    assert transition.records and decode_state(encode_state(transition.state)) == transition.state
    assert KEYS.app_s_key.hex() not in repr(transition.records)


@given(
    st.sampled_from(sorted(REGIONS)),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 127),
    st.integers(0, 15),
)
def test_a_device_survives_any_genuine_join_accept(
    name: str, cf_list: bytes, dl_settings: int, rx_delay: int
) -> None:
    key = AesKey(bytes(16))
    virtual = VirtualDevice(Identity(DevEui(1), JoinEui(1), key), REGIONS[name], random.Random(1))
    virtual.join_request()
    accept = JoinAccept(5, NetId(0), DevAddr(7), dl_settings, rx_delay, cf_list)
    received = virtual.receive(encrypt_join_accept(key, accept, join_accept_mic(key, accept)))
    assert received is not None and received.joined
    assert virtual.radio.enabled_channels
