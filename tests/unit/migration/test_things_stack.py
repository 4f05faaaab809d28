"""Exports of The Things Stack: their forms, what is read of them, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from veldnet.migration.model import BaseStation, Damaged, Device, Group, Unmoved
from veldnet.migration.tts import TheThingsStack

KEY = "000102030405060708090A0B0C0D0E0F"
DEVICE: dict[str, Any] = {
    "ids": {
        "device_id": "meter",
        "dev_eui": "0059AC0000000001",
        "application_ids": {"application_id": "water"},
    },
    "lorawan_version": "MAC_V1_0_3",
    "lorawan_phy_version": "RP001_V1_0_3_REV_A",
    "frequency_plan_id": "EU_863_870_TTN",
    "supports_join": True,
    "root_keys": {"app_key": {"key": KEY}},
    "session": {
        "dev_addr": "260B0001",
        "keys": {"f_nwk_s_int_key": {"key": KEY}, "app_s_key": {"key": KEY}},
        "last_f_cnt_up": 4,
        "last_n_f_cnt_down": 9,
    },
}


def read(tmp_path: Path, *objects: Any, text: str | None = None) -> list[Device]:
    path = tmp_path / "export.json"
    path.write_text("\n".join(map(json.dumps, objects)) if text is None else text)
    source = TheThingsStack([path])
    found = [device for batch in source.devices() for device in batch]
    assert source.count() == len(found)
    return found


def test_forms_of_a_file(tmp_path: Path) -> None:
    pretty = json.dumps(DEVICE, indent=2)
    for text in (
        f"{pretty}\n{pretty}\n",
        json.dumps([DEVICE, DEVICE]),
        json.dumps({"end_devices": [DEVICE] * 2}),
    ):
        assert [each.eui for each in read(tmp_path, text=text)] == ["0059AC0000000001"] * 2


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"end_devices":' + "[" * 100_000 + "}"])
def test_a_file_that_is_nested_too_deeply_is_damaged(tmp_path: Path, text: str) -> None:
    with pytest.raises(Damaged, match=r"export\.json"):
        read(tmp_path, text=text)


def test_counters_and_radio(tmp_path: Path) -> None:
    parameters = {
        "adr_data_rate_index": "DATA_RATE_3",
        "rx1_delay": "RX_DELAY_5",
        "rx2_data_rate_index": 3,
        "rx2_frequency": "869525000",
        "max_duty_cycle": "DUTY_CYCLE_1024",
        "uplink_dwell_time": {"value": False},
        "channels": [
            {"uplink_frequency": "868100000", "downlink_frequency": "868300000", "enable_uplink": True},
            {
                "uplink_frequency": "868300000",
                "downlink_frequency": "868300000",
                "max_data_rate_index": "DATA_RATE_5",
            },
        ],
    }
    state = {"current_parameters": parameters, "ping_slot_periodicity": {"value": "PING_EVERY_8S"}}
    (found,) = read(tmp_path, DEVICE | {"mac_state": state})
    session = found.session
    assert session is not None and (session.fcnt_up, session.n_fcnt_down, session.ping_periodicity) == (
        4,
        10,
        3,
    )
    radio = session.radio
    assert (radio.rx1_delay, radio.rx2_data_rate, radio.data_rate, radio.max_duty_cycle) == (5, 3, 3, 10)
    assert (radio.enabled, radio.dl_frequencies) == ((0,), ((0, 868_300_000),))
    assert found.tags == ("application=water",)


def test_devices_of_one_kind_share_a_profile(tmp_path: Path) -> None:
    script = {"up_formatter": "FORMATTER_JAVASCRIPT", "up_formatter_parameter": "function decodeUplink() {}"}
    path = tmp_path / "export.json"
    decoded = DEVICE | {"formatters": script, "supports_class_c": True}
    path.write_text("\n".join(map(json.dumps, (DEVICE, DEVICE, decoded))))
    source = TheThingsStack([path])
    first, second, third = (device.profile for batch in source.devices() for device in batch)
    assert first == second != third
    profile = source.profile(third)
    assert (profile.settings.loRaWANClass, profile.settings.regionalParameterVersion) == ("C", "1.0.3revA")
    assert profile.decoder is not None and profile.decoder.kind == "JAVASCRIPT"
    assert source.profile(first).decoder is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ids": {"device_id": "x"}}, "no DevEUI"),
        ({"ids": {"dev_eui": "00"}}, "16 hexadecimal"),
        ({"ids": []}, "no end device"),
        ({"lorawan_version": "MAC_V9"}, "'9' is not known"),
        ({"frequency_plan_id": "ISM_2400"}, "'ISM_2400'"),
        ({"root_keys": {"app_key": {"kek_label": "a", "encrypted_key": "AAAA"}}}, "kek_label"),
        ({"root_keys": {"app_key": {"key": "00"}}}, "32 hexadecimal"),
        ({"dev_id": "meter", "app_id": "water"}, "Things Network v2"),
    ],
)
def test_devices_that_cannot_be_moved(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    (found,) = read(tmp_path, DEVICE | changes)
    assert words in found.problem


def read_group(tmp_path: Path, **changes: Any) -> Group | Unmoved:
    """A multicast device; it is none of the devices."""
    path = tmp_path / "export.json"
    path.write_text(json.dumps(DEVICE | {"multicast": True, "supports_join": False} | changes))
    source = TheThingsStack([path])
    assert source.count() == 0 and list(source.devices()) == []
    (found,) = source.groups()
    return found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"session": None}, "no session"),
        ({"session": {"dev_addr": "26"}}, "no DevAddr"),
        ({"session": {"dev_addr": "260B0001"}}, "lacks the NwkSKey"),
        (
            {"session": {"dev_addr": "260B0001", "keys": {"f_nwk_s_int_key": {"key": KEY}}}},
            "lacks the AppSKey",
        ),
        ({"ids": {"dev_eui": "00"}}, "16 hexadecimal"),
        ({"frequency_plan_id": "ISM_2400"}, "'ISM_2400'"),
        ({"supports_class_b": True}, "no ping slot periodicity"),
        ({"multicast_members": 5}, "no end device"),
    ],
)
def test_multicast_groups_that_cannot_be_moved(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    found = read_group(tmp_path, **changes)
    assert isinstance(found, Unmoved) and words in found.problem


def test_multicast_groups(tmp_path: Path) -> None:
    found = read_group(tmp_path, multicast_members=["0059ac0000000001"])
    assert isinstance(found, Group)
    assert (found.group_class, found.dev_addr, found.fcnt_down) == ("C", "260B0001", 10)
    assert (found.frequency, found.data_rate, found.members) == (None, None, ("0059AC0000000001",))
    # Of the state of its session, where its settings say nothing.
    parameters = {"ping_slot_frequency": "869525000", "ping_slot_data_rate_index_value": {"value": 4}}
    state = {"current_parameters": parameters, "ping_slot_periodicity": {"value": "PING_EVERY_8S"}}
    found = read_group(tmp_path, supports_class_b=True, mac_state=state)
    assert isinstance(found, Group)
    assert (found.group_class, found.ping_period, found.frequency, found.data_rate) == (
        "B",
        8,
        869_525_000,
        4,
    )
    # In LoRaWAN 1.1 another key makes the MIC of downlinks. Without a DevEUI one is made up, the same each
    # time.
    other = KEY[::-1]
    session = DEVICE["session"]
    session = session | {"keys": session["keys"] | {"s_nwk_s_int_key": {"key": other}}}
    made = [read_group(tmp_path, ids={"device_id": "lamps"}, session=session) for _ in range(2)]
    assert made[0] == made[1] and isinstance(made[0], Group)
    assert made[0].eui[1] in "26AE" and made[0].nwk_s_key.hex().upper() == other


@pytest.mark.parametrize(
    ("session", "words"),
    [
        ({"keys": {}}, "no DevAddr"),
        ({"dev_addr": "260B0001"}, "no network key"),
        ({"dev_addr": "260B0001", "keys": {"f_nwk_s_int_key": {"key": KEY}}}, "no AppSKey"),
        (
            {"dev_addr": "260B0001", "keys": {"f_nwk_s_int_key": {"kek_label": "x", "encrypted_key": "A"}}},
            "kek_label",
        ),
    ],
)
def test_sessions_that_stay_behind(tmp_path: Path, session: dict[str, Any], words: str) -> None:
    (found,) = read(tmp_path, DEVICE | {"session": session})
    assert found.session is None and found.app_key is not None
    assert words in found.without_session


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no end device"),
        ("hello", "line 1: a JSON object begins"),
        ('{"ids": {}}\n{"ids": ', "line 2: the object does not end"),
        ('{"ids": }', "line 1: no JSON object"),
        ("[{]", "no JSON"),
        ("\N{BYTE ORDER MARK}[{]", "no JSON"),
    ],
)
def test_damaged_files(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Damaged, match=words):
        read(tmp_path, text=text)


def test_files_of_windows(tmp_path: Path) -> None:
    found = read(tmp_path, text="\N{BYTE ORDER MARK}" + json.dumps(DEVICE))
    assert [(each.eui, each.problem) for each in found] == [("0059AC0000000001", "")]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(DEVICE), "utf-16")
    with pytest.raises(Damaged, match=r"export\.json is in UTF-16.*save it as UTF-8"):
        TheThingsStack([path])


def test_members_that_come_twice(tmp_path: Path) -> None:
    text = json.dumps(DEVICE)
    (found,) = read(tmp_path, text=text.replace('"dev_addr"', '"dev_addr": "26000001", "dev_addr"'))
    assert found.problem.startswith("dev_addr is there twice")
    path = tmp_path / "export.json"
    path.write_text('[{"ids": {"gateway_id": "a"}, "name": "a", "name": "b"}, ' + text + "]")
    (station,) = TheThingsStack([path]).base_stations()
    assert isinstance(station, Unmoved)
    assert (station.id, station.problem[:21]) == ("entry 1", "name is there twice, ")


@pytest.mark.parametrize("period", ["1e-308s", "0s", "-1s", "nans", "infs", "1e308s"])
def test_periods_of_status_requests(tmp_path: Path, period: str) -> None:
    (found,) = read(tmp_path, DEVICE | {"mac_settings": {"status_time_periodicity": period}})
    assert not found.problem and found.profile


def test_gateways_and_webhooks_beside_devices(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    gateway = {
        "ids": {"gateway_id": "tower", "eui": "0059AC0000C0FFEE"},
        "name": "Tower",
        "antennas": [{"location": {"latitude": 52.1, "longitude": 5.2, "altitude": 30}}],
    }
    webhook = {
        "ids": {"webhook_id": "app", "application_ids": {"application_id": "meters"}},
        "base_url": "https://app.example.org/in/",
        "headers": {"X-Key": "s"},
        "format": "json",
        "uplink_message": {"path": "/up"},
        "join_accept": {"path": "/join"},
    }
    listed = [gateway, {"ids": {"gateway_id": "none"}}, webhook, webhook | {"format": "protobuf"}]
    file.write_text(json.dumps(listed))
    source = TheThingsStack([file])
    assert source.count() == 0 and not list(source.devices())
    station, unmoved = source.base_stations()
    assert isinstance(station, BaseStation) and (station.latitude, station.altitude) == (52.1, 30)
    assert isinstance(unmoved, Unmoved) and "no EUI" in unmoved.problem
    flow, refused = source.integrations()
    assert flow.tag == "application=meters" and "join_accept" in flow.remarks[0]
    assert flow.connections[0].address == "https://app.example.org/in/up"
    assert flow.connections[0].headers == {"X-Key": "s"} and "protobuf" in refused.problem
