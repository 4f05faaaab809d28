"""Moving in beside the old network: shadow, cut-over, and back without a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.api.test_migration import (
    APP_KEY,
    CUSTOMER,
    JUMP,
    KEYS,
    counts,
    migrate,
    session_10,
    speaks,
    tts_device,
)
from tests.e2e.running import command, failing
from tests.person import Person
from veldnet.store.schema import (
    base_stations,
    connectivity_plans,
    decoders,
    device_profiles,
    devices,
    imports,
    plan_grants,
)

EUI, ADDR = "0059AC0000004001", 0x260B4234


def export(
    file: Path, uplinks: int, downlinks: int, *more: dict[str, Any], eui: str = EUI, addr: int = ADDR
) -> None:
    """What the other network has at a moment."""
    counters = {"last_f_cnt_up": uplinks - 1, "last_a_f_cnt_down": downlinks - 1}
    device = tts_device(eui, addr, "MAC_V1_0_3", [KEYS[0], KEYS[3]], **counters)
    device["formatters"] = {
        "up_formatter": "FORMATTER_JAVASCRIPT",
        "up_formatter_parameter": "function decodeUplink(i) { return {data: {n: i.bytes.length}} }",
    }
    file.write_text("".join(json.dumps(each) + "\n" for each in (device, *more)))


def exported(server: HostedServer, *options: str) -> Any:
    arguments = ("export", "--customer-id", CUSTOMER, "--data", str(server.data), "--json", *options)
    return json.loads(command(*arguments, VELDNET_KEYS__PROCESS="false"))


def inventory(server: HostedServer) -> dict[str, int]:
    tables = (
        base_stations,
        connectivity_plans,
        decoders,
        device_profiles,
        devices,
        imports,
        plan_grants,
    )
    return server.run(
        server.platform.store.read(
            lambda c: {
                table.name: c.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables
            }
        )
    )


def test_what_serves_a_device_that_was_read_again_stays(
    server: HostedServer, user: Person, tmp_path: Path
) -> None:
    file, towers, eui = tmp_path / "devices.json", tmp_path / "gateways.json", "0059AC0000004005"
    before = inventory(server)
    export(file, 120, 41, eui=eui, addr=ADDR + 5)
    towers.write_text(json.dumps({"ids": {"gateway_id": "tower", "eui": "0059AC0000C0FFEE"}}))
    migrate(server, "tts", str(file), str(towers), "--apply", "--shadow")
    migrate(server, "tts", str(file), "--apply")
    done = migrate(server, "roll-back", "--apply")
    assert done["removed"] == {} and "baseStation" in {each["kind"] for each in done["kept"]}
    device = user.call("GET", f"/api/v1/devices/e{eui}")
    user.call("DELETE", f"/data/lora/thingpark/devices/{device['ref']}")
    assert migrate(server, "roll-back", "--apply")["kept"] == []
    # Of an import whose devices were deleted by hand the list is left.
    assert inventory(server) | {"imports": 0} == before | {"imports": 0}


def test_rolling_back_leaves_no_trace(server: HostedServer, tmp_path: Path) -> None:
    before = inventory(server)
    file = tmp_path / "devices.json"
    export(file, 120, 41)
    migrate(server, "tts", str(file), "--apply", "--shadow")
    assert inventory(server) != before
    migrate(server, "tts", str(file), "--apply", "--shadow")
    tried = migrate(server, "roll-back")
    assert tried["dryRun"] and tried["removed"]["device"] == 1 and inventory(server) != before
    done = migrate(server, "roll-back", "--apply")
    assert done["removed"] == {"device": 1, "deviceProfile": 1, "decoder": 1, "connectivityPlan": 1}
    assert not done["kept"] and inventory(server) == before


def test_a_shadow_is_silent_and_is_cut_over_with_counters_that_go_on(
    server: HostedServer, user: Person, antenna: Antenna, tmp_path: Path
) -> None:
    file = tmp_path / "devices.json"
    export(file, 120, 41)
    done = migrate(server, "tts", str(file), "--apply", "--shadow")
    assert done["shadow"] and counts(done) == {"moved": 1}
    server.pass_time(3)
    device = user.call("GET", f"/api/v1/devices/e{EUI}")
    assert device["shadow"] and device["processingStrategyId"] == "NOAS"
    virtual = session_10(EUI, ADDR, 120, 41)
    antenna.keep_alive()
    antenna.hear(virtual.uplink(2, b"first", confirmed=True))
    assert antenna.downlink(2) is None
    (frame,) = user.call("GET", f"/api/v1/frames?deviceRef={device['ref']}")["frames"]
    assert (frame["outcome"], frame["fCntUp"]) == ("accepted", 120)
    # A join is for the other network to answer.
    antenna.hear(session_10(EUI, ADDR, 0, 0).join_request())
    assert antenna.downlink(2) is None
    path = f"/api/v1/devices/{device['ref']}"
    refused = user.request("POST", f"{path}/downlinks", {"fPort": 3, "payload": "00"})
    assert refused.status_code >= 400 and "in shadow" in refused.text
    refused = user.request("PUT", path, {"processingStrategyId": "DATAFLOW"})
    assert refused.status_code == 400 and "cut-over" in refused.text
    explained = user.call("GET", f"{path}/explanation")
    assert "in shadow" in json.dumps(explained)
    # The other network has gone on; what is heard here is not forgotten by an older export.
    export(file, 100, 60)
    assert counts(migrate(server, "tts", str(file), "--apply")) == {"moved": 1}
    server.pass_time(3)
    device = user.call("GET", f"/api/v1/devices/e{EUI}")
    assert "shadow" not in device and device["processingStrategyId"] == "DATAFLOW"
    received = speaks(server, user, antenna, virtual)
    assert received.fcnt == 60 + JUMP


def test_a_device_is_cut_over_with_what_was_heard(
    server: HostedServer, user: Person, antenna: Antenna, tmp_path: Path
) -> None:
    file = tmp_path / "devices.json"
    other = "0059AC0000004002"
    eui, addr = "0059AC0000004003", ADDR + 2
    kept = tts_device(other, ADDR + 1, "MAC_V1_0_3", [KEYS[1], KEYS[3]])
    export(file, 120, 41, kept, eui=eui, addr=addr)
    migrate(server, "tts", str(file), "--apply", "--shadow")
    server.pass_time(3)
    virtual = session_10(eui, addr, 125, 41)
    antenna.keep_alive()
    antenna.hear(virtual.uplink(2, b"first"))
    assert antenna.downlink(2) is None
    done = migrate(server, "cut-over", "--device", eui)
    assert done == {"customerId": CUSTOMER, "devices": 1, "notInShadow": []}
    arguments = ("migrate", "cut-over", "--customer-id", CUSTOMER, "--data", str(server.data))
    failing(*arguments, "--device", eui)
    assert "either" in failing(*arguments)
    server.pass_time(3)
    assert speaks(server, user, antenna, virtual).fcnt == 41 + JUMP + 6
    assert user.call("GET", f"/api/v1/devices/e{other}")["shadow"]
    done = migrate(server, "roll-back", "--apply")
    # Its profile, without a decoder, is that of no other device.
    assert done["removed"] == {"device": 1, "deviceProfile": 1}
    assert {each["kind"] for each in done["kept"]} == {"deviceProfile", "decoder", "connectivityPlan"}


def test_an_export_is_read_by_another_installation(
    server: HostedServer, user: Person, antenna: Antenna, tmp_path: Path
) -> None:
    """The device that was cut over, and what has been made of it here: nobody joins again."""
    file, bare = tmp_path / "export.json", tmp_path / "bare.json"
    done = exported(server, "--output", str(file), "--keys")
    assert done["withSession"] >= 2 and done["gateways"] >= 1
    assert file.stat().st_mode & 0o777 == 0o600
    exported(server, "--output", str(bare))
    assert "key" not in bare.read_text().lower()
    arguments = ("export", "--customer-id", CUSTOMER, "--data", str(server.data), "--output", str(file))
    assert "exists already" in failing(*arguments)
    found = {each["ids"].get("dev_eui"): each for each in map(json.loads, file.read_text().splitlines())}
    moved = found[EUI]
    assert moved["root_keys"]["app_key"]["key"] == APP_KEY.hex().upper()
    assert moved["session"]["keys"]["app_s_key"]["key"] == KEYS[3].hex().upper()
    assert moved["session"]["last_f_cnt_up"] >= 121 and moved["session"]["last_a_f_cnt_down"] >= 60 + JUMP
    assert 7 in moved["used_dev_nonces"] and moved["formatters"]["up_formatter"] == "FORMATTER_JAVASCRIPT"
    # Into an installation that does not know it.
    device = user.call("GET", f"/api/v1/devices/e{EUI}")
    user.call("DELETE", f"/data/lora/thingpark/devices/{device['ref']}")
    before = moved["session"]["last_f_cnt_up"]
    one = tmp_path / "one.json"
    one.write_text(json.dumps(moved))
    assert counts(migrate(server, "tts", str(one), "--apply")) == {"moved": 1}
    server.pass_time(3)
    virtual = session_10(EUI, int(moved["session"]["dev_addr"], 16), before + 1, 0)
    antenna.keep_alive()
    antenna.hear(virtual.uplink(2, b"moved", confirmed=True))
    frame = antenna.downlink(3)
    assert frame is not None
    received = virtual.receive(frame)
    assert received is not None and received.ack
    assert received.fcnt == moved["session"]["last_a_f_cnt_down"] + 1 + JUMP
