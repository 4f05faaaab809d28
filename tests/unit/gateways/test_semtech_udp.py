"""The Semtech UDP protocol: messages, and the server's behaviour datagram by datagram."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from ipaddress import ip_network

import pytest
from msgspec.structs import replace

from veldnet.gateways import BaseStationProtocol, Presence, StationProfile
from veldnet.gateways.counter_watch import CounterWatch
from veldnet.gateways.semtech_udp.allowed import AllowedNetworks
from veldnet.gateways.semtech_udp.downlink_path import DownlinkPath
from veldnet.gateways.semtech_udp.messages import parse_header, parse_push_data, pull_resp, uplink_of
from veldnet.gateways.semtech_udp.packets import DatagramError
from veldnet.gateways.semtech_udp.server import SemtechUdpServer
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow

STATION = BaseStationId(0xFF000001)
EUI = GatewayEui.parse("0059AC0000000001")
WIRE_EUI = int(EUI).to_bytes(8, "big")
HERE, THERE = ("127.0.0.1", 1000), ("127.0.0.1", 2000)


def rxpk(**changes: object) -> bytes:
    packet: dict[str, object] = {
        "tmst": 3512348611,
        "freq": 866.349812,
        "stat": 1,
        "modu": "LORA",
        "datr": "SF7BW125",
        "codr": "4/6",
        "rssi": -35,
        "lsnr": 5.1,
        "size": 32,
        "data": "-DS4CGaDCdG+48eJNM3Vai-zDpsR71Pn9CPA9uCON84",
    } | changes
    return json.dumps({name: value for name, value in packet.items() if value is not None}).encode()


def read(packet: bytes, now: float, clock: StationClock | None = None) -> GatewayUplink | None:
    """The uplink of a PUSH_DATA with one packet. Raises the first `DatagramError`."""
    refusals: list[DatagramError] = []
    push = parse_push_data(
        bytes(12) + b'{"rxpk":[' + packet + b"]}",
        lambda _code, _words: None,
        lambda code, words: refusals.append(DatagramError(code, words)),
    )
    if refusals:
        raise refusals[0]
    return uplink_of(
        push.rxpk[0], STATION, now, clock or StationClock(lambda: now), lambda _code, _words: None
    )


def test_the_protocols_own_example_with_url_safe_base64_and_no_padding() -> None:
    uplink = read(rxpk(), 10.0)
    assert uplink is not None
    assert (uplink.frequency, uplink.modulation, uplink.rssi, uplink.snr) == (
        866_349_812,
        Lora(7, 125),
        -35,
        5.1,
    )
    assert uplink.timestamp == 3512348611 and len(uplink.phy_payload) == 32


def test_fsk_lr_fhss_and_antennas() -> None:
    fsk = read(rxpk(modu="FSK", datr=50000, lsnr=None, codr=None), 0)
    assert fsk is not None and fsk.modulation == Fsk(50_000) and fsk.snr == 0
    hopping = read(rxpk(modu="LR-FHSS", datr="M0CW137", codr="4/6"), 0)
    assert hopping is not None and hopping.modulation == LrFhss(137, "2/3")
    antennas = [{"ant": 0, "rssic": -100, "lsnr": -3}, {"ant": 1, "rssic": -90, "rssis": -92, "lsnr": 4}]
    best = read(rxpk(rssi=None, lsnr=None, rsig=antennas), 0)
    assert best is not None and (best.rssi, best.snr) == (-92, 4)


@pytest.mark.parametrize("stat", [-1, 0])
def test_frames_without_a_good_crc_are_dropped(stat: int) -> None:
    assert read(rxpk(stat=stat), 0) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"data": "***"}, "bad_base64"),
        ({"data": ""}, "bad_size"),
        ({"freq": 0.001}, "bad_frequency"),
        ({"freq": "fast"}, "bad_frequency"),
        ({"freq": None}, "bad_frequency"),
        ({"data": None}, "bad_rxpk"),
        ({"data": 7}, "bad_rxpk"),
        ({"datr": "SF7"}, "bad_data_rate"),
        ({"datr": None}, "bad_data_rate"),
        ({"datr": "SF13BW125"}, "bad_data_rate"),
        ({"datr": "SF7BW00"}, "bad_data_rate"),
        ({"datr": 7}, "bad_data_rate"),
        ({"datr": 1e300}, "bad_data_rate"),
    ],
)
def test_bad_packets_are_named(changes: dict[str, object], code: str) -> None:
    with pytest.raises(DatagramError) as caught:
        read(rxpk(**changes), 0)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("datagram", "code"),
    [
        (b"", "short_datagram"),
        (b"\x02\x00\x00\x00", "short_datagram"),
        (b"\x07\x00\x00\x00" + WIRE_EUI, "unknown_version"),
        (b"\x02\x00\x00\x01" + WIRE_EUI, "unknown_identifier"),
        (b"\x02\x00\x00\x09" + WIRE_EUI, "unknown_identifier"),
    ],
)
def test_bad_headers_are_named(datagram: bytes, code: str) -> None:
    with pytest.raises(DatagramError) as caught:
        parse_header(datagram)
    assert caught.value.code == code


def window(modulation: Lora | Fsk) -> TransmitWindow:
    return TransmitWindow(STATION, 1, 868_100_000, modulation, 0.0, 16, timestamp=4_000_000_000)


def test_pull_resp_as_the_forwarder_wants_it() -> None:
    downlink = GatewayDownlink(1, b"abc", window(Lora(9, 125)))
    datagram = pull_resp(downlink, 2, b"\x01\x02")
    assert datagram[:4] == b"\x02\x01\x02\x03"
    assert json.loads(datagram[4:])["txpk"] == {
        "imme": False,
        "tmst": 4_000_000_000,
        "freq": 868.1,
        "rfch": 0,
        "powe": 14,
        "ipol": True,
        "size": 3,
        "data": "YWJj",
        "ncrc": True,
        "modu": "LORA",
        "datr": "SF9BW125",
        "codr": "4/5",
        "prea": 8,
    }
    fsk = json.loads(pull_resp(GatewayDownlink(1, b"abc", window(Fsk(50_000))), 2, b"..")[4:])
    assert (fsk["txpk"]["datr"], fsk["txpk"]["fdev"]) == (50_000, 25_000)


def test_class_c_at_once_and_class_b_by_gps_time() -> None:
    at_once = replace(window(Lora(9, 125)), timestamp=None)
    txpk = json.loads(pull_resp(GatewayDownlink(1, b"abc", at_once), 2, b"..")[4:])["txpk"]
    assert txpk["imme"] is True and "tmst" not in txpk and "tmms" not in txpk
    ping = replace(at_once, gps_time=1479420808.81)
    txpk = json.loads(pull_resp(GatewayDownlink(1, b"abc", ping), 2, b"..")[4:])["txpk"]
    assert txpk["imme"] is False and txpk["tmms"] == 1479420808810 and "tmst" not in txpk


def test_gps_time_is_taken_when_it_can_be_true() -> None:
    now = 1_800_000_000.0
    true = round(unix_to_gps(now) * 1000)
    for tmms, expected in ((true, true / 1000), (true + 3_600_000, None), (10**300, None), (-1, None)):
        packet = json.loads(rxpk())
        packet["tmms"] = tmms
        uplink = read(json.dumps(packet).encode(), now)
        assert uplink is not None and uplink.gps_time == expected


# The address of a device with a session in memory.
KNOWN = bytes.fromhex("04030201")


class Harness:
    """A server without a socket: what it sends is collected."""

    def __init__(self) -> None:
        self.uplinks: list[GatewayUplink] = []
        self.reports: list[TransmitReport] = []
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.now = 100.0
        self.presence = Presence()
        self.directory = self.gate = self
        self.uplink = self.uplinks.append
        self.report = self.reports.append
        self.reachable: set[BaseStationId] = set()
        self.defects: list[BaseException] = []
        self.handed: list[float | None] = []
        self.server = SemtechUdpServer(self)
        self.gate_closed = False
        self.dropped: list[bytes] = []
        self.server._socket = self  # type: ignore[assignment]

    def clock(self) -> float:
        return self.now

    steady = clock

    def lag(self) -> float:
        return 0.0

    def serves(self, _gateway: GatewayEui) -> bool:
        return True

    def caught(self, task: str, error: BaseException) -> None:
        self.defects.append(error)

    def on_step(self, tell: Callable[[float], None]) -> None:
        """Its clock never steps."""

    def handed_over(self, protocol: str, decided: float | None) -> None:
        self.handed.append(decided)

    def connected(self, protocol: BaseStationProtocol, base_station: BaseStationId) -> None:
        self.reachable.add(base_station)

    def disconnected(self, protocol: BaseStationProtocol, base_station: BaseStationId) -> None:
        self.reachable.discard(base_station)

    def station_of_token(self, token: str) -> BaseStationId | None:
        return None

    def is_revoked(self, serial: str) -> bool:
        return False

    def used(self, token: str | None, serial: str | None) -> None:
        raise AssertionError("nobody has a token")

    def profile(self, base_station: BaseStationId) -> StationProfile | None:
        return None

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return STATION if gateway == EUI else None

    def throttles(self, base_station: BaseStationId, now: float) -> bool:
        return self.gate_closed

    def drops_unread(self, head: bytes) -> bool:
        if head[1:5] == KNOWN:
            return False
        self.dropped.append(head)
        return True

    def sendto(self, datagram: bytes, address: tuple[str, int]) -> None:
        self.sent.append((datagram, address))

    def push(self, body: bytes, version: int = 2, eui: bytes = WIRE_EUI) -> None:
        self.server.datagram(bytes((version,)) + b"ab\x00" + eui + body, HERE)

    def pull(self, address: tuple[str, int] = HERE, version: int = 2) -> None:
        self.server.datagram(bytes((version,)) + b"cd\x02" + WIRE_EUI, address)


def test_acknowledged_at_once_even_when_a_packet_is_bad() -> None:
    harness = Harness()
    good = rxpk().decode()
    harness.push(f'{{"rxpk":[{{"bad":1}},{good}],"stat":{{"rxnb":2}}}}'.encode())
    assert harness.sent == [(b"\x02ab\x01", HERE)]
    assert len(harness.uplinks) == 1 and harness.server.refused["bad_rxpk"] == 1
    harness.push(b"not json", version=1)
    assert harness.sent[-1] == (b"\x01ab\x01", HERE) and harness.server.refused["bad_json"] == 1
    harness.push(b'{"stat":{"time":"2026-01-01 00:00:00 GMT","ackr":100.0}}')
    assert harness.server.datagrams["push_data"] == 3


def test_frames_of_unknown_devices_through_a_throttled_base_station_are_not_read() -> None:
    harness = Harness()
    harness.gate_closed = True
    unknown_frame = rxpk(data="QAEBAQGAAQABqrvM3RERERE=", size=None).decode()
    known = rxpk(data="QAQDAgGAAQABqrvM3RERERE=", size=None).decode()
    harness.push(f'{{"rxpk":[{unknown_frame}]}}'.encode())
    assert harness.dropped == [bytes.fromhex("400101010180")]
    assert not harness.uplinks and not harness.sent, "what is not read is not acknowledged"
    harness.push(f'{{"rxpk":[{known}]}}'.encode())
    assert len(harness.uplinks) == 1 and len(harness.sent) == 1
    for body in (
        # Two frames, a status beside one, odd base64, no frame at all: read as always.
        f'{{"rxpk":[{unknown_frame},{known}]}}',
        f'{{"rxpk":[{unknown_frame}],"stat":{{"rxnb":1}}}}',
        f'{{"rxpk":[{rxpk(data="QAEB-_GAAQABqrvM3RERERE=", size=None).decode()}]}}',
        '{"stat":{"rxnb":1}}',
        '{"rxpk":[]}',
        '"data"',
    ):
        before = len(harness.sent)
        harness.push(body.encode())
        assert len(harness.sent) == before + 1, body
    assert len(harness.dropped) == 1
    harness.pull()
    assert harness.sent[-1][0] == b"\x02cd\x04", "its keep-alive is answered"


def test_unknown_base_stations_are_refused_and_visible() -> None:
    harness = Harness()
    harness.push(f'{{"rxpk":[{rxpk().decode()}]}}'.encode(), eui=b"\x01" * 8)
    harness.push(b"{}", eui=b"\x01" * 8)
    assert harness.sent == [] and harness.uplinks == []
    ((eui, station),) = harness.presence.unknown.items()
    assert str(eui) == "0101010101010101" and station.datagrams == 2 and station.address == "127.0.0.1:1000"


def test_downlinks_go_to_the_keep_alives_address_and_answers_find_their_downlink() -> None:
    async def story() -> None:
        harness = Harness()
        downlink = GatewayDownlink(77, b"abc", window(Lora(9, 125)))
        harness.server.transmit(downlink)
        await asyncio.sleep(0)
        assert harness.reports == [TransmitReport(77, STATION, "NO_ADDRESS")]
        harness.pull()
        assert harness.sent[-1] == (b"\x02cd\x04", HERE)
        harness.server.transmit(downlink)
        datagram, address = harness.sent[-1]
        assert address == HERE
        ack = b"\x02" + datagram[1:3] + b"\x05" + WIRE_EUI
        harness.server.datagram(ack + b'{"txpk_ack":{"error":"TOO_LATE"}}', HERE)
        assert harness.reports[-1] == TransmitReport(77, STATION, "TOO_LATE")
        harness.server.datagram(ack, HERE)
        assert harness.server.refused["unknown_token"] == 1 and len(harness.reports) == 2
        for body in (b"", b"\x00", b'{"txpk_ack":{"error":"NONE"}}', b"{}"):
            harness.server.transmit(downlink)
            token = harness.sent[-1][0][1:3]
            harness.server.datagram(b"\x02" + token + b"\x05" + WIRE_EUI + body, HERE)
            assert harness.reports[-1] == TransmitReport(77, STATION, None)

    asyncio.run(story())


def test_version_1_has_no_tx_ack() -> None:
    async def story() -> None:
        harness = Harness()
        harness.pull(version=1)
        harness.server.transmit(GatewayDownlink(5, b"abc", window(Lora(9, 125))))
        await asyncio.sleep(0)
        assert harness.sent[-1][0][0] == 1 and harness.reports == [TransmitReport(5, STATION, None)]

    asyncio.run(story())


ELSEWHERE = ("192.0.2.1", 1)


def test_c14_downlinks_go_where_they_went_before_the_start() -> None:
    async def story() -> None:
        harness = Harness()
        harness.server.restore({STATION: DownlinkPath(HERE, 2, harness.now - 40)})
        downlink = GatewayDownlink(77, b"abc", window(Lora(9, 125)))
        harness.server.transmit(downlink)
        assert harness.sent[-1][1] == HERE and not harness.reports
        harness.pull(THERE)
        harness.server.transmit(downlink)
        assert harness.sent[-1][1] == HERE, "the server was away: that it heard nothing proves nothing"
        for _ in range(3):
            harness.now += 5
            harness.pull(THERE)
        harness.server.transmit(downlink)
        assert harness.sent[-1][1] == THERE and harness.server.moved == {STATION}

    asyncio.run(story())


def test_c14_a_path_of_long_ago_moves_to_another_port_at_once() -> None:
    harness = Harness()
    harness.server.restore({STATION: DownlinkPath(HERE, 1, harness.now - 3600)})
    path = harness.server.path(STATION)
    assert path is not None and (path.address, path.version) == (HERE, 1)
    harness.pull(THERE)
    path = harness.server.path(STATION)
    assert path is not None and (path.address, path.version) == (THERE, 2)


@pytest.mark.parametrize(("interval", "longest"), [(5.0, 180.0), (120.0, 360.0)])
def test_the_address_of_a_base_station_that_has_gone_is_given_up(interval: float, longest: float) -> None:
    async def story() -> None:
        harness = Harness()
        downlink = GatewayDownlink(77, b"abc", window(Lora(9, 125)))
        for _ in range(3):
            harness.pull()
            harness.now += interval
        harness.now += longest - interval
        harness.server.transmit(downlink)
        assert harness.sent[-1][1] == HERE and harness.reachable == {STATION}
        harness.now += 1
        harness.server._look()
        sent = len(harness.sent)
        harness.server.transmit(downlink)
        await asyncio.sleep(0)
        assert harness.reports[-1].error == "NO_ADDRESS" and len(harness.sent) == sent
        assert not harness.reachable
        # Nobody gets it for one keep-alive, however long it was silent.
        harness.pull(ELSEWHERE)
        harness.server.transmit(downlink)
        await asyncio.sleep(0)
        assert harness.reports[-1].error == "NO_ADDRESS" and not harness.reachable
        harness.pull()
        harness.server.transmit(downlink)
        assert harness.sent[-1][1] == HERE and harness.reachable == {STATION}

    asyncio.run(story())


def test_c14_a_keep_alive_before_the_restoring_counts_more() -> None:
    harness = Harness()
    harness.pull(THERE)
    harness.server.restore({STATION: DownlinkPath(HERE, 2, harness.now)})
    path = harness.server.path(STATION)
    assert path is not None and path.address == THERE


def test_datagrams_from_elsewhere_are_refused_and_seen_at_the_base_station() -> None:
    harness = Harness()
    harness.pull()
    harness.server._allowed = AllowedNetworks((ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
    seen = harness.presence.stations[STATION]
    before, harness.now = seen.seen_at, harness.now + 5
    sent = len(harness.sent)
    harness.push(b'{"rxpk":[]}')
    harness.pull(("192.0.2.1", 1))
    assert harness.server.refused["foreign_network"] == 2 and len(harness.sent) == sent
    assert "192.0.2.1 is in none of" in (seen.refused.last or "") and seen.seen_at == before
    for host in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"):
        harness.pull((host, 1))
    assert len(harness.sent) == sent + 3 and harness.server.refused["foreign_network"] == 2


def frames_of(harness: Harness, *turns: tuple[float, tuple[str, int], float]) -> Harness:
    """Frames at a time, from an address, of a base station that was switched on at another time."""
    for at, address, boot in turns:
        harness.now = at
        body = b'{"rxpk":[' + rxpk(tmst=int((at - boot) * 1e6) % (1 << 32)) + b"]}"
        harness.server.datagram(b"\x02ab\x00" + WIRE_EUI + body, address)
    return harness


def test_two_counters_side_by_side_are_two_base_stations() -> None:
    turns = [(100.0 + 10 * n, THERE if n % 2 else HERE, 50.0 if n % 2 else -7000.0) for n in range(20)]
    harness = frames_of(Harness(), *turns)
    seen = harness.presence.stations[STATION]
    assert seen.duplicates(harness.now) == [f"{host}:{port}" for host, port in (HERE, THERE)]
    assert seen.duplicates(harness.now + 400) == [], "once the other is gone"


def test_a_counter_that_wraps_or_restarts_is_that_of_one_base_station() -> None:
    wraps = frames_of(Harness(), *((100.0 + 60 * n, HERE, 0.0) for n in range(200)))
    assert wraps.presence.stations[STATION].duplicates(wraps.now) == []
    restarts = frames_of(Harness(), *((100.0 + 10 * n, HERE, 90.0 * (n // 9)) for n in range(60)))
    assert restarts.presence.stations[STATION].duplicates(restarts.now) == []


def test_frames_that_a_base_station_kept_are_no_second_base_station() -> None:
    # It empties its queue of half an hour within ten seconds, between frames that come at once.
    turns = []
    for n in range(40):
        turns.append((2000.0 + n, HERE, 0.0))
        turns.append((2000.5 + n, HERE, 1800.0 - 45.0 * n))
    harness = frames_of(Harness(), *turns)
    assert harness.presence.stations[STATION].duplicates(harness.now) == []


def test_a_counter_that_jumps_back_for_good_shows_a_restart() -> None:
    watch, micros = CounterWatch(), 1_000_000
    assert not any(watch.restarted(5 * micros + at * micros, 1000.0 + at) for at in range(0, 3600, 10))
    # Two that were kept back, for as long; then one that comes at once.
    assert not watch.restarted(3000 * micros, 4610.0) and not watch.restarted(3010 * micros, 4620.0)
    assert not watch.restarted(3635 * micros, 4630.0)
    # It is on since 4,700, and the counter wraps around later.
    assert [watch.restarted((at - 4700) * micros, float(at)) for at in (4710, 4730, 4745, 4760)] == [
        False,
        False,
        True,
        False,
    ]
    assert not watch.restarted((4400 * micros) % (1 << 32), 9100.0)
