"""Uplinks of two networks, side by side."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from veldnet.migration.comparison import (
    BadBroker,
    BadEvent,
    BrokerAccess,
    Comparison,
    EventBroker,
    Heard,
    Joined,
    Side,
    read_event,
    read_own,
)

EUI = "0059AC0000001001"


def heard(fcnt: int, payload: bytes = b"a", value: Any = None, fport: int = 2) -> Heard:
    return Heard(EUI, fcnt, fport, payload, value)


def running(wanted: int = 2) -> Comparison:
    comparison = Comparison(wanted, 30.0)
    comparison.connected("here", 0.0)
    comparison.connected("there", 0.0)
    return comparison


def test_a_device_agrees_after_equal_frames_in_a_row() -> None:
    comparison = running()
    for fcnt in (1, 2):
        comparison.hear("here", heard(fcnt, value={"t": 1.0, "l": [1]}), 10.0)
        assert not comparison.agreed
        comparison.hear("there", heard(fcnt, value={"t": 1, "l": [1]}), 11.0)
    device = comparison.devices[EUI]
    assert comparison.agreed and (device.both, device.equal, device.in_a_row) == (2, 2, 2)
    # One that comes twice counts once.
    comparison.hear("there", heard(2), 12.0)
    assert device.both == 2


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (heard(3), heard(3, b"b"), "FCnt 3: payload 61 here, 62 there"),
        (heard(3), heard(3, fport=4), "FPort 2 here, 4 there"),
        (heard(3, value={"a": {"b": 1}}), heard(3, value={"a": {"b": 2}}), "decoded a.b is 1 here, 2 there"),
        (heard(3, value={"a": [True]}), heard(3, value={"a": [1]}), "decoded a[0] is true here, 1 there"),
        (heard(3, value={"a": 1}), heard(3, value={}), "decoded a is 1 here, absent there"),
    ],
)
def test_what_differs_is_said(here: Heard, there: Heard, words: str) -> None:
    comparison = running(1)
    comparison.hear("there", there, 1.0)
    comparison.hear("here", here, 1.0)
    device = comparison.devices[EUI]
    assert words in device.difference and device.status == "differs" and not comparison.agreed


def test_a_frame_that_one_network_heard_alone_and_one_that_came_late() -> None:
    comparison = running(1)
    comparison.hear("here", heard(1), 1.0)
    comparison.expire(20.0)
    assert comparison.devices[EUI].status == "waiting"
    comparison.expire(32.0)
    device = comparison.devices[EUI]
    assert (device.status, device.only_here) == ("onlyHere", 1)
    comparison.hear("there", heard(1), 40.0)
    assert (device.status, device.only_here, device.equal) == ("agrees", 0, 1)


def test_what_a_network_could_not_deliver_is_not_held_against_it() -> None:
    comparison = running(1)
    comparison.disconnected("there")
    comparison.hear("here", heard(1), 1.0)
    comparison.connected("there", 5.0)
    comparison.expire(60.0)
    assert comparison.devices[EUI].only_here == 0


CHIRPSTACK = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "deviceInfo": {"deviceName": "Meter", "devEui": EUI.lower()},
    "fCnt": 7,
    "fPort": 2,
    "data": base64.b64encode(b"abc").decode(),
    "object": {"t": 3.5},
}
THINGS_STACK = {
    "end_device_ids": {"device_id": "meter", "dev_eui": EUI},
    "uplink_message": {"f_port": 2, "frm_payload": "YWJj", "decoded_payload": {"t": 3.5}},
}
OWN = {
    "type": "UPLINK_DATA",
    "deviceEUI": EUI,
    "deviceName": "Meter",
    "fCntUp": 7,
    "fPort": 2,
    "payload": "616263",
    "encrypted": False,
    "decoded": {"data": {"t": 3.5}},
}


def test_events_of_both_rivals_and_of_this_network() -> None:
    one, other = read_event(json.dumps(CHIRPSTACK).encode()), read_event(json.dumps(THINGS_STACK).encode())
    own = read_own(OWN)
    assert isinstance(one, Heard) and isinstance(other, Heard) and isinstance(own, Heard)
    assert (one.dev_eui, one.fcnt, one.fport, one.payload, one.value) == (EUI, 7, 2, b"abc", {"t": 3.5})
    # 0 is left out.
    assert (other.fcnt, other.payload, other.value) == (0, b"abc", {"t": 3.5})
    assert (own.fcnt, own.payload, own.value) == (7, b"abc", {"t": 3.5})
    assert read_event(json.dumps({"deviceInfo": {}, "queueItemId": "x"}).encode()) is None
    assert read_own(OWN | {"encrypted": True}) is None and read_own(OWN | {"type": "UPLINK_MAC"}) is None


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"\x0a\x10", "protocol buffers"),
        (b"[]", "no JSON object"),
        (b"{}", "neither deviceInfo"),
        (b'{"deviceInfo": 1}', "deviceInfo is no"),
        (b'{"end_device_ids": []}', "end_device_ids is no"),
        (json.dumps(CHIRPSTACK | {"data": "?"}).encode(), "base64"),
        (json.dumps(CHIRPSTACK | {"fCnt": -1}).encode(), "frame counter"),
        (json.dumps(CHIRPSTACK | {"deviceInfo": {"devEui": "12"}}).encode(), "16 hexadecimal"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_messages_that_are_no_events(octets: bytes, words: str) -> None:
    with pytest.raises(BadEvent, match=words):
        read_event(octets)


SIDES: tuple[Side, ...] = ("here", "there")


def test_a_join_at_the_old_network_makes_the_session_that_was_moved_stale() -> None:
    of_chirpstack = {"deviceInfo": {"devEui": EUI, "deviceName": "Cellar"}, "devAddr": "0013ac01"}
    of_things_stack = {"end_device_ids": {"dev_eui": EUI}, "join_accept": {"session_key_id": "AY=="}}
    joined = read_event(json.dumps(of_chirpstack).encode())
    assert joined == Joined(EUI, "Cellar")
    assert read_event(json.dumps(of_things_stack).encode()) == Joined(EUI)

    comparison = running(wanted=1)
    for side in SIDES:
        comparison.hear(side, heard(7), 1.0)
    assert comparison.agreed
    comparison.join(joined)
    device = comparison.devices[EUI]
    assert (device.status, device.in_a_row, comparison.agreed) == ("joined", 0, False)
    assert "stale" in device.difference and device.name == "Cellar"
    # What follows is heard there alone, and that is why; until it was moved again.
    comparison.hear("there", heard(0), 2.0)
    comparison.expire(60.0)
    assert (device.status, device.only_there) == ("joined", 1) and "stale" in device.difference
    for side in SIDES:
        comparison.hear(side, heard(1), 61.0)
    assert device.status == "agrees" and comparison.agreed and device.difference == ""


def test_a_broker_that_cannot_be_reached_is_named() -> None:
    def told(_said: object) -> None:
        """Nothing is told."""

    async def connect(url: str) -> None:
        await EventBroker(BrokerAccess(url=url, topic="#"), told, told).run()

    for url, words in (
        ("http://x", "must begin with"),
        ("mqtt://127.0.0.1:1", "127.0.0.1:1: connection failed"),
    ):
        with pytest.raises(BadBroker, match=words):
            asyncio.run(connect(url))
