"""ChirpStack's MQTT protocol: messages on the wire, topics, and base stations behind a made-up broker."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateways.chirpstack import (
    BASE,
    EU868,
    NAME,
    UPLINK,
    Outlet,
    Platform,
    frame,
    protocol_of,
    window,
)
from veldnet.gateways.chirpstack_mqtt import gateway_pb2 as pb
from veldnet.gateways.chirpstack_mqtt.configuration import configuration
from veldnet.gateways.chirpstack_mqtt.messages import (
    LONGEST_MESSAGE,
    decode,
    encode,
)
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport
from veldnet.simulator.virtual_time import run_virtually

STATION, EUI = BaseStationId(0xFF000001), GatewayEui(0x0016C001FF10A235)


def test_a_frame_and_its_answer() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        (heard,) = platform.uplinks
        assert platform.connections == [("connected", STATION)]
        for token in (7, 8):
            protocol.transmit(GatewayDownlink(token, b"frame", window(heard.context)))
        first, second = outlet.frames()
        assert [topic for topic, _payload in outlet.published] == [f"{BASE}/command/down"] * 2
        assert first.items[0].tx_info.context == bytes.fromhex("00000010") and first.gateway_id == NAME
        # Forwarders tell downlinks apart by the low 16 bits.
        assert first.downlink_id & 0xFFFF != second.downlink_id & 0xFFFF
        for sent, status in ((second, "0807"), (first, "0801")):
            ack = pb.DownlinkTxAck(downlink_id=sent.downlink_id, gateway_id=NAME)
            payload = encode(ack, as_json=False) + bytes.fromhex(f"2a02{status}")
            protocol.received(outlet, f"{BASE}/event/ack", payload, False)
            protocol.received(outlet, f"{BASE}/event/ack", payload, False)
        assert platform.reports == [TransmitReport(8, STATION, "TX_POWER"), TransmitReport(7, STATION, None)]
        # Each again: nobody waits for it.
        assert protocol.counts.refused == {"unknown_downlink": 2} and protocol.counts.received["ack"] == 4
        assert "another server" in str(platform.presence.stations[STATION].refused.last)

    run_virtually(story())


def test_a_base_station_that_another_node_serves_is_overheard() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        (heard,) = platform.uplinks
        protocol.transmit(GatewayDownlink(7, b"frame", window(heard.context)))
        platform.ours = False
        again = encode(frame(rx_info__uplink_id=8), as_json=False)
        protocol.received(outlet, f"{BASE}/event/up", again, False)
        assert len(platform.uplinks) == 1, "the other node takes it"
        (sent,) = outlet.frames()
        ack = encode(pb.DownlinkTxAck(downlink_id=sent.downlink_id, gateway_id=NAME), as_json=False)
        for _copy in range(2):
            protocol.received(outlet, f"{BASE}/event/ack", ack + bytes.fromhex("2a020801"), False)
        assert platform.reports == [TransmitReport(7, STATION, None)]
        assert not protocol.counts.refused, "answers to the other node are none of this one's business"
        # One that came only after it was another's, too, is connected as soon as it is this node's.
        other = protocol_of(platform)
        platform.connections.clear()
        other.received(outlet, f"{BASE}/event/up", again, False)
        other.take_up()
        assert platform.connections == []
        platform.ours = True
        other.take_up()
        assert platform.connections == [("connected", STATION)]
        other.transmit(GatewayDownlink(8, b"frame", window(b"", timestamp=None, gps_time=None)))
        assert len(outlet.frames()) == 2
        await asyncio.sleep(70)
        platform.connections.clear()
        other.take_up()
        assert platform.connections == [], "it has been silent for too long"

    run_virtually(story())


def test_who_writes_json_is_answered_in_json() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"gateway/{NAME}/event/up", encode(frame(), as_json=True), False)
        (heard,) = platform.uplinks
        protocol.transmit(GatewayDownlink(7, b"frame", window(heard.context)))
        ((topic, payload),) = outlet.published
        assert topic == f"gateway/{NAME}/command/down"
        assert json.loads(payload)["items"][0]["phyPayload"] == base64.b64encode(b"frame").decode()

    run_virtually(story())


def test_what_was_open_ends_with_the_session() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)

        def state(online: bool, *, retained: bool = False) -> None:
            message = pb.ConnState(
                gateway_id=NAME, state=pb.ConnState.ONLINE if online else pb.ConnState.OFFLINE
            )
            protocol.received(outlet, f"{BASE}/state/conn", encode(message, as_json=False), retained)

        def give(token: int, context: bytes, **changes: Any) -> None:
            protocol.transmit(GatewayDownlink(token, b"frame", window(context, **changes)))

        give(1, b"")
        state(True)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        context = platform.uplinks[0].context
        give(2, context)
        state(False)
        give(3, context)
        state(True)
        # The uplink came before the base station left.
        give(4, context)
        give(5, b"", timestamp=None)
        outlet.connected = False
        give(6, b"", timestamp=None)
        await asyncio.sleep(0)
        assert {each.token: each.error for each in platform.reports} == {
            1: "NO_ADDRESS", 2: "SESSION_ENDED", 3: "NO_ADDRESS", 4: "SESSION_ENDED", 6: "NO_ADDRESS",
        }  # fmt: skip
        assert [name for name, _station in platform.connections] == ["connected", "disconnected", "connected"]

    run_virtually(story())


def test_what_a_broker_has_kept_of_a_base_station_counts_for_a_minute() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        online = encode(pb.ConnState(gateway_id=NAME, state=pb.ConnState.ONLINE), as_json=False)
        protocol.received(outlet, f"{BASE}/state/conn", online, True)
        assert list(protocol.stations()) == [STATION] and STATION not in platform.presence.last_seen
        protocol.expire(platform.clock() + 59)
        assert protocol.stations()
        protocol.expire(platform.clock() + 61)
        assert not protocol.stations()
        # One that is heard stays, as long as it is registered.
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        protocol.received(outlet, f"{BASE}/state/conn", online, True)
        protocol.expire(platform.clock() + 1000)
        assert protocol.stations()
        platform.registered = False
        protocol.expire(platform.clock())
        assert not protocol.stations() and platform.connections[-1] == ("disconnected", STATION)

    run_virtually(story())


def test_a_base_station_keeps_its_path_while_that_is_alive() -> None:
    async def story() -> None:
        platform, outlet, other = Platform(), Outlet(), Outlet("mqtt://elsewhere:1883")
        protocol = protocol_of(platform)
        stats = encode(
            pb.GatewayStats(gateway_id=NAME, rx_packets_received=10, rx_packets_received_ok=9), as_json=False
        )
        protocol.received(outlet, f"{BASE}/event/stats", stats, False)
        for place, base in ((other, BASE), (outlet, f"us915/gateway/{NAME}")):
            protocol.received(place, f"{base}/event/stats", stats, False)
            assert protocol.stations()[STATION].base == BASE and protocol.stations()[STATION].outlet is outlet
        assert protocol.counts.refused == {"second_path": 2}
        seen = platform.presence.stations[STATION]
        assert (
            seen.refused.last is not None
            and "elsewhere" not in seen.refused.last
            and BASE in seen.refused.last
        )
        assert seen.packets() == (10, 1)
        await asyncio.sleep(61)
        protocol.received(other, f"{BASE}/event/stats", stats, False)
        assert protocol.stations()[STATION].outlet is other

    run_virtually(story())


def test_base_stations_are_configured_where_that_is_wanted() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform, configure=True)
        for version in ("", "", configuration(EU868, NAME).version):
            stats = encode(pb.GatewayStats(gateway_id=NAME, config_version=version), as_json=False)
            protocol.received(outlet, f"{BASE}/event/stats", stats, False)
            await asyncio.sleep(30)
        ((topic, payload),) = outlet.published
        assert topic == f"{BASE}/command/config"
        assert decode(pb.GatewayConfiguration, payload) == configuration(EU868, NAME)

    run_virtually(story())


def test_no_more_downlinks_than_are_remembered_or_a_broker_takes() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        context = platform.uplinks[0].context
        for token in range(257):
            protocol.transmit(GatewayDownlink(token, b"frame", window(context)))
        await asyncio.sleep(0)
        assert platform.reports == [TransmitReport(256, STATION, "QUEUE_FULL")]
        # What was never answered is forgotten.
        await asyncio.sleep(120)
        later = platform.clock() + 1
        protocol.transmit(GatewayDownlink(300, b"frame", window(context, opens_at=later)))
        outlet.full = True
        protocol.transmit(GatewayDownlink(301, b"frame", window(context, opens_at=later)))
        protocol.transmit(GatewayDownlink(302, b"frame", window(context)))
        await asyncio.sleep(0)
        assert [(each.token, each.error) for each in platform.reports[1:]] == [
            (301, "QUEUE_FULL"),
            (302, "TOO_LATE"),
        ]

    run_virtually(story())


OTHER = "0016c001ff10a236"


@pytest.mark.parametrize(
    ("topic", "payload", "retained", "code"),
    [
        (f"{BASE}/event/up", UPLINK, True, "retained"),
        (f"{BASE}/event/up", UPLINK.replace(NAME.encode(), OTHER.encode()), False, "wrong_gateway"),
        (f"eu868/gateway/{OTHER}/event/up", b"", False, "unknown_base_station"),
        (f"{BASE}/event/nothing", UPLINK, False, "bad_topic"),
        (f"{BASE}/event/up", b"", False, "wrong_gateway"),
        (f"{BASE}/event/up", bytes(LONGEST_MESSAGE + 1), False, "too_long"),
        (f"{BASE}/event/up", UPLINK[:-1], False, "bad_protobuf"),
        (f"{BASE}/event/up", b"\x0a\xff\xff\xff\xff\x0f", False, "bad_protobuf"),
        (f"{BASE}/event/up", b"\x0b" * 1000, False, "bad_protobuf"),
        (f"{BASE}/event/up", b"{", False, "bad_json"),
        (f"{BASE}/event/up", b'{"a":' + b"[" * 30_000, False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo":' * 3000, False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": 5}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"phyPayload": ["x"]}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"phyPayload": 7}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"rssi": 1e400}}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"timeSinceGpsEpoch": "a long time"}}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"gwTime": {}}}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"gatewayId": "\xff"}}', False, "bad_json"),
        (f"{BASE}/event/ack", b"\x10\x01\x32\x10" + NAME.encode(), False, "unknown_downlink"),
        (f"{BASE}/event/stats", b"", False, "wrong_gateway"),
        (f"{BASE}/state/conn", b"\x08", True, "bad_protobuf"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(topic: str, payload: bytes, retained: bool, code: str) -> None:
    async def story() -> None:
        platform = Platform()
        protocol = protocol_of(platform)
        protocol.received(Outlet(), topic, payload, retained)
        assert protocol.counts.refused == {code: 1} and not platform.faults and not platform.uplinks
        if code == "unknown_base_station":
            (unknown,) = platform.presence.unknown.values()
            assert unknown.address == f"eu868/gateway/{OTHER} at mqtt://here:1883"
        elif topic.startswith(f"{BASE}/event/") and code not in ("bad_topic", "retained"):
            assert str(platform.presence.stations[STATION].refused.last).startswith(f"{code}: ")
        assert not protocol.stations()

    run_virtually(story())


def test_what_comes_again_or_too_late_is_dropped() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        # A device that repeats itself is heard at another time of the base station.
        again = encode(frame(rx_info__context=b"\0\0\1\0"), as_json=False)
        protocol.received(outlet, f"{BASE}/event/up", again, False)
        platform.waiting = 0.6
        protocol.received(
            outlet, f"{BASE}/event/up", encode(frame(rx_info__context=b"\0\0\2\0"), as_json=False), False
        )
        assert len(platform.uplinks) == 2
        assert protocol.counts.refused == {"duplicate": 1, "overload": 1}

    run_virtually(story())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["phyPayload", "txInfo", "rxInfo", "modulation", "lora", "gwTime", "items", "context", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
)


@given(
    st.sampled_from(["event/up", "event/stats", "event/ack", "state/conn"]),
    st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from(["rxInfo", "txInfo", "gatewayId", "items", "state"]), JSON, max_size=3
    ).map(lambda value: json.dumps(value).encode())
    | st.tuples(st.integers(0, len(UPLINK) - 1), st.integers(0, 255)).map(
        lambda change: UPLINK[: change[0]] + bytes((change[1],)) + UPLINK[change[0] + 1 :]
    ),
)
def test_any_octets_are_a_message_or_refused(kind: str, payload: bytes) -> None:
    async def story() -> None:
        platform = Platform()
        protocol = protocol_of(platform)
        protocol.received(Outlet(), f"{BASE}/{kind}", payload, False)
        assert not platform.faults and "defect" not in protocol.counts.refused

    run_virtually(story())
