"""Multicast groups that leave one installation and come to another, with keys, counters and members."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.api.test_migration import CUSTOMER, JUMP, KEYS, counts, tts_device
from tests.e2e.running import command
from tests.installation import sandbox

DEVICES = ("0059AC0000005001", "0059AC0000005002")
LAMPS, VALVES = "0059AC00000050F0", "0059AC00000050F1"
LAST = 40


def group(dev_eui: str, dev_addr: str, device_class: str, **members: Any) -> dict[str, Any]:
    """A multicast device as The Things Stack has it."""
    return {
        "ids": {
            "device_id": dev_eui.lower(),
            "application_ids": {"application_id": "a"},
            "dev_eui": dev_eui,
        },
        "name": f"Group {device_class}",
        "multicast": True,
        "lorawan_version": "MAC_V1_0_3",
        "lorawan_phy_version": "PHY_V1_0_3_REV_A",
        "frequency_plan_id": "EU_863_870_TTN",
        f"supports_class_{device_class.lower()}": True,
        "session": {
            "dev_addr": dev_addr,
            "keys": {
                "f_nwk_s_int_key": {"key": KEYS[0].hex().upper()},
                "app_s_key": {"key": KEYS[1].hex().upper()},
            },
            "last_a_f_cnt_down": LAST,
        },
        **members,
    }


LAMPS_THERE = group(
    LAMPS,
    "FE000011",
    "C",
    mac_settings={
        "rx2_frequency": {"value": "869525000"},
        "rx2_data_rate_index": {"value": "DATA_RATE_3"},
    },
    multicast_members=list(DEVICES),
)
VALVES_THERE = group(
    VALVES, "FE000012", "B", mac_settings={"ping_slot_periodicity": {"value": "PING_EVERY_4S"}}
)


def installation(tmp_path: Path, name: str) -> Path:
    data = tmp_path / name / "data"
    sandbox(data)
    return data


def moved(data: Path, file: Path, *options: str) -> Any:
    arguments = ("migrate", "tts", str(file), "--customer-id", CUSTOMER, "--data", str(data), "--json")
    return json.loads(command(*arguments, *options, VELDNET_KEYS__PROCESS="false"))


def exported(data: Path, file: Path, *options: str) -> tuple[Any, dict[str, Any]]:
    """What the command says, and what it wrote of each device and group."""
    arguments = ("export", "--customer-id", CUSTOMER, "--data", str(data), "--json", "--output", str(file))
    done = json.loads(command(*arguments, *options, VELDNET_KEYS__PROCESS="false"))
    documents = map(json.loads, file.read_text().splitlines())
    return done, {each["ids"]["dev_eui"]: each for each in documents if "dev_eui" in each["ids"]}


def test_groups_go_from_one_installation_to_another(tmp_path: Path) -> None:
    first, second = installation(tmp_path, "first"), installation(tmp_path, "second")
    file, left, back = (tmp_path / name for name in ("there.json", "left.json", "back.json"))
    there = [tts_device(eui, 0x260B5000 + at, "MAC_V1_0_3", KEYS[:2]) for at, eui in enumerate(DEVICES)]
    file.write_text("".join(json.dumps(each) + "\n" for each in (*there, LAMPS_THERE, VALVES_THERE)))
    tried = moved(first, file)
    assert tried["dryRun"] and counts(tried, "multicastGroup") == {"moved": 2}
    assert counts(moved(first, file, "--apply"), "multicastGroup") == {"moved": 2}
    assert counts(moved(first, file, "--apply"), "multicastGroup") == {"exists": 2}

    done, found = exported(first, left, "--keys")
    assert (done["multicastGroups"], done["groupKeysKept"]) == (2, 0)
    jumped = LAMPS_THERE["session"] | {"last_a_f_cnt_down": LAST + JUMP}
    for eui, before in ((LAMPS, LAMPS_THERE), (VALVES, VALVES_THERE)):
        assert found[eui]["session"] == jumped | {"dev_addr": before["session"]["dev_addr"]}
        assert found[eui]["multicast"] and found[eui]["name"] == before["name"]
        assert before["mac_settings"].items() <= found[eui]["mac_settings"].items()
    assert found[LAMPS]["multicast_members"] == list(DEVICES)
    assert "multicast_members" not in found[VALVES]
    # All that The Things Stack needs to have it as a multicast device.
    assert found[LAMPS]["supports_class_c"] and "supports_join" not in found[LAMPS]

    assert counts(moved(second, left, "--apply"), "multicastGroup") == {"moved": 2}
    _done, again = exported(second, back, "--keys")
    for eui in (LAMPS, VALVES):
        counter = again[eui]["session"].pop("last_a_f_cnt_down")
        assert counter == found[eui]["session"].pop("last_a_f_cnt_down") + JUMP
        assert again[eui] == found[eui]


def test_without_keys_an_export_has_no_sessions_of_groups(tmp_path: Path) -> None:
    data = installation(tmp_path, "bare")
    file, bare = tmp_path / "there.json", tmp_path / "bare.json"
    file.write_text(json.dumps(LAMPS_THERE | {"multicast_members": ["0059AC0000005001"]}))
    done = moved(data, file, "--apply")
    assert "some of its members are not here" in done["reasons"][0]["text"]
    _done, found = exported(data, bare)
    assert "session" not in found[LAMPS] and KEYS[0].hex().upper() not in bare.read_text()
    again = moved(data, bare)
    assert counts(again, "multicastGroup") == {"refused": 1}
    assert "no session" in again["reasons"][0]["text"]


def test_keys_of_groups_of_hsm_groups_stay_in_their_vault(tmp_path: Path) -> None:
    data = installation(tmp_path, "sealed")
    file = tmp_path / "left.json"

    def admin(*arguments: str) -> str:
        return command("admin", *arguments, "--data", str(data), VELDNET_KEYS__PROCESS="false")

    (hsm_group, *_others) = json.loads(admin("hsm-group", "list", "--json"))
    admin("plan", "create-multicast", "sandbox-ope-cs/groups", "Groups", "--operator", "sandbox-ope")
    admin("plan", "grant", "sandbox-ope-cs/groups", CUSTOMER, "1")
    created = ("multicast-group", "create", LAMPS, "Lamps", "--customer-id", CUSTOMER)
    admin(*created, "--hsm-group", hsm_group["id"])
    done, found = exported(data, file, "--keys")
    assert (done["multicastGroups"], done["groupKeysKept"]) == (1, 1)
    assert found[LAMPS]["name"] == "Lamps" and "session" not in found[LAMPS]
