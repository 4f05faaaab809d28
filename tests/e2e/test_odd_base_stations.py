"""Base stations that write datagrams in their own ways, have a wrong clock, or share an EUI."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine

from tests.e2e import radio
from tests.e2e.radio import Antenna
from tests.e2e.running import Client, RunningServer, veldnet
from tests.person import Person
from veldnet.diagnosis import Explanation, explain_device, explain_frame
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.simulator.customer import Account
from veldnet.simulator.device import Transmission
from veldnet.store import millis_of

V1 = "/api/v1"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
_EUIS = iter(range(0x700, 0x7FF))


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0", VELDNET_ALARMS__CHECK_INTERVAL="1s")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def antenna(server: RunningServer, account: Account) -> Antenna:
    antenna = Antenna(account.base_station_eui)
    antenna.connect(server.udp)
    return antenna


@pytest.fixture(scope="module")
def operator(server: RunningServer, account: Account) -> Person:
    return Person(
        server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
    )


@pytest.fixture(scope="module")
def routing(client: Client) -> str:
    routes = [{"contentType": "JSON", "addresses": ["http://127.0.0.1:9/nobody"]}]
    ref: str = client.call("POST", "/routingProfiles", {"name": "nobody", "routes": routes})["id"]
    return ref


@pytest.fixture
def device(client: Client, routing: str) -> Any:
    body = client.device_body(next(_EUIS), applicationKey=KEY, routingProfileId=routing)
    created = client.call("POST", "/devices", body)
    virtual = radio.device(body["EUI"], KEY)
    virtual.ref = created["ref"]  # type: ignore[attr-defined]
    return virtual


def packet(sent: Transmission, **changes: Any) -> dict[str, Any]:
    written = {
        "tmst": int(time.monotonic() * 1_000_000) & 0xFFFFFFFF,
        "chan": 0,
        "rfch": 0,
        "freq": sent.frequency / 1e6,
        "stat": 1,
        "modu": "LORA",
        "datr": str(sent.modulation),
        "codr": "4/5",
        "rssi": -60,
        "lsnr": 8,
        "size": len(sent.phy_payload),
        "data": base64.b64encode(sent.phy_payload).decode(),
    } | changes
    return {name: value for name, value in written.items() if value is not ...}


def push(antenna: Antenna, body: Any) -> None:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    antenna._socket.send(b"\x02ab\x00" + antenna._eui + text)


def accepted(server: RunningServer, ref: str, fcnt: int) -> dict[str, Any]:
    """The row of an uplink, once it is there."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with sqlite3.connect(f"file:{server.data}/veldnet.db?mode=ro", uri=True) as database:
            database.row_factory = sqlite3.Row
            found = database.execute(
                "SELECT * FROM frames WHERE device_ref = ? AND fcnt = ? AND kind = 0 "
                "AND outcome = 'accepted'",
                (int(ref), fcnt),
            ).fetchall()
        if found:
            assert len(found) == 1
            return dict(found[0])
        time.sleep(0.05)
    raise AssertionError(f"uplink {fcnt} was not accepted")


def answered(antenna: Antenna, device: Any, seconds: float = 3.0) -> bool:
    """Whether a downlink comes that the device takes; those for others are passed over."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        frame = antenna.downlink(left)
        if frame is not None and device.receive(frame) is not None:
            return True
    return False


def told(server: RunningServer, explain: Callable[[Connection], Explanation | None]) -> str:
    """What an explanation says."""
    engine = create_engine(f"sqlite:///{server.data}/veldnet.db")
    with engine.connect() as connection:
        explanation = explain(connection)
    engine.dispose()
    assert explanation is not None
    return "\n".join(f"{finding.text} {finding.next}" for finding in explanation.findings)


def test_b9_every_uplink_that_can_be_understood_is_taken(
    server: RunningServer, antenna: Antenna, operator: Person, device: Any
) -> None:
    radio.join(antenna, device)
    before = operator.call("GET", f"{V1}/operator/baseStations")[0]
    size = len(device.uplink(1, b"hello").phy_payload)
    statuses: list[Any] = [{"lati": "52.1"}, {"rxnb": None}, {"ackr": "100.0"}, {"time": 1234}, []]
    members: list[dict[str, Any]] = [
        {"tmms": "0"}, {"rssi": ...}, {"lsnr": 128}, {"tmst": 473387129083000}, {"tmst": ...},
        {"size": size + 1}, {"rssi": ..., "lsnr": ...},
    ]  # fmt: skip
    for changes in members:
        sent = device.uplink(1, b"hello")
        push(antenna, {"rxpk": [packet(sent, **changes)]})
        row = accepted(server, device.ref, sent.fcnt)
        assert (row["rssi"] is None) == ("rssi" in changes) and (row["snr"] is None) == ("lsnr" in changes)
    for status in statuses:
        sent = device.uplink(1, b"hello")
        push(antenna, {"rxpk": [packet(sent)], "stat": status})
        accepted(server, device.ref, sent.fcnt)
    push(antenna, {"rxpk": [packet(device.uplink(1, b"lost"), freq="?")]})
    push(antenna, b'{"rxpk":' + b"[" * 60_000)
    sent = device.uplink(1, b"hello")
    push(antenna, {"rxpk": [packet(sent)]})
    accepted(server, device.ref, sent.fcnt)
    shown = operator.call("GET", f"{V1}/operator/baseStations")[0]
    assert shown["refusedFrames"] - before["refusedFrames"] == 2 and shown["lastRefusalAt"]
    assert shown["lastRefusal"].startswith("bad_json: ")
    assert shown["irregularFrames"] - before["irregularFrames"] >= len(members) + 3


def test_b9_a_confirmed_uplink_without_a_counter_says_why_it_is_not_answered(
    server: RunningServer, antenna: Antenna, client: Client, device: Any
) -> None:
    push(antenna, {"rxpk": [packet(device.join_request(), tmst=...)]})
    assert not answered(antenna, device, 1.0)
    words = told(server, lambda c: explain_device(c, device.identity.dev_eui, time.time()))
    assert "tmst" in words and "vault" not in words
    radio.join(antenna, device)
    sent = device.uplink(1, b"hello", confirmed=True)
    push(antenna, {"rxpk": [packet(sent, tmst="soon")]})
    row = accepted(server, device.ref, sent.fcnt)
    assert not answered(antenna, device, 1.5)
    assert "gave no counter (tmst)" in told(server, lambda c: explain_frame(c, row["id"]))
    sent = device.uplink(1, b"hello", confirmed=True)
    push(antenna, {"rxpk": [packet(sent)]})
    assert answered(antenna, device)


@pytest.mark.parametrize("behind", [61, 1800, 18_000, 0, 59, -1800, 172_800])
def test_c10_a_wrong_clock_takes_no_answer(
    server: RunningServer, antenna: Antenna, device: Any, behind: int
) -> None:
    def tmms() -> int:
        return round((unix_to_gps(time.time()) - behind) * 1000)

    push(antenna, {"rxpk": [packet(device.join_request(), tmms=tmms())]})
    assert answered(antenna, device) and device.joined
    for _ in range(3):
        # Again where the machine was too busy to answer within the receive windows.
        sent = device.uplink(1, b"hello", confirmed=True)
        push(antenna, {"rxpk": [packet(sent, tmms=tmms())]})
        row = accepted(server, device.ref, sent.fcnt)
        if heard := answered(antenna, device):
            break
    assert heard
    # `at` is there where the datagram had waited for the server: by a moment, not by what the clock is off.
    waited = 0 if row["at"] is None else millis_of(row["id"]) - row["at"]
    assert 0 <= waited < 10_000 and not row["flags"] & 1, "not late"
    if behind not in (0, 59):
        words = told(server, lambda c: explain_frame(c, row["id"]))
        assert "he clock of base station" in words and "vault" not in words


def test_bs_05_an_eui_that_two_base_stations_use_is_said(
    server: RunningServer, account: Account, antenna: Antenna, operator: Person, device: Any
) -> None:
    clone = Antenna(account.base_station_eui)
    clone._socket.connect(server.udp)
    for _ in range(4):
        antenna.keep_alive()
        clone.keep_alive()
    push(clone, {"rxpk": [packet(device.join_request())]})
    assert answered(antenna, device), "the first has the downlinks"
    end = time.monotonic() + 15
    while time.monotonic() < end:
        shown = operator.call("GET", f"{V1}/operator/baseStations")[0]
        if any(alarm["alarmTypeId"] == 202 for alarm in shown["alarms"]):
            break
        time.sleep(0.2)
    ports = {f"127.0.0.1:{each._socket.getsockname()[1]}" for each in (antenna, clone)}
    assert set(shown["duplicateEui"]) == ports
    assert any(alarm["alarmTypeId"] == 202 for alarm in shown["alarms"])


def test_c14_after_a_kill_downlinks_go_where_they_went(
    server: RunningServer, account: Account, antenna: Antenna, device: Any
) -> None:
    radio.join(antenna, device)
    sent = device.uplink(1, b"hello")
    push(antenna, {"rxpk": [packet(sent)]})
    accepted(server, device.ref, sent.fcnt)
    server.kill()
    server.start()
    # No keep-alive: the base station does not know that anything has happened.
    antenna._socket.connect(server.udp)
    sent = device.uplink(1, b"hello", confirmed=True)
    push(antenna, {"rxpk": [packet(sent)]})
    assert answered(antenna, device)
    # Whoever knows the EUI does not get the downlinks for one keep-alive.
    thief = Antenna(account.base_station_eui)
    thief.connect(server.udp)
    sent = device.uplink(1, b"hello", confirmed=True)
    push(antenna, {"rxpk": [packet(sent)]})
    assert answered(antenna, device) and thief.downlink(0.2) is None


def test_b9_the_list_of_base_stations_shows_it_after_a_stop(server: RunningServer, account: Account) -> None:
    assert server.stop() == 0
    listed = json.loads(veldnet("admin", "base-station", "list", "--json", "--data", str(server.data)))
    station = next(each for each in listed if each["gatewayEUI"] == account.base_station_eui)
    assert station["refusedFrames"] >= 1 and station["lastRefusal"].startswith("bad_json: ")
    table = veldnet("admin", "base-station", "list", "--data", str(server.data), COLUMNS="300")
    assert "bad_json" in table and "Last refusal" in table
    server.start()
