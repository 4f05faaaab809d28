"""Datagrams that forwarders write in their own ways: what can be understood is taken, the rest is counted."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateways.test_semtech_udp import HERE, STATION, THERE, WIRE_EUI, Harness, rxpk, window
from veldnet.gateways.presence import Seen
from veldnet.lorawan.modulation import Fsk, Lora
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport

PACKET: dict[str, Any] = json.loads(rxpk())
PAYLOAD = base64.b64decode(PACKET["data"].replace("-", "+") + "==")
NEEDED = ("data", "freq", "datr")


def push(*packets: Any, **members: Any) -> Harness:
    harness = Harness()
    harness.push(json.dumps({"rxpk": list(packets), **members}).encode())
    return harness


def seen(harness: Harness) -> Seen:
    return harness.presence.stations[STATION]


def without(*names: str, **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in PACKET.items() if name not in names} | changes


@pytest.mark.parametrize(
    "status",
    [
        {"lati": "52.1"},
        {"rxnb": None},
        {"rxnb": "many", "ackr": "100.0"},
        {"time": 1234},
        {"ackr": []},
        {"rxnb": 1e300, "rxok": -5, "rxfw": 1, "ackr": -1e300},
        {"rxok": {"deep": [1]}},
        [],
        [1, 2],
        "text",
        7,
        True,
        None,
        {},
    ],
)
def test_b9_a_status_takes_no_frame_along(status: Any) -> None:
    harness = push(PACKET, stat=status)
    assert [uplink.phy_payload for uplink in harness.uplinks] == [PAYLOAD]
    assert not harness.server.refused and len(harness.sent) == 1


def test_b9_what_a_status_says_is_read_as_far_as_it_can_be() -> None:
    harness = push(stat={"rxnb": "30", "rxok": 20, "rxfw": 10, "ackr": "50,0", "time": 5})
    harness.push(json.dumps({"stat": {"rxnb": 1, "rxok": 1, "rxfw": 1, "ackr": "40"}}).encode())
    assert seen(harness).packets() == (31, 10) and seen(harness).acknowledged == 0.4
    harness = push(PACKET, stat={"rxnb": [], "rxok": 1})
    assert harness.server.irregular["bad_stat"] == 1
    assert seen(harness).irregular.last == "bad_stat: stat: rxnb cannot be read"


@pytest.mark.parametrize(
    ("packet", "counted"),
    [
        (PACKET | {"tmms": "0"}, "odd_member"),
        (without("rssi"), "no_signal"),
        (PACKET | {"lsnr": 128}, "no_signal"),
        (PACKET | {"tmst": 473387129083000}, "wide_timestamp"),
        (without("tmst"), "no_timestamp"),
        (PACKET | {"size": len(PAYLOAD) + 1}, "wrong_size"),
        (PACKET | {"size": len(PAYLOAD) - 1}, "wrong_size"),
    ],
)
def test_b9_members_that_are_not_needed_lose_no_frame_and_are_counted(packet: Any, counted: str) -> None:
    harness = push(packet)
    assert [uplink.phy_payload for uplink in harness.uplinks] == [PAYLOAD]
    assert harness.server.irregular == {counted: 1} and not harness.server.refused
    tally = seen(harness).irregular
    assert tally.count == 1 and tally.last is not None and tally.last.startswith(f"{counted}: ")


_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=8),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.none() | st.integers(), max_size=3),
    st.sampled_from(["nan", "-1", "868.1", "1e999", "0x10", "٣", "1" * 5000, " 7 ", "--5", "+-1"]),
)


@given(st.dictionaries(st.sampled_from([name for name in (*PACKET, "tmms", "time", "rsig", "brd", "ant")
                                        if name not in (*NEEDED, "stat")]), _ODD), _ODD)  # fmt: skip
def test_b9_only_three_members_are_needed(odd: dict[str, Any], status: Any) -> None:
    harness = push(PACKET | odd, {"freq": 868.1}, stat=status)
    assert [uplink.phy_payload for uplink in harness.uplinks] == [PAYLOAD]
    uplink = harness.uplinks[0]
    assert uplink.timestamp is None or 0 <= uplink.timestamp < 1 << 32
    assert uplink.rssi is None or -200 <= uplink.rssi <= 50
    assert uplink.snr is None or -50 <= uplink.snr <= 50
    # What cannot be understood is refused beside it, and named.
    assert harness.server.refused == {"bad_rxpk": 1} and "defect" not in harness.server.refused
    assert seen(harness).refused.last == "bad_rxpk: data is missing or not text"


@given(st.lists(st.tuples(st.sampled_from([*PACKET, "tmms"]), _ODD), max_size=4), st.integers(0, 2))
def test_b9_bad_frames_take_no_good_one_along(odd: list[tuple[str, Any]], place: int) -> None:
    packets = [PACKET | {name: value} for name, value in odd]
    packets.insert(min(place, len(packets)), PACKET)
    harness = push(*packets)
    assert PAYLOAD in [uplink.phy_payload for uplink in harness.uplinks]
    assert "defect" not in harness.server.refused
    broken = harness.server.refused["crc_failed"]
    assert len(harness.uplinks) + harness.server.refused.total() == len(packets)
    assert seen(harness).refused.count == harness.server.refused.total() - broken


def test_b9_a_counter_beyond_its_32_bits_is_taken_modulo_them() -> None:
    for tmst, expected in (
        (473387129083000, 473387129083000 % 2**32),
        (-1, 2**32 - 1),
        ("5000000", 5_000_000),
        (5e6, 5_000_000),
        (2**32, 0),
    ):
        assert push(PACKET | {"tmst": tmst}).uplinks[0].timestamp == expected
    odd: list[Any] = [None, "soon", [], 0.5, True, {}]
    for useless in odd:
        assert push(PACKET | {"tmst": useless}).uplinks[0].timestamp is None


def test_b9_levels_that_cannot_be_are_not_known() -> None:
    uplink = push(PACKET | {"rssi": 400, "lsnr": 128}).uplinks[0]
    assert (uplink.rssi, uplink.snr) == (None, None)
    uplink = push(without("lsnr")).uplinks[0]
    assert (uplink.rssi, uplink.snr) == (-35, None)
    uplink = push(without("rssi", "lsnr", rsig=[{"ant": 0, "rssic": "-90", "lsnr": "4"}, 7])).uplinks[0]
    assert (uplink.rssi, uplink.snr) == (-90, 4)


def test_b9_numbers_as_text_and_a_modulation_that_is_not_named_are_understood() -> None:
    uplink = push(without("modu", freq="868.1", datr="sf9bw125")).uplinks[0]
    assert (uplink.frequency, uplink.modulation) == (868_100_000, Lora(9, 125))
    assert push(PACKET | {"freq": "868,3"}).uplinks[0].frequency == 868_300_000
    assert push(PACKET | {"modu": 5, "datr": "50000"}).uplinks[0].modulation == Fsk(50_000)


@pytest.mark.parametrize("stat", ["1", 1.0, None, True, "good", 7, []])
def test_b9_only_a_clear_word_on_the_crc_drops_a_frame(stat: Any) -> None:
    assert len(push(PACKET | {"stat": stat}).uplinks) == 1
    for bad in (-1, "-1", 0):
        assert not push(PACKET | {"stat": bad}).uplinks


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ('{"rxpk":[%(p)s],"stat":{"lati":nan,"long":-inf,"rxnb":1}}', 1),
        ('{"rxpk":[%(p)s],"stat":{"time":"2026","lati":,"rxnb":1}}', 1),
        ('{"stat":{"time":"20"26","rxnb":1},"rxpk":[%(p)s]}', 1),
        ('{"rxpk":[%(p)s],"stat":{"rxnb":1}', 1),
        ('{"rxpk":[%(p)s,%(p)s,{"data":"QA', 2),
        ('{"rxpk":[{"freq":868.1,,},%(p)s]}', 1),
        ('{"rxpk":[{"freq":868,1,"data":"x"},%(p)s,]}', 1),
        ('{"rxpk":%(p)s}', 1),
        ('{"rxpk":[%(p)s],"stat":{}}\x00', 1),
        ('{"rxpk":[%(p)s],}', 1),
        ('\ufeff{"rxpk":[%(p)s]}', 1),
    ],
)
def test_b9_broken_json_loses_only_what_is_broken(text: str, frames: int) -> None:
    harness = Harness()
    harness.push((text % {"p": json.dumps(PACKET)}).encode())
    assert [uplink.phy_payload for uplink in harness.uplinks] == [PAYLOAD] * frames


def test_b9_a_number_that_is_none_is_not_known() -> None:
    head = json.dumps(without("lsnr", "rssi"))[:-1]
    harness = Harness()
    harness.push(f'{{"rxpk":[{head},"lsnr":-nan,"rssi":NaN}}]}}'.encode())
    assert harness.uplinks[0].snr is None and harness.uplinks[0].rssi is None


@pytest.mark.parametrize("body", [b"not json", b"[]", b"7", b'{"rxpk":[{"data":"QA', b"", b'{"rxpk":'])
def test_b9_what_nobody_can_read_is_counted_against_its_base_station(body: bytes) -> None:
    harness = Harness()
    harness.push(body)
    assert harness.server.refused["bad_json"] == 1 and len(harness.sent) == 1
    tally = seen(harness).refused
    assert tally.last is not None and tally.last.startswith("bad_json: ") and tally.at == harness.now


@pytest.mark.parametrize(
    "body",
    [
        b'{"txpk_ack":{"error":"TOO_LATE","warn":3}}',
        b'{"txpk_ack":{"error":"TOO_LATE","value":nan}}',
        b'{"txpk_ack":{"warn":{"a":[1]},"error": "TOO_LATE"}',
        b'{"txpk_ack":{"error":"TOO_LATE","x":' + b"[" * 50_000 + b"}}",
    ],
)
def test_b9_an_answer_to_a_downlink_is_heard_however_it_is_written(body: bytes) -> None:
    async def story() -> None:
        harness = Harness()
        harness.pull()
        harness.server.transmit(GatewayDownlink(77, b"abc", window(Lora(9, 125))))
        token = harness.sent[-1][0][1:3]
        harness.server.datagram(b"\x02" + token + b"\x05" + WIRE_EUI + body, HERE)
        assert harness.reports == [TransmitReport(77, STATION, "TOO_LATE")]

    asyncio.run(story())


DEEP = 60_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b'{"a":' * (DEEP // 5),
        b'{"rxpk":' + b"[" * DEEP,
        b'{"rxpk":[{"data":' + b"[" * DEEP + b"]" * 400,
        b'{"stat":' + b'{"x":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b'{"rxpk":[{"tmst":' + b"9" * DEEP + b"}]}",
        b'{"rxpk":[{"data":"' + b"A" * DEEP + b'"}]}',
        b'{"rxpk":[' + b"{}," * 15_000 + b"{}]}",
        b'{"rxpk":[' + b'{"data":1},' * 5_000,
        b'{"rxpk":[' + b'{"a":[{},' * 6_000,
        b"\xff\xfe\x00" * 20_000,
        b'{"rxpk":[{"data":"\xff\xff","freq":868.1,"datr":"SF7BW125"}]}',
        b'{"rxpk":NaN,"stat":Infinity}',
        b'{"rxpk":[],"rxpk":[{}],"rxpk":7}',
        b'"' + b'\\"' * 30_000,
        b'{"x":"' + b"\\" * DEEP,
        b'{"rxpk" ' + b" " * DEEP,
    ],
)
def test_c9_nothing_that_a_base_station_sends_ends_the_reading(body: bytes) -> None:
    harness = Harness()
    for identifier in (0, 2, 5):
        harness.server.datagram(b"\x02ab" + bytes((identifier,)) + WIRE_EUI + body[:65_000], HERE)
    assert "defect" not in harness.server.refused and not harness.uplinks
    harness.push(json.dumps({"rxpk": [PACKET]}).encode())
    assert len(harness.uplinks) == 1


def test_c9_nesting_beside_a_frame_takes_it_not_along() -> None:
    for deep in ("[" * 5000 + "]" * 5000, '{"a":' * 3000 + "1" + "}" * 3000, "[" * 20_000):
        whole = deep.count("[") == deep.count("]")
        for body in (
            f'{{"x":{deep},"rxpk":[{json.dumps(PACKET)}]}}' if whole else "{}",
            f'{{"rxpk":[{json.dumps(PACKET)[:-1]},"x":{deep}}}]}}' if whole else "{}",
            f'{{"rxpk":[{json.dumps(PACKET)}],"stat":{deep}}}',
        ):
            harness = Harness()
            harness.push(body.encode())
            assert len(harness.uplinks) == (body != "{}"), body[:80]


def test_c9_a_defect_of_ours_ends_neither_the_datagram_nor_the_socket() -> None:
    harness = Harness()
    taken = harness.uplinks.append
    errors: list[Exception] = [RecursionError(), MemoryError(), ZeroDivisionError()]

    def uplink(received: Any) -> None:
        if errors:
            raise errors.pop()
        taken(received)

    harness.server._uplink = uplink
    harness.push(json.dumps({"rxpk": [PACKET] * 4}).encode())
    assert len(harness.uplinks) == 1 and len(harness.defects) == 3 and harness.server.refused["defect"] == 3


def test_c12_only_lora_is_sent_without_a_crc() -> None:
    from veldnet.gateways.semtech_udp.messages import pull_resp

    def txpk(modulation: Lora | Fsk) -> Any:
        return json.loads(pull_resp(GatewayDownlink(1, b"abc", window(modulation)), 2, b"..")[4:])["txpk"]

    assert txpk(Lora(7, 125))["ncrc"] is True and txpk(Lora(7, 125))["ipol"] is True
    fsk = txpk(Fsk(50_000))
    assert "ncrc" not in fsk and "ipol" not in fsk and "codr" not in fsk
    assert (fsk["modu"], fsk["datr"], fsk["fdev"], fsk["prea"]) == ("FSK", 50_000, 25_000, 5)


def keep_alives(*steps: tuple[float, tuple[str, int]]) -> Harness:
    harness = Harness()
    for at, address in steps:
        harness.now = at
        harness.pull(address)
    return harness


def test_bs_05_two_forwarders_with_one_eui_are_seen() -> None:
    both = [(100.0 + 1.5 * n, (HERE, THERE)[n % 2]) for n in range(10)]
    harness = keep_alives(*both)
    assert seen(harness).addresses.in_turn(harness.now) == [HERE, THERE]
    path = harness.server.path(STATION)
    assert path is not None and path.address == HERE, "downlinks stay with the first"
    assert seen(harness).addresses.in_turn(harness.now + 400) == [], "once the other is gone"
    rare = [(100.0 + 3 * n, THERE if n % 15 == 14 else HERE) for n in range(50)]
    assert seen(keep_alives(*rare)).addresses.in_turn(100.0 + 150) == [HERE, THERE]


def test_bs_05_a_new_port_is_no_second_forwarder() -> None:
    moved = [(100.0 + 5 * n, ("10.0.0.1", 1000 + n // 4)) for n in range(40)]
    assert seen(keep_alives(*moved)).addresses.in_turn(300.0) == []
    crossed = [(100.0, HERE), (105.0, THERE), (105.1, HERE), (110.0, THERE), (115.0, THERE)]
    assert seen(keep_alives(*crossed)).addresses.in_turn(116.0) == []
