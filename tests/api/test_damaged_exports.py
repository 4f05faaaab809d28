"""Exports that are damaged: each thing is refused for what is wrong with it, and the others are moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import postgresql
from tests.api.test_migration import CUSTOMER, KEYS, counts, tts_device
from tests.api.test_moved_groups import LAMPS, LAMPS_THERE, group, installation, moved
from tests.chirpstack_database import ChirpStackDatabase, session
from tests.e2e.running import command, failing

PARAMETERS: tuple[dict[str, Any], ...] = (
    {"rx1_delay": 99},
    {"adr_tx_power_index": 16},
    {"adr_nb_trans": -1},
    {"adr_data_rate_index": "DATA_RATE_77"},
    {"ping_slot_frequency": "99999999999"},
    {"max_duty_cycle": 1 << 40},
    {"channels": [{"uplink_frequency": "868100000", "downlink_frequency": "1", "enable_uplink": True}]},
    {"channels": [{"uplink_frequency": "868100000", "enable_uplink": True}] * 200},
)


def device(number: int, **members: Any) -> dict[str, Any]:
    return tts_device(f"0059AC00000060{number:02X}", 0x260B6000 + number, "MAC_V1_0_3", KEYS[:2]) | members


def reported(report: Path) -> dict[str, tuple[str, str]]:
    """What became of each thing, and why."""
    lines = map(json.loads, report.read_text().splitlines())
    return {each["id"]: (each["outcome"], " ".join(each["remarks"])) for each in lines}


def test_radio_parameters_that_no_network_has_negotiated(tmp_path: Path) -> None:
    data = installation(tmp_path, "radio")
    file, report = tmp_path / "export.json", tmp_path / "report"
    devices = [
        device(at, mac_state={"current_parameters": each}) for at, each in enumerate((*PARAMETERS, {}))
    ]
    file.write_text(json.dumps(devices))
    done = moved(data, file, "--apply", "--report", str(report))
    assert counts(done) == {"partly": len(PARAMETERS), "moved": 1}
    partly = [text for outcome, text in reported(report).values() if outcome == "partly"]
    assert partly == ["a radio parameter of its session cannot be right: it joins again"] * len(PARAMETERS)


def test_each_thing_is_refused_for_itself(tmp_path: Path) -> None:
    data = installation(tmp_path, "each")
    file, report = tmp_path / "export.json", tmp_path / "report"
    listed = [
        1,
        {"name": "x"},
        {"name": "y"},
        device(1, mac_settings={"status_time_periodicity": "1e-308s"}),
        device(1),
        group(LAMPS, "FE000011", "C", session=LAMPS_THERE["session"] | {"last_a_f_cnt_down": (1 << 32) - 1}),
        {
            "ids": {"gateway_id": "g", "eui": "0059AC0000C0FFEE"},
            "antennas": [{"location": {"latitude": 1e308}}],
        },
    ]
    file.write_text(json.dumps(listed))
    done = moved(data, file, "--apply", "--report", str(report))
    assert counts(done) == {"moved": 1, "refused": 4}
    found = reported(report)
    for name, words in {
        "entry 1": "no end device of The Things Stack v3",
        "entry 2": "no DevEUI",
        "entry 3": "no DevEUI",
        LAMPS: "its frame counter cannot be right",
        "0059AC0000C0FFEE": "latitude",
    }.items():
        assert found[name][0] == "refused" and words in found[name][1], found


def test_a_database_of_chirpstack_that_is_damaged_or_of_another_version(tmp_path: Path) -> None:
    data, database = installation(tmp_path, "chirpstack"), ChirpStackDatabase("Water")
    report = tmp_path / "report"
    meter = database.profile("Meter")
    sound = session(0x26006000, 3, KEYS[0], KEYS[3])
    wild = session(0x26006001, 3, KEYS[1], KEYS[3], enabled_uplink_channel_indices=[4_000_000_000])
    slow = session(0x26006002, 3, KEYS[2], KEYS[3], rx1_delay=4_000_000_000)
    for number, each in enumerate((sound, wild, slow)):
        database.keys(database.device(f"0059AC00000070{number:02X}", meter, session=each), bytes(range(16)))
    database.add(
        "gateway",
        gateway_id=b"\x01\x02",
        tenant_id=database.tenant,
        name="Tower",
        latitude=52.1,
        longitude=5.2,
        altitude=0.0,
    )
    arguments = ("migrate", "chirpstack", "--customer-id", CUSTOMER, "--data", str(data))
    environment = {"CHIRPSTACK_URL": database.url, "VELDNET_KEYS__PROCESS": "false"}
    done = json.loads(command(*arguments, "--json", "--apply", "--report", str(report), **environment))
    assert counts(done) == {"moved": 1, "partly": 2} and counts(done, "baseStation") == {"refused": 1}
    assert "8 bytes" in reported(report)["0102"][1]
    for table, column in (("multicast_group", "frequency"), ("device_profile", "reg_params_revision")):
        database.run(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")
        assert f"unknown version of ChirpStack: {table} has no {column}" in failing(*arguments, **environment)
        database.run(f"ALTER TABLE {table} RENAME COLUMN other TO {column}")
    database.close()


def _cut(share: float) -> Callable[[bytes], bytes]:
    return lambda dump: dump[: int(len(dump) * share)]


def _cut_behind(mark: bytes, more: int = 0) -> Callable[[bytes], bytes]:
    """As far as the rows of a table, with some of them."""

    def damage(dump: bytes) -> bytes:
        at = dump.index(mark)
        return dump[: dump.index(b"\n", at) + more]

    return damage


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def damage(dump: bytes) -> bytes:
        assert dump.count(old) == 1
        return dump.replace(old, new)

    return damage


def _column_missing(dump: bytes) -> bytes:
    """The rows of devices have one value less than columns are named."""
    begin = dump.index(b"\n", dump.index(b"COPY public.device (")) + 1
    end = dump.index(b"\\.", begin)
    rows = b"".join(row.rpartition(b"\t")[0] + b"\n" for row in dump[begin:end].splitlines())
    return dump[:begin] + rows + dump[end:]


@pytest.mark.parametrize(
    "damage",
    [
        *(_cut(share) for share in (0.2, 0.4, 0.6, 0.8, 0.95)),
        _cut_behind(b"COPY public.device (", 40),
        _cut_behind(b"COPY public.device_keys ("),
        _cut_behind(b"COPY public.device_profile ("),
        # It is not in the encoding that the dump names.
        _replaced("Zähler".encode(), "Zähler".encode("latin-1")),
        _column_missing,
        lambda dump: dump.decode().encode("utf-16"),
    ],
)
def test_a_database_made_of_a_damaged_dump_of_chirpstack(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data, database = installation(tmp_path, "dump"), ChirpStackDatabase("Water")
    meter = database.profile("Meter")
    for number in range(3):
        name = "Zähler" if number == 1 else f"Meter {number}"
        device = database.device(f"0059AC00000071{number:02X}", meter, name=name)
        database.keys(device, bytes(range(16)))
    arguments = ("migrate", "chirpstack", "--customer-id", CUSTOMER, "--data", str(data), "--apply")
    server, dump = postgresql.server(), database.dump()
    for options in ((), ("--single-transaction", "--set=ON_ERROR_STOP=1")):
        name = server.take_in(damage(dump), *options)
        environment = {"CHIRPSTACK_URL": server.url(name), "VELDNET_KEYS__PROCESS": "false"}
        said = failing(*arguments, **environment)
        assert "is not whole" in said or "it has no table" in said, said
        server.drop(name)
    # Nothing was made, so all of the whole one is.
    name = server.take_in(dump)
    environment = {"CHIRPSTACK_URL": server.url(name), "VELDNET_KEYS__PROCESS": "false"}
    assert counts(json.loads(command(*arguments, "--json", **environment))) == {"moved": 3}
    server.drop(name)
    database.close()


@pytest.mark.parametrize("share", [0.1, 0.45, 0.9, 0.999])
@pytest.mark.parametrize("form", ["list", "lines", "indented"])
def test_an_export_of_the_things_stack_that_is_cut(share: float, form: str, tmp_path: Path) -> None:
    data, file = installation(tmp_path, "cut"), tmp_path / "export.json"
    devices = [device(number) for number in range(1, 5)]
    whole = {
        "list": json.dumps(devices),
        "lines": "\n".join(map(json.dumps, devices)),
        "indented": json.dumps({"end_devices": devices}, indent=2),
    }[form]
    file.write_text(whole[: int(len(whole) * share)])
    said = failing(
        *("migrate", "tts", str(file), "--customer-id", CUSTOMER, "--data", str(data), "--apply"),
        VELDNET_KEYS__PROCESS="false",
    )
    assert "export.json" in said and ("does not end" in said or "no JSON" in said), said
    # Nothing was made, so all of the whole one is.
    file.write_text(whole)
    assert counts(moved(data, file, "--apply")) == {"moved": 4}
