"""Every parser that reads the outside refuses garbage in its own words, and never fails otherwise."""

from __future__ import annotations

import asyncio
import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateways.test_semtech_udp import HERE, WIRE_EUI, Harness, rxpk
from tests.unit.network.builders import NETWORK, copy, device, session, uplink_frame
from veldnet.domain.errors import Refusal
from veldnet.domain.resources import Device, Route
from veldnet.gateways.semtech_udp.messages import head_of_only_frame
from veldnet.inventory.routing_profiles import check_routes
from veldnet.keys import VaultError, parse_rsa_public_key
from veldnet.lorawan import frames, mac_commands
from veldnet.network.core.context import context_of
from veldnet.network.core.events import DataReceived, ReceivedFrame
from veldnet.network.core.state import DeviceState
from veldnet.network.core.uplink import match, receive_data
from veldnet.routing.downlinks import Refused, parse_request, query_parameters
from veldnet.simulator.device import VirtualDevice

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=300))
def test_frames(octets: bytes) -> None:
    try:
        frame = frames.parse(octets)
    except frames.FrameError as error:
        assert error.code
    else:
        # Reserved bits apart, what was read can be written again.
        assert frame.to_bytes()[1:] == octets[1:]


@given(st.binary(max_size=60))
def test_mac_commands(octets: bytes) -> None:
    for registry in (mac_commands.UPLINK_COMMANDS, mac_commands.DOWNLINK_COMMANDS):
        stream = mac_commands.parse(octets, registry)
        again = mac_commands.serialise(stream.commands)
        assert len(again) + len(stream.rest) == len(octets)
        assert mac_commands.parse(again, registry).commands == stream.commands


@given(st.binary(max_size=60), st.integers(0, 255), st.sampled_from([None, 0, 1]))
def test_genuine_frames_with_any_content_never_break_the_core(
    payload: bytes, fctrl: int, fport: int | None
) -> None:
    """A device that joined may send whatever it likes, rightly signed."""
    phy = uplink_frame(3, payload=payload if fport is not None else b"", fport=fport, fctrl=fctrl & 0xF0)
    frame = frames.parse(phy)
    assert isinstance(frame, frames.DataFrame)
    event = DataReceived(ReceivedFrame(1, 2, (copy(phy),), copy(phy).received_at), frame)
    state = DeviceState(session=session())
    context = context_of(NETWORK, device(), event, copy(phy).received_at)
    found = match(context, state)
    assert found is not None
    transition = receive_data(context, state, found)
    assert transition.records


@given(st.binary(max_size=200), st.sampled_from([0, 2, 5, 9]), st.sampled_from([0, 1, 2, 3]))
def test_datagrams(body: bytes, identifier: int, version: int) -> None:
    async def story() -> None:
        harness = Harness()
        harness.server.datagram(bytes((version,)) + b"ab" + bytes((identifier,)) + WIRE_EUI + body, HERE)
        harness.server.datagram(body, HERE)
        assert not harness.uplinks

    asyncio.run(story())


@given(_JSON, _JSON, st.text(max_size=30))
def test_push_data(whole: object, field: object, name: str) -> None:
    async def story() -> None:
        harness = Harness()
        harness.push(json.dumps(whole).encode())
        packet = json.loads(rxpk())
        for member in (*packet, name):
            harness.push(json.dumps({"rxpk": [packet | {member: field}], "stat": None}).encode())
        harness.push(f'{{"rxpk":[{rxpk().decode()}]}}'.encode())
        assert harness.uplinks, "after all that a good packet still gets through"

    asyncio.run(story())


_GOOD = b'{"rxpk":[%s,%s],"stat":{"rxnb":1,"rxok":1,"rxfw":1,"ackr":100.0}}' % (rxpk(), rxpk(tmms=1))
_PIECES = st.sampled_from(
    [b"[", b"{", b"]", b"}", b'"', b"\\", b",", b":", b"nan", b"-inf", b"1e999", b"9" * 5000, b"\xff",
     b"\x00", b"[" * 3000, b'{"a":' * 3000, b"null", b"\xc3", b'"rxpk":[', b'"stat":{', b'"data":"QA"']
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, len(_GOOD)), st.integers(0, 40), _PIECES | st.binary(max_size=8)),
                min_size=1, max_size=6), st.sampled_from([0, 2, 5]))  # fmt: skip
def test_c9_a_datagram_with_something_else_in_it(
    changes: list[tuple[int, int, bytes]], identifier: int
) -> None:
    """Pieces of a good datagram are replaced: whatever comes of it is read or refused in our own words."""
    body = _GOOD
    for at, cut, piece in changes:
        body = body[:at] + piece + body[at + cut :]

    async def story() -> None:
        harness = Harness()
        harness.server.datagram(b"\x02ab" + bytes((identifier,)) + WIRE_EUI + body[:65_000], HERE)
        assert not harness.server.refused["defect"]
        for uplink in harness.uplinks:
            assert 0 < len(uplink.phy_payload) <= 255 and 10_000_000 <= uplink.frequency <= 3_000_000_000
        harness.push(_GOOD)
        assert len(harness.uplinks) >= 2

    asyncio.run(story())


@given(st.binary(min_size=1, max_size=60), st.booleans(), st.sampled_from(["", " ", "\n\t"]), _JSON)
def test_a_quick_look_at_a_frame_sees_what_reading_it_sees(
    payload: bytes, padded: bool, blank: str, other: object
) -> None:
    text = base64.b64encode(payload).decode()
    packet = json.loads(rxpk(data=text if padded else text.rstrip("="), size=None)) | {"other": other}
    body = json.dumps({"rxpk": [packet]}, separators=("," + blank, blank + ":" + blank)).encode()
    datagram = b"\x02ab\x00" + WIRE_EUI + body
    head = head_of_only_frame(datagram)
    assert head is None or head == payload[:6]
    if len(payload) >= 6 and not isinstance(other, dict | list | str):
        assert head == payload[:6]
    garbage = head_of_only_frame(datagram[: len(datagram) // 2] + payload)
    assert garbage is None or len(garbage) == 6


@given(st.binary(max_size=100))
def test_a_device_ignores_downlinks_that_are_not_for_it(octets: bytes) -> None:
    import random

    from veldnet.lorawan import AesKey, DevEui, JoinEui
    from veldnet.lorawan.regions import EU868
    from veldnet.simulator.device import Identity

    identity = Identity(DevEui(1), JoinEui(1), AesKey(bytes(16)))
    assert VirtualDevice(identity, EU868, random.Random(1)).receive(b"\x60" + octets) is None


@given(st.text(max_size=200))
def test_downlink_queries(text: str) -> None:
    for query in (text, f"DevEUI=0059AC0000170311&FPort=1&Payload=00&{text}", f"DevEUI=1&Payload={text}"):
        try:
            parse_request(query_parameters(query), 0.0)
        except Refused as refused:
            assert 100 <= refused.refusal.code <= 121


@given(st.text(max_size=300))
def test_pems(text: str) -> None:
    for pem in (text, f"-----BEGIN PUBLIC KEY-----{text}-----END PUBLIC KEY-----"):
        try:
            parse_rsa_public_key(pem)
        except VaultError as error:
            assert error.code in ("bad_pem", "weak_key")
        else:
            raise AssertionError("no random text is a key")


@given(st.text(max_size=20), st.text(max_size=40), st.text(max_size=20), st.integers())
def test_routes(ports: str, address: str, as_id: str, deviation: int) -> None:
    for route in (
        Route(sourcePorts=ports, addresses=["http://as.example/"]),
        Route(addresses=[address]),
        Route(addresses=["http://as.example/"], asId=as_id, asKey=as_id, maxDeviation=deviation),
    ):
        try:
            check_routes([route])
        except Refusal as refusal:
            assert refusal.status == 400


@given(st.text(max_size=40), st.text(max_size=40), st.floats(), st.floats())
def test_devices(eui: str, key: str, latitude: float, longitude: float) -> None:
    from veldnet.inventory.devices import check_new_device

    body = Device(
        EUI=eui,
        applicationKey=key,
        deviceProfileId="x",
        geoLatitude=latitude,
        geoLongitude=longitude,
        name=key,
        applicationEUI=eui,
        homeNsNetID=eui,
    )
    try:
        check_new_device(body, hsm_required=False)
    except Refusal as refusal:
        assert refusal.status == 400
