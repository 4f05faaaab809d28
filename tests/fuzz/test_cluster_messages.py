"""Messages between nodes: what is sent comes as it was, and garbage is refused as such."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from veldnet.cluster.radio_messages import (
    BadMessage,
    Forwarded,
    decode_downlinks,
    decode_reports,
    decode_uplinks,
    encode_downlinks,
    encode_reports,
    encode_uplinks,
)
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.gpstime import FineTime
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow

# They are costly to make, and much alike.
few = settings(max_examples=max(settings().max_examples // 8, 1))
numbers = st.integers(0, (1 << 32) - 1)
stations = numbers.map(BaseStationId)
levels = st.floats(-200, 50)
times = st.integers(0, 1 << 31).map(float)
modulations = st.one_of(
    st.builds(Lora, st.integers(5, 12), st.sampled_from([125, 250, 500])),
    st.builds(Fsk, st.integers(1, 1_000_000)),
    st.builds(LrFhss, st.integers(1, 2000), st.text(max_size=5)),
)
uplinks = st.builds(
    GatewayUplink,
    stations,
    st.binary(max_size=255),
    numbers,
    modulations,
    st.none() | levels,
    st.none() | levels,
    st.none() | numbers,
    times,
    st.booleans(),
    st.none() | times,
    st.none() | levels,
    st.binary(max_size=20),
    st.none() | st.builds(FineTime, numbers, st.integers(0, 999_999_999)),
)
windows = st.builds(
    TransmitWindow,
    stations,
    st.integers(1, 3),
    numbers,
    modulations,
    times,
    levels,
    st.none() | numbers,
    st.none() | times,
    levels,
    st.text(max_size=8),
    levels,
    st.binary(max_size=20),
)
tokens = st.integers(0, (1 << 63) - 1)
frames = st.builds(GatewayDownlink, tokens, st.binary(max_size=255), windows, st.none() | windows)
reports = st.builds(TransmitReport, tokens, stations, st.none() | st.text(max_size=40), st.booleans())


@few
@given(uplinks, frames, reports, st.integers(-7200, 7200))
def test_what_is_sent_comes_as_it_was_by_the_clock_of_the_receiver(
    uplink: GatewayUplink, frame: GatewayDownlink, report: TransmitReport, ahead: int
) -> None:
    said: list[float] = []

    def ahead_of(sent_at: float) -> float:
        said.append(sent_at)
        return float(ahead)

    assert decode_uplinks(encode_uplinks(7.0, [Forwarded(uplink, 2)]), ahead_of) == [
        Forwarded(replace(uplink, received_at=uplink.received_at + ahead), 2)
    ]
    second = frame.second
    assert decode_downlinks(encode_downlinks(8.0, [frame]), ahead_of) == [
        replace(
            frame,
            window=replace(frame.window, opens_at=frame.window.opens_at + ahead),
            second=second and replace(second, opens_at=second.opens_at + ahead),
        )
    ]
    assert said == [7.0, 8.0]
    assert decode_reports(encode_reports([report])) == [report]


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=14),
)


@few
@given(st.binary(max_size=200) | anything.map(msgspec.msgpack.encode))
def test_garbage_is_refused_and_nothing_else_happens(message: bytes) -> None:
    for decode in (
        lambda octets: decode_uplinks(octets, lambda _sent_at: 0.0),
        lambda octets: decode_downlinks(octets, lambda _sent_at: 0.0),
        decode_reports,
    ):
        try:
            came = decode(message)
        except BadMessage:
            continue
        assert isinstance(came, list)


@few
@given(st.builds(Forwarded, uplinks, st.integers(0, 3)), st.data())
def test_messages_with_one_wrong_octet_are_read_or_refused(frame: Forwarded, data: Any) -> None:
    message = bytearray(encode_uplinks(1.0, [frame]))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] = data.draw(st.integers(0, 255))
    try:
        came = decode_uplinks(bytes(message), lambda _sent_at: 0.0)
    except BadMessage:
        return
    assert all(isinstance(each.uplink, GatewayUplink) for each in came)
