"""What the benchmarks of joins and of the API ask for, and how answers are matched."""

from __future__ import annotations

import base64
import time
import urllib.parse
from datetime import UTC, datetime

import pytest

from veldnet.cli.bench.api import _operations
from veldnet.cli.bench.base_stations import Work
from veldnet.cli.bench.fleet import bench_device, place_of
from veldnet.cli.bench.joins import _TICKS, _latencies
from veldnet.cli.bench.load import Answer, Generator
from veldnet.cli.bench.protocols import event_of
from veldnet.cli.bench.uplinks import acknowledgements, prepare
from veldnet.gateways.basics_station.messages import DataFrame, parse
from veldnet.gateways.chirpstack_mqtt.gateway_pb2 import UplinkFrame
from veldnet.gateways.chirpstack_mqtt.messages import decode
from veldnet.gateways.semtech_udp.messages import parse_push_data
from veldnet.lorawan import DevAddr, GatewayEui, NetId, frames
from veldnet.lorawan.join import JoinAccept, encrypt_join_accept, join_accept_mic
from veldnet.network.core.addressing import AddressSpace

SPACE = AddressSpace(NetId(0x000013))


def _answer(position: int, delay: int, key_of: int | None = None) -> Answer:
    key = bench_device(position if key_of is None else key_of, SPACE).app_key
    accept = JoinAccept(position, NetId(0x000013), DevAddr(position), 0, 1)
    phy_payload = encrypt_join_accept(key, accept, join_accept_mic(key, accept))
    return Answer(position + 1.25, phy_payload, position * _TICKS + delay)


def test_each_join_accept_is_matched_by_its_time_in_any_order() -> None:
    count = 3000
    generator = Generator(("127.0.0.1", 9), [])
    generator.sent_at = [float(position) for position in range(count)]
    generator.downlinks = [_answer(p, 5_000_000 if p % 2 else 6_000_000) for p in reversed(range(count))]
    generator.downlinks.append(_answer(7, 5_000_000, key_of=8))
    begun = time.process_time()
    assert _latencies(generator, count, SPACE, 0.25) == pytest.approx([1.0] * count)
    assert time.process_time() - begun < 5


def test_each_part_of_the_map_that_is_asked_for_has_a_device() -> None:
    devices = 2000
    ask = _operations(devices, SPACE, datetime.now(UTC))["console: map of a part of the country"]
    places = [place_of(number) for number in range(devices)]
    for _ in range(50):
        box = {name: float(v) for name, v in urllib.parse.parse_qsl(urllib.parse.urlsplit(ask()).query)}
        assert any(
            box["south"] <= latitude <= box["north"] and box["west"] <= longitude <= box["east"]
            for latitude, longitude in places
        )


def test_both_protocols_bring_the_same_frames_one_after_the_other() -> None:
    work = Work(None, None, [bench_device(number, SPACE) for number in range(3)], 0.2)  # type: ignore[arg-type]
    datagrams, confirmed = work.datagrams(60, [GatewayEui(1), GatewayEui(2)])
    texts, later = work._texts(60)
    assert confirmed == [0, 50] and later == [40]
    first = parse_push_data(datagrams[0].datagrams[0], _nothing, _nothing).rxpk[0]
    assert base64.b64decode(first.data)[0] >> 5 == 4
    heard = [parse(text) for text in texts]
    assert all(isinstance(frame, DataFrame) for frame in heard)
    # The counter of each device goes on where the other protocol has left it.
    assert [frame.FCnt for frame in heard[:4] if isinstance(frame, DataFrame)] == [21, 21, 21, 22]


def test_a_frame_for_the_broker_is_what_the_server_reads() -> None:
    work = Work(None, None, [bench_device(0, SPACE)], 0.2)  # type: ignore[arg-type]
    ((position, octets, _confirmed),) = work.frames(1)
    message = decode(UplinkFrame, event_of("0059ac0000000001", position, octets, 868_100_000))
    assert (message.phy_payload, message.rx_info.gateway_id) == (octets, "0059ac0000000001")
    assert message.tx_info.frequency == 868_100_000 and message.rx_info.context == bytes(4)


def _nothing(_code: str, _words: str) -> None:
    raise AssertionError


def test_an_acknowledgement_that_is_missing_spoils_the_latencies() -> None:
    work = Work(None, None, [], 0.2)  # type: ignore[arg-type]
    assert work.latencies([1.0, 2.0], [1.25, 2.5]) == pytest.approx([0.05, 0.3])
    assert work.latencies([1.0, 2.0], [1.25]) == []


def test_an_acknowledgement_that_comes_late_is_that_of_the_frame_whose_window_it_has() -> None:
    """A busy server answers when the device has sent twice more: by time alone the last frame, which may be
    lost, would seem to be acknowledged."""
    fleet = [bench_device(number, SPACE) for number in range(2)]
    prepared, confirmed_at = prepare(20, fleet, [GatewayEui(1)], 1, 1)
    generator = Generator(("127.0.0.1", 9), [])
    generator.sent_at = [position / 10 for position in range(20)]

    def answer(position: int, when: float, delay: int | None) -> Answer:
        fhdr = frames.Fhdr(fleet[position % 2].dev_addr, frames.ACK, 0, b"")
        octets = frames.data_frame_octets(frames.MType.UNCONFIRMED_DOWN, fhdr, None, b"") + bytes(4)
        heard = parse_push_data(prepared[position].datagrams[0], _nothing, _nothing).rxpk[0].tmst
        assert heard is not None
        return Answer(when, octets, 0 if delay is None else heard + delay)

    generator.downlinks = [
        answer(5, 1.5, 1_000_000),
        answer(4, 1.6, 2_000_000),
        # At once, as to class C.
        answer(6, 1.65, None),
        # A window of no frame that was sent.
        answer(3, 1.75, 5_000_000),
    ]
    found = [position for position, _latency in acknowledgements(generator, confirmed_at, 0.2)]
    assert found == [5, 4, 16, 17]
    assert acknowledgements(generator, confirmed_at, 0.2)[0][1] == pytest.approx(0.8)
