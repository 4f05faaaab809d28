"""Moving in: devices go on under the sessions that another network has opened, without a join."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.chirpstack_database import ChirpStackDatabase, session
from tests.e2e import radio
from tests.e2e.running import command, failing
from tests.person import Person
from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.join import SessionKeys10, SessionKeys11
from veldnet.network.core.multicast import decode_group_state
from veldnet.simulator.device import VirtualDevice
from veldnet.simulator.security import Security10, Security11
from veldnet.store.schema import multicast_groups

EUI_10, EUI_11 = "0059AC0000001001", "0059AC0000001101"
# Of the NetID of another network.
ADDR_10, ADDR_11 = 0x260B1234, 0x260B1235
APP_KEY, NWK_KEY = bytes(range(16)), bytes(range(1, 17))
KEYS = [bytes(range(first, first + 16)) for first in (32, 48, 64, 80)]
JUMP = 1000
# Of the first sandbox of a data directory.
CUSTOMER = "100000001"


@pytest.fixture(scope="module")
def chirpstack() -> Iterator[ChirpStackDatabase]:
    database = ChirpStackDatabase()
    yield database
    database.close()


def migrate(server: HostedServer, what: str, *options: str, **environment: str) -> Any:
    printed = command(
        "migrate",
        what,
        "--customer-id",
        CUSTOMER,
        "--data",
        str(server.data),
        "--json",
        *options,
        VELDNET_KEYS__PROCESS="false",
        **environment,
    )
    return json.loads(printed)


def counts(report: Any, kind: str = "device") -> dict[str, int]:
    (found,) = [each for each in report["counts"] if each["kind"] == kind] or [{}]
    return {name: value for name, value in found.items() if name != "kind" and value}


def session_10(dev_eui: str, dev_addr: int, uplinks: int, downlinks: int) -> VirtualDevice:
    """A device of LoRaWAN 1.0.x that has joined elsewhere."""
    virtual = radio.device(dev_eui, APP_KEY.hex())
    virtual.dev_addr = DevAddr(dev_addr)
    virtual.security = Security10(SessionKeys10(AesKey(KEYS[0]), AesKey(KEYS[3])))
    virtual.security.fcnt_down, virtual.fcnt_up = downlinks - 1, uplinks
    return virtual


def session_11(dev_eui: str, dev_addr: int, uplinks: int, downlinks: tuple[int, int]) -> VirtualDevice:
    """The same of 1.1; it has two downlink counters."""
    virtual = radio.device(dev_eui, APP_KEY.hex(), NWK_KEY.hex())
    virtual.dev_addr = DevAddr(dev_addr)
    security = Security11(SessionKeys11(*(AesKey(key) for key in KEYS)))
    security.n_fcnt_down, security.a_fcnt_down = downlinks[0] - 1, downlinks[1] - 1
    virtual.security, virtual.fcnt_up = security, uplinks
    return virtual


def speaks(server: HostedServer, user: Person, antenna: Antenna, virtual: VirtualDevice) -> Any:
    """A device sends its next uplink, gets the downlink that waits for it, and confirms that."""
    eui = virtual.identity.dev_eui
    device = user.call("GET", f"/api/v1/devices/e{eui}")
    sent = user.call(
        "POST",
        f"/api/v1/devices/{device['ref']}/downlinks",
        {"fPort": 3, "payload": "C0FFEE", "confirmed": True},
    )
    antenna.hear(virtual.uplink(2, b"moved"))
    frame = antenna.downlink(3)
    assert frame is not None, "it got no downlink"
    received = virtual.receive(frame)
    assert received is not None and received.payload == bytes.fromhex("C0FFEE")
    server.pass_time(5)
    antenna.keep_alive()
    antenna.hear(virtual.uplink(2, b"again"))
    # It is told the channels of this network.
    frame = antenna.downlink(3)
    assert frame is not None and virtual.receive(frame) is not None
    assert user.call("GET", f"/api/v1/downlinks/{sent['id']}")["status"] == "acknowledged"
    frames = user.call("GET", f"/api/v1/frames?deviceRef={device['ref']}")["frames"]
    assert not [frame for frame in frames if "join" in frame["type"].lower()]
    # When it joins one day, its JoinNonce goes on, and so do DevNonces.
    virtual.join_nonce, virtual.dev_nonce = 3, 7
    radio.join(antenna, virtual, attempts=1)
    assert virtual.join_nonce > 100
    return received


def test_chirpstack_devices_go_on_without_a_join(
    chirpstack: ChirpStackDatabase, server: HostedServer, user: Person, antenna: Antenna
) -> None:
    plain = chirpstack.profile("Water meter", device_status_req_interval=1)
    eui = chirpstack.device(
        EUI_10,
        plain,
        session=session(
            ADDR_10, 3, KEYS[0], KEYS[3], n_f_cnt_down=41, enabled_uplink_channel_indices=[0, 1, 2]
        ),
        f_cnt_up=120,
        tags={"street": "Dijk"},
    )
    chirpstack.keys(eui, APP_KEY, dev_nonces={"0059ac0000000001": [7, 5]}, join_nonce=3)
    newer = chirpstack.profile("Valve", mac_version="1.1.0", reg_params_revision="B")
    eui = chirpstack.device(
        EUI_11,
        newer,
        session=session(
            ADDR_11,
            5,
            *KEYS,
            f_cnt_up=9,
            n_f_cnt_down=4,
            a_f_cnt_down=70_000,
            enabled_uplink_channel_indices=[0, 1, 2],
        ),
    )
    chirpstack.keys(eui, NWK_KEY, APP_KEY, join_nonce=2)
    tried = migrate(server, "chirpstack", CHIRPSTACK_URL=chirpstack.url)
    assert tried["dryRun"] and not tried["reasons"] and counts(tried) == {"moved": 2}
    assert user.request("GET", f"/api/v1/devices/e{EUI_10}").status_code == 404
    done = migrate(server, "chirpstack", "--apply", CHIRPSTACK_URL=chirpstack.url)
    assert (counts(done), counts(done, "deviceProfile")) == ({"moved": 2}, {"moved": 2})
    assert counts(migrate(server, "chirpstack", "--apply", CHIRPSTACK_URL=chirpstack.url)) == {"exists": 2}
    server.pass_time(3)
    received = speaks(server, user, antenna, session_10(EUI_10, ADDR_10, 120, 41))
    assert received.fcnt >= 41 + JUMP
    received = speaks(server, user, antenna, session_11(EUI_11, ADDR_11, 9, (4, 70_000)))
    assert received.fcnt >= 70_000 + JUMP
    device = user.call("GET", f"/api/v1/devices/e{EUI_10}")
    assert device["tags"] == ["application=Meters", "street=Dijk"]


def tts_device(
    dev_eui: str, dev_addr: int, version: str, keys: list[bytes], **counters: int
) -> dict[str, Any]:
    """An end device as `ttn-lw-migrate` writes it."""
    names = ("f_nwk_s_int_key", "s_nwk_s_int_key", "nwk_s_enc_key", "app_s_key")
    session_keys = (
        dict(zip(names, keys, strict=True)) if len(keys) == 4 else {names[0]: keys[0], names[3]: keys[1]}
    )
    return {
        "ids": {
            "device_id": f"eui-{dev_eui.lower()}",
            "application_ids": {"application_id": "meters"},
            "dev_eui": dev_eui,
            "join_eui": "0059AC0000000001",
        },
        "lorawan_version": version,
        "lorawan_phy_version": "PHY_V1_0_3_REV_A",
        "frequency_plan_id": "EU_863_870_TTN",
        "supports_join": True,
        "root_keys": {"app_key": {"key": APP_KEY.hex()}, "nwk_key": {"key": NWK_KEY.hex()}},
        "used_dev_nonces": [7, 5],
        "last_join_nonce": 3,
        "session": {
            "dev_addr": f"{dev_addr:08X}",
            "keys": {name: {"key": key.hex().upper()} for name, key in session_keys.items()},
            **counters,
        },
        "mac_state": {
            "current_parameters": {
                "adr_data_rate_index": "DATA_RATE_5",
                "rx1_delay": 1,
                "rx2_frequency": "869525000",
                "channels": [
                    {"uplink_frequency": str(hertz), "downlink_frequency": str(hertz), "enable_uplink": True}
                    for hertz in (868_100_000, 868_300_000, 868_500_000)
                ],
            }
        },
    }


def test_devices_of_the_things_stack_go_on_without_a_join(
    server: HostedServer, user: Person, antenna: Antenna, tmp_path: Path
) -> None:
    file = tmp_path / "devices.json"
    plain = tts_device(
        "0059AC0000001002",
        0x260B2234,
        "MAC_V1_0_3",
        [KEYS[0], KEYS[3]],
        last_f_cnt_up=119,
        last_a_f_cnt_down=40,
    )
    newer = tts_device(
        "0059AC0000001102", 0x260B2235, "MAC_V1_1", KEYS, last_f_cnt_up=8, last_a_f_cnt_down=69_999
    )
    file.write_text(json.dumps(plain) + "\n" + json.dumps(newer, indent=2) + "\n")
    tried = migrate(server, "tts", str(file))
    assert tried["dryRun"] and not tried["reasons"] and counts(tried) == {"moved": 2}
    assert counts(migrate(server, "tts", str(file), "--apply")) == {"moved": 2}
    assert counts(migrate(server, "tts", str(file), "--apply")) == {"exists": 2}
    server.pass_time(3)
    received = speaks(server, user, antenna, session_10("0059AC0000001002", 0x260B2234, 120, 41))
    assert received.fcnt == 41 + JUMP
    received = speaks(server, user, antenna, session_11("0059AC0000001102", 0x260B2235, 9, (0, 70_000)))
    assert received.fcnt == 70_000 + JUMP


def add_group_integrations_and_gateway(chirpstack: ChirpStackDatabase, url: str) -> None:
    member = chirpstack.device("0059AC0000002001", chirpstack.profile("Lamp", supports_class_c=True))
    chirpstack.keys(member, APP_KEY)
    group = chirpstack.add(
        "multicast_group",
        id=uuid.uuid4(),
        application_id=chirpstack.application,
        name="Street lights",
        region="EU868",
        mc_addr=bytes.fromhex("FE000001"),
        mc_nwk_s_key=KEYS[0],
        mc_app_s_key=KEYS[1],
        f_cnt=11,
        group_type="C",
        dr=0,
        frequency=869_525_000,
        class_c_scheduling_type="GPS_TIME",
    )
    chirpstack.add("multicast_group_device", multicast_group_id=group, dev_eui=member)
    for kind, configuration in (
        ("HTTP", {"Http": {"headers": {"X-Key": "s"}, "json": True, "event_endpoint_url": url}}),
        ("IFTTT", {"Ifttt": {}}),
    ):
        chirpstack.add(
            "application_integration",
            application_id=chirpstack.application,
            kind=kind,
            configuration=configuration,
        )
    chirpstack.add(
        "gateway",
        gateway_id=bytes.fromhex("0059AC0000C0FFEE"),
        tenant_id=chirpstack.tenant,
        name="Tower",
        latitude=52.1,
        longitude=5.2,
        altitude=30.0,
    )


def test_groups_and_integrations_of_chirpstack(
    chirpstack: ChirpStackDatabase, server: HostedServer, user: Person
) -> None:
    add_group_integrations_and_gateway(chirpstack, server.inbox.url)
    arguments = {
        "CHIRPSTACK_URL": chirpstack.url,
        "VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS": "true",
    }
    for options in ((), ("--apply",)):
        done = migrate(server, "chirpstack", *options, **arguments)
        assert counts(done, "multicastGroup") == counts(done, "baseStation") == {"moved": 1}
        assert counts(done, "flow") == {"moved": 1, "refused": 1}
    again = migrate(server, "chirpstack", "--apply", **arguments)
    assert counts(again, "multicastGroup") == counts(again, "baseStation") == {"exists": 1}
    (made,) = user.call("GET", "/api/v1/multicastGroups")["groups"]
    assert (made["networkAddress"], made["memberCount"]) == ("FE000001", 1)
    stored = server.run(
        server.platform.store.read(lambda c: c.execute(select(multicast_groups.c.state)).scalar_one())
    )
    assert decode_group_state(stored).fcnt_down == 11 + JUMP
    (flow,) = user.call("GET", "/api/v1/flows")
    assert flow["tags"] == ["application=Meters"]
    (connection,) = user.call("GET", "/api/v1/connections")
    assert connection["address"] == f"{server.inbox.url}?event={{event}}"
    assert connection["headers"] == {"X-Key": "*****"}


def test_what_chirpstack_has_and_cannot_be_moved(server: HostedServer) -> None:
    database = ChirpStackDatabase("Other")
    address = {"CHIRPSTACK_URL": database.url}
    profile = database.profile("Meter", adr_algorithm_id="lora_lr_fhss")
    same = session(0x26000001, 3, KEYS[0], KEYS[3])
    locked = session(0x26000002, 3, KEYS[1], KEYS[3])
    locked.app_s_key.kek_label = "server"
    kinds: list[dict[str, Any]] = [
        {"session": same},
        {"session": same},
        {"session": locked},
        {"is_disabled": True},
        {},
    ]
    for number, values in enumerate(kinds):
        eui = database.device(f"0059AC00000030{number:02X}", profile, **values)
        if number < 4:
            database.keys(eui, APP_KEY)
    personal = database.profile("Button", supports_otaa=False)
    database.device("0059AC0000003010", personal, session=session(0x26000003, 3, KEYS[2], KEYS[3], dr=0))
    database.device("0059AC0000003011", personal)
    done = migrate(server, "chirpstack", **address)
    assert counts(done) == {"moved": 2, "partly": 2, "refused": 3}
    texts = " ".join(each["text"] for each in done["reasons"])
    for words in (
        "same session",
        "kek_label",
        "is_disabled",
        "no AppKey",
        "without its session",
        "lora_lr_fhss",
    ):
        assert words in texts
    database.add("tenant", id=uuid.uuid4(), name="Third")
    arguments = ("migrate", "chirpstack", "--customer-id", CUSTOMER, "--data", str(server.data))
    assert "name one tenant" in failing(*arguments, **address)
    assert "no tenant 'x'" in failing(*arguments, "--tenant", "x", **address)
    database.run("ALTER TABLE device DROP COLUMN device_session")
    assert "before 4.7" in failing(*arguments, "--tenant", "Other", **address)
    database.run("DROP TABLE device_keys")
    assert "not that of ChirpStack v4" in failing(*arguments, "--tenant", "Other", **address)
    database.close()
