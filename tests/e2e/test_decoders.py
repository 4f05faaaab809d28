"""Payload decoders through the API: hostile ones, several customers at once, and what the lab shows."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from tests.e2e import radio
from tests.e2e.key_place import wait_for
from tests.e2e.running import KPN, RunningServer, sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
# As many as a call may have, in `make fuzz`.
TRIALS = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 40
FINE = "function decodeUplink(input) { return { data: { n: input.bytes.length } }; }"


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0", VELDNET_CONSOLE__DECODER_TIME="50ms")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def user(server: RunningServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def other(server: RunningServer) -> Person:
    account = sandbox(server.data)
    return Person(server, account.thingpark_username, account.thingpark_password)


def lab(person: Person, source: str, *trials: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    body = {"kind": "JAVASCRIPT", "source": source, "trials": list(trials) or [{"payload": "0102"}]} | more
    answer = person.request("POST", f"{V1}/decoders/lab", body)
    assert answer.status_code == 200, answer.text
    return list(msgspec.json.decode(answer.content))


def test_c7_hostile_lab_calls_hold_up_nobody_else(user: Person, other: Person) -> None:
    hostile = {
        "kind": "JAVASCRIPT",
        "source": "function decodeUplink() { for (;;) {} }",
        "trials": [{"payload": "00"}] * TRIALS,
    }
    with ThreadPoolExecutor(12) as threads:
        calls = [threads.submit(user.request, "POST", f"{V1}/decoders/lab", hostile) for _ in range(12)]
        wait_for(lambda: sum(call.done() for call in calls) >= 4)
        for _ in range(3):
            assert lab(other, FINE)[0]["result"] == {"data": {"n": 2}}
        done = [call.result() for call in calls if call.done()]
        assert 429 in {answer.status_code for answer in done}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in done if answer.status_code == 429)
        assert user.request("GET", f"{V1}/decoders").status_code == 200
        ended = [call.result() for call in calls]
    assert sorted(answer.status_code for answer in ended) == [200] * 8 + [429] * 4


def test_dec_01_the_lab_gives_a_time(user: Person) -> None:
    source = "function decodeUplink(input) { return { data: { ms: input.recvTime.getTime() } }; }"
    now, then, there = lab(
        user,
        source,
        {"payload": "01"},
        {"payload": "01", "recvTime": "2026-01-31T12:00:00Z"},
        {"payload": "01", "recvTime": "2026-01-31T12:00:00.250+01:00"},
    )
    assert now["result"]["data"]["ms"] > 1_700_000_000_000 and now["time"].endswith("+00:00")
    assert then["result"]["data"]["ms"] == 1_769_860_800_000
    assert there["result"]["data"]["ms"] == 1_769_857_200_250
    assert then["time"] == "2026-01-31T12:00:00.000+00:00"
    for trial, words in (
        ({"payload": "01", "recvTime": "noon"}, "recvTime"),
        ({"payload": "0"}, "hexadecimal"),
        ({"payload": "01", "fPort": 256}, "fPort"),
    ):
        refused = user.request(
            "POST", f"{V1}/decoders/lab", {"kind": "JAVASCRIPT", "source": source, "trials": [trial]}
        )
        assert refused.status_code == 400 and words in refused.json()["message"]


def test_dec_03_the_lab_shows_the_console(user: Person) -> None:
    source = "function decodeUplink(i) { console.log('seen', i.fPort); return { data: { n: 1 } }; }"
    (result,) = lab(user, source, {"payload": "01", "fPort": 5})
    assert (result["result"], result["console"], result["error"]) == (
        {"data": {"n": 1}},
        ["log seen 5"],
        None,
    )
    (made,) = lab(
        user, "function encodeDownlink(i) { console.error(i.data); return { bytes: [1] }; }", encode={"a": 1}
    )
    assert made["console"] == ['error {"a":1}']


def test_dec_04_what_can_be_tried_can_be_saved(user: Person) -> None:
    for size, fits in ((240_000, True), (400_000, True), (512_000, True), (512_001, False)):
        # In letters that take six octets each in JSON as some clients write it.
        source = FINE + "//" + "é" * (size - len(FINE) - 2)
        tried = user.request(
            "POST",
            f"{V1}/decoders/lab",
            {"kind": "JAVASCRIPT", "source": source, "trials": [{"payload": "0102"}]},
        )
        body = {"name": f"Large {size}", "kind": "JAVASCRIPT", "source": source}
        saved = user.http.post(
            f"{V1}/decoders",
            content=json.dumps(body),
            headers=user.headers("POST") | {"content-type": "application/json"},
        )
        if fits:
            assert tried.json()[0]["result"] == {"data": {"n": 2}}
            assert saved.status_code == 201, saved.text[:300]
            assert user.call("GET", f"{V1}/decoders/{saved.json()['ref']}")["source"] == source
        else:
            assert (tried.status_code, saved.status_code) == (400, 400)
            assert tried.json()["message"] == saved.json()["message"]
            assert "512001 characters; at most 512000" in saved.json()["message"]
    listed = user.call("GET", f"{V1}/decoders")
    assert len(listed) == 3 and all("source" not in each for each in listed), "a list is no place for sources"


def test_dec_05_cayenne_keeps_what_it_could_read(user: Person) -> None:
    padded, newer, nothing = lab(
        user,
        "",
        {"payload": "0367011000000000"},
        {"payload": "0367011001f008aabbccddeeff00"},
        {"payload": "0367"},
        kind="CAYENNE_LPP",
    )
    assert (
        padded["result"]["data"] == {"temperature_3": 27.2} and "octet 4" in padded["result"]["warnings"][0]
    )
    assert newer["result"]["data"] == {"temperature_3": 27.2} and "type 240" in newer["result"]["warnings"][0]
    assert nothing["result"] is None and "octet 2" in nothing["error"]


HOSTILE = [
    ("JSON.stringify = () => '}{'; function decodeUplink() { return { data: { a: 1 } }; }", {"a": 1}),
    ("Object.prototype.toJSON = () => '{'; function decodeUplink() { return { data: 1 }; }", None),
    ("function decodeUplink() { return { data: { a: '\\ud800', b: NaN, c: 1e20 } }; }",
     {"a": "\ufffd", "c": 1e20}),
    ("function decodeUplink() { return { data: { a: 1 }, errors: { length: 1 }, warnings: 'w' }; "
     "}", {"a": 1}),
    ("function decodeUplink() { return { data: { a: 1 }, errors: [{ x: '\\ud800' }, null], "
     "warnings: [1] }; }", {"a": 1}),
    ("function decodeUplink() { return { data: 5, errors: 7 }; }", {}),
    ("function decodeUplink() { return { data: { a: 10n } }; }", None),
    ("function decodeUplink() { const a = {}; a.a = a; return a; }", None),
    ("function decodeUplink() { throw { get message() { throw 1; } }; }", None),
    ("function decodeUplink() { return { data: JSON.parse('{\"__proto__\":{\"a\":1}}') }; }",
     {"__proto__.a": 1}),
    ("function decodeUplink(i) { return { data: { ms: i.recvTime.getTime() > 1.7e12 } }; }", {"ms": True}),
]  # fmt: skip


def test_a9_frames_and_readings_are_json_whatever_a_decoder_does(
    server: RunningServer, user: Person, account: Account
) -> None:
    device = {
        "EUI": "0059AC00DD000001",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
    }
    ref = user.call("POST", f"{KPN}/devices", device, headers={"api-version": "v1.1.1"})["ref"]
    antenna = radio.Antenna(account.base_station_eui)
    antenna.connect(server.udp)
    virtual = radio.device(device["EUI"], KEY)
    radio.join(antenna, virtual)
    antenna.hear(virtual.uplink(2, bytes.fromhex("0834")))
    path = f"{V1}/frames?deviceRef={ref}&decode=true"

    def uplinks() -> list[dict[str, Any]]:
        found = user.request("GET", path)
        assert found.status_code == 200, found.text
        return [f for f in msgspec.json.decode(found.content)["frames"] if f.get("payload") == "0834"]

    wait_for(lambda: bool(uplinks()))
    body = {
        "name": "Hostile",
        "kind": "JAVASCRIPT",
        "source": FINE,
        "deviceProfileIds": [account.device_profile_id],
    }
    decoder = user.call("POST", f"{V1}/decoders", body)["ref"]
    assert uplinks()[0]["decoded"] == {"data": {"n": 2}}
    for source, values in HOSTILE:
        user.call("PUT", f"{V1}/decoders/{decoder}", {"source": source})
        (frame,) = uplinks()
        assert isinstance(frame["decoded"], dict), source
        readings = user.request("GET", f"{V1}/devices/{ref}/readings")
        assert readings.status_code == 200, source
        reading = next(r for r in msgspec.json.decode(readings.content) if r["frameId"] == frame["id"])
        assert reading["values"] == (values or {}), source
        assert (reading["error"] is not None) == (values is None or "errors" in source), source
        (tried,) = lab(user, source, {"payload": "0834"})
        assert (tried["result"] is None) == (values is None), source
    for made in ("{ bytes: [1], fPort: 300 }", "{ bytes: [1], fPort: -1 }", "{ bytes: [256] }", "{ "
     "bytes: 'x' }",
                 "{ bytes: [1e300], fPort: 1 }", "{ errors: [{}] }", "[]", "{ bytes: [1], fPort: "
                  "1e300 }"):  # fmt: skip
        user.call(
            "PUT", f"{V1}/decoders/{decoder}", {"source": f"function encodeDownlink() {{ return ({made}); }}"}
        )
        refused = user.request("POST", f"{V1}/devices/{ref}/downlinks", {"data": {"a": 1}})
        assert refused.status_code == 400, (made, refused.text)
