"""A customer's test moves the clock and sends as its devices do."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.hosting import Client, HostedServer
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
CLOCK = "/api/v1/clock"


def new_device(client: Client, number: int, **changes: Any) -> str:
    body = client.device_body(0x500 + number, applicationKey=KEY, **changes)
    return str(client.call("POST", "/devices", body)["ref"])


def inject(client: Client, ref: str, status: int = 201, **body: Any) -> Any:
    answer = client.http.post(f"/api/v1/devices/{ref}/virtualUplinks", json={"applicationKey": KEY} | body)
    assert answer.status_code == status, answer.text
    return answer.json()


def move(client: Client, **body: Any) -> Any:
    answer = client.http.post(CLOCK, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def move_whole(client: Client, seconds: float) -> None:
    """As far as was asked for: on a busy machine one answer may come before that."""
    while seconds:
        seconds = move(client, advance=seconds)["left"]


def test_six_hours_later_the_alarm_of_a_silent_device_is_there(client: Client) -> None:
    steps = [
        {"enabled": True, "durationOfInactivity": "5_HOURS", "level": "MINOR"},
        {"enabled": True, "durationOfInactivity": "1_DAY", "level": "CRITICAL"},
    ]
    ref = new_device(client, 1, alarmThresholds=steps)
    inject(client, ref, payload="0102")
    path = f"/api/v1/alarms?deviceRef={ref}"
    move_whole(client, 4 * 3600)
    assert client.http.get(path).json()["alarms"] == []
    move(client, advance="2m")
    move_whole(client, 2 * 3600)
    (alarm,) = client.http.get(path).json()["alarms"]
    assert (alarm["type"], alarm["state"]) == (4, "MINOR")
    move_whole(client, 86_400)
    assert client.http.get(path).json()["alarms"][0]["state"] == "CRITICAL"
    inject(client, ref)
    assert client.http.get(path).json()["alarms"][0]["state"] == "CLEARED"
    stations = client.http.get("/api/v1/clock").json()
    assert stations["time"] == client.http.get(CLOCK).json()["time"]


def test_a_virtual_device_joins_sends_and_receives(client: Client, server: HostedServer) -> None:
    routing = client.call(
        "POST", "/routingProfiles", {"name": "Tests", "routes": [{"addresses": [server.inbox.url]}]}
    )
    ref = new_device(client, 2, routingProfileId=routing["id"])
    before = len(server.inbox.uplinks())
    first = inject(client, ref, payload="0102", fPort=7, confirmed=True)
    assert (first["fCntUp"], first["joined"], first["acknowledged"]) == (0, True, True)
    assert len(server.inbox.uplinks()) == before + 1, "it is delivered when the answer comes"
    second = inject(client, ref, payload="03", rssi=-110, snr=-3.5)
    assert (second["fCntUp"], second["joined"]) == (1, False)
    frame = client.http.get(f"/api/v1/frames?deviceRef={ref}&packetType=UPLINK_DATA").json()["frames"][0]
    assert (frame["rssi"], frame["snr"]) == (-110, -3.5)
    state = client.http.get(f"/api/v1/devices/{ref}/virtualDevice").json()
    assert (state["joined"], state["uplinks"]) == (True, 2)
    assert inject(client, ref, rejoin=True)["joined"]


def test_devices_of_every_version_and_class_join(client: Client) -> None:
    profiles: dict[str, dict[str, Any]] = {
        "LORA/GenericA.1.0.4_ETSI_Rx2-SF12": {},
        "LORA/GenericB.1.0.3_ETSI_Rx2-SF12": {},
        "LORA/GenericC.1_ETSI_Rx2-SF9": {},
        "LORA/GenericA.1.1_ETSI_Rx2-SF12": {"networkKey": "0123456789ABCDEF0123456789ABCDEE"},
    }
    for number, (profile, more) in enumerate(profiles.items(), start=10):
        ref = new_device(client, number, deviceProfileId=profile)
        if more:
            put = client.http.put(f"/api/v1/devices/{ref}/networkKey", json=more)
            assert put.status_code == 204, put.text
            assert "networkKey is needed" in inject(client, ref, 400)["message"]
        assert inject(client, ref, confirmed=True, **more)["acknowledged"], profile


def test_a_device_of_class_c_receives_between_its_uplinks(client: Client, server: HostedServer) -> None:
    body = client.device_body(0x520, applicationKey=KEY, deviceProfileId="LORA/GenericC.1_ETSI_Rx2-SF9")
    del body["hsmGroupId"]
    answer = client.request("POST", "/devices", body, headers={"api-version": "v1.1.1"})
    ref = answer.json()["ref"]
    inject(client, ref)
    sent = client.http.post(f"/api/v1/devices/{ref}/downlinks", json={"fPort": 9, "payload": "beef"})
    assert sent.status_code == 202, sent.text
    move(client, advance="10s")
    state = client.http.get(f"/api/v1/devices/{ref}/virtualDevice").json()
    assert [(each["fPort"], each["payload"]) for each in state["downlinks"]] == [(9, "beef")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "give either advance"),
        ({"advance": 1, "to": "2030-01-01"}, "give either advance"),
        ({"advance": -1}, "only moves ahead"),
        ({"advance": "-6h"}, "only moves ahead"),
        ({"advance": "NaN"}, "is not a duration"),
        ({"advance": "inf"}, "is not a duration"),
        ({"advance": "six hours"}, "is not a duration"),
        ({"advance": "1" * 999 + "d"}, "advance"),
        ({"advance": 1e308}, "more than 366 days"),
        ({"advance": "1000000d"}, "more than 366 days"),
        ({"advance": None}, "advance"),
        ({"advance": [6]}, "advance"),
        ({"to": "2001-01-01T00:00:00Z"}, "in the past"),
        ({"to": "3001-01-01T00:00:00Z"}, "more than 366 days"),
        ({"to": "9999-12-31T23:59:59-23:59"}, "to"),
        ({"to": "0001-01-01T00:00:00+23:59"}, "to"),
        ({"to": "tomorrow"}, "must be a time"),
        ({"to": 5}, "to"),
    ],
    ids=str,
)
def test_wrong_moves_of_the_clock_are_refused(client: Client, body: dict[str, Any], words: str) -> None:
    before = client.http.get(CLOCK).json()["time"]
    refused = client.http.post(CLOCK, json=body)
    assert refused.status_code == 400, refused.text
    assert words in refused.json()["message"]
    assert client.http.get(CLOCK).json()["time"] == before


def test_numbers_that_json_does_not_have_are_refused(client: Client) -> None:
    for text in ("NaN", "Infinity", "1e999", "-1e999"):
        refused = client.http.post(
            CLOCK, content=f'{{"advance": {text}}}', headers={"content-type": "application/json"}
        )
        assert refused.status_code == 400, (text, refused.text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"payload": "0"}, "even number"),
        ({"payload": "00" * 243}, "data rate"),
        ({"payload": 5}, "payload"),
        ({"fPort": 0}, "fPort must be"),
        ({"fPort": 224}, "fPort must be"),
        ({"rssi": 1}, "rssi must be"),
        ({"snr": -31}, "snr must be"),
        ({"dataRate": 99}, "dataRate must be"),
        ({"dataRate": -1}, "dataRate must be"),
        ({"baseStationIds": []}, "1 to 20"),
        ({"baseStationIds": ["nonsense"]}, "baseStationIds"),
        ({"applicationKey": "00"}, "applicationKey"),
        ({"confirmed": "perhaps"}, "confirmed"),
    ],
    ids=str,
)
def test_wrong_uplinks_are_refused(client: Client, body: dict[str, Any], words: str) -> None:
    refs = [device["ref"] for device in client.call("GET", "/devices")]
    ref = refs[0] if refs else new_device(client, 90)
    assert words in inject(client, ref, 400, **body)["message"]


def test_a_wrong_key_is_explained(client: Client) -> None:
    ref = new_device(client, 30)
    refused = client.http.post(f"/api/v1/devices/{ref}/virtualUplinks", json={"payload": "00"})
    assert "applicationKey is needed for the first uplink" in refused.json()["message"]
    answer = inject(client, ref, 400, applicationKey="9F1CA24B6D0E93577A21C4F8B3D6E905")
    assert "has not answered 12 join-requests" in answer["message"]
    assert "MIC" in answer["message"]


def test_devices_and_base_stations_of_others_are_not_found(client: Client, server: HostedServer) -> None:
    other = Client(server, sandbox(server.data))
    other.activate()
    ref = new_device(client, 31)
    inject(other, ref, 404)
    assert other.http.get(f"/api/v1/devices/{ref}/virtualDevice").status_code == 404
    own = new_device(other, 60)
    operator = Person(
        server,
        client.account.thingpark_username.replace("sandbox", "operator"),
        client.account.thingpark_password,
    )
    station = operator.call("GET", "/api/v1/operator/baseStations")[0]["id"]
    inject(other, own, 404, baseStationIds=[station])


def test_a_move_that_takes_long_answers_with_what_is_left(
    client: Client, server: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veldnet.virtual.clock.LONGEST_MOVE", 0.05)
    before = server.clock()
    answer = move(client, advance="300d")
    assert 0 < answer["left"] < 300 * 86_400
    assert server.clock() - before == pytest.approx(300 * 86_400 - answer["left"], abs=60)


def test_a_server_that_follows_the_systems_clock_refuses(tmp_path: Any) -> None:
    account: Account = sandbox(tmp_path / "data")
    server = HostedServer(tmp_path / "data", virtual=False)
    try:
        client = Client(server, account)
        client.activate()
        assert client.http.get(CLOCK).status_code == 200
        ref = new_device(client, 1)
        for path, body in ((CLOCK, {"advance": "6h"}), (f"/api/v1/devices/{ref}/virtualUplinks", {})):
            refused = client.http.post(path, json=body)
            assert refused.status_code == 400
            assert "--virtual-clock" in refused.json()["message"]
        assert client.http.get(f"/api/v1/devices/{ref}/virtualDevice").status_code == 400
        assert abs(server.clock() - time.time()) < 3600
    finally:
        server.stop()
