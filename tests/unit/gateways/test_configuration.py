"""Configuration files of base stations: channels of the region's tables, as the programs read them."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from veldnet.gateways import StationProfile
from veldnet.gateways.basics_station.router_config import router_config
from veldnet.gateways.configuration import (
    CHIPS,
    Chip,
    ConfigurationFile,
    Wanted,
    basics_station_files,
    gateway_bridge_files,
    kerlink_files,
    mqtt_forwarder_files,
    packet_forwarder_files,
    topic_prefix,
)
from veldnet.gateways.radio_layout import layouts
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import REGIONS, Channel, ChannelPlan

EUI = GatewayEui.parse("0059AC0000000001")
EU868 = ChannelPlan(
    REGIONS["EU868"], tuple(Channel(f, 0, 5) for f in range(867_100_000, 868_000_000, 200_000))
)
US915_2 = ChannelPlan(REGIONS["US915"], sub_bands=(2,))


def wanted(plan: ChannelPlan = EU868, chip: Chip = "SX1302", **more: Any) -> Wanted:
    return Wanted(
        EUI, plan, chip, "lns.example.com", 1700, "wss://lns.example.com:8887", "ssl://b:8883", **more
    )


def content(files: list[ConfigurationFile], name: str) -> Any:
    text = next(file.content for file in files if file.name == name)
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


def heard(conf: dict[str, Any]) -> set[int]:
    return {
        conf[f"radio_{channel['radio']}"]["freq"] + channel["if"]
        for name, channel in conf.items()
        if name.startswith("chan_multiSF") and channel["enable"]
    }


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("region", REGIONS)
def test_packet_forwarder_hears_the_first_channels_of_each_region(region: str, chip: Chip) -> None:
    plan = ChannelPlan(REGIONS[region], sub_bands=(1,) if REGIONS[region].fixed else ())
    conf = content(packet_forwarder_files(wanted(plan, chip)), "global_conf.json")
    radios = conf["SX130x_conf" if chip == "SX1302" else "SX1301_conf"]
    narrow = [channel.frequency for channel in plan.region.channels][:8]
    assert heard(radios) == set(narrow)
    # Without the radio that gives the clock nothing is received at all.
    assert radios[f"radio_{radios['clksrc']}"]["enable"] and radios["radio_0"]["tx_enable"]
    bands = plan.region.sub_bands
    assert radios["radio_0"]["tx_freq_min"] == min(band.low for band in bands)


def test_a_forwarder_of_sx1302_reads_one_file() -> None:
    [file] = packet_forwarder_files(wanted())
    conf = content([file], "global_conf.json")
    assert conf["gateway_conf"] == {
        "gateway_ID": "0059AC0000000001",
        "server_address": "lns.example.com",
        "serv_port_up": 1700,
        "serv_port_down": 1700,
        "keepalive_interval": 10,
        "stat_interval": 30,
        "push_timeout_ms": 100,
        "forward_crc_valid": True,
        "forward_crc_error": False,
        "forward_crc_disabled": False,
    }
    radios = conf["SX130x_conf"]
    # The server has taken the antenna's gain off: taken off twice, frames would be too weak.
    assert radios["antenna_gain"] == 0 and radios["radio_0"]["type"] == "SX1250"
    assert [entry["rf_power"] for entry in radios["radio_0"]["tx_gain_lut"]] == list(range(12, 28))
    assert radios["chan_Lora_std"]["bandwidth"] == 250_000 and radios["chan_FSK"]["datarate"] == 50_000


def test_a_forwarder_of_sx1301_reads_what_is_its_own_from_a_second_file() -> None:
    files = packet_forwarder_files(wanted(chip="SX1301"))
    assert [file.name for file in files] == ["global_conf.json", "local_conf.json"]
    assert content(files, "local_conf.json")["gateway_conf"]["gateway_ID"] == "0059AC0000000001"
    conf = content(files, "global_conf.json")
    assert conf["SX1301_conf"]["tx_lut_15"] == {"rf_power": 27, "pa_gain": 3, "mix_gain": 14, "dig_gain": 0}
    assert "gateway_conf" not in conf


@pytest.mark.parametrize("region", REGIONS)
def test_beacons_are_those_of_the_region(region: str) -> None:
    plan = ChannelPlan(REGIONS[region], sub_bands=(1,) if REGIONS[region].fixed else ())
    table = plan.region.class_b
    conf = content(packet_forwarder_files(wanted(plan, beacon_power=14)), "global_conf.json")["gateway_conf"]
    modulation = plan.region.downlink[table.beacon_data_rate].modulation
    assert isinstance(modulation, Lora)
    sent = [
        conf["beacon_freq_hz"] + number * conf["beacon_freq_step"] for number in range(conf["beacon_freq_nb"])
    ]
    assert tuple(sent) == table.beacon_frequencies
    assert (conf["beacon_datarate"], conf["beacon_bw_hz"]) == (modulation.sf, modulation.bandwidth * 1000)
    assert (conf["beacon_period"], conf["beacon_power"]) == (128, 14)


@pytest.mark.parametrize("chip", CHIPS)
def test_station_gets_hardware_and_server_and_no_channels(chip: Chip) -> None:
    files = basics_station_files(wanted(chip=chip, trust="-----BEGIN CERTIFICATE-----\n", antenna_gain=3.5))
    assert [file.name for file in files] == ["tc.uri", "tc.trust", "station.conf"]
    assert files[0].content == "wss://lns.example.com:8887\n"
    conf = content(files, "station.conf")
    radios = conf[f"{chip}_conf"]
    assert radios["device"] == "/dev/spidev0.0" and radios["radio_0"]["antenna_gain"] == 3.5
    assert not any(name.startswith("chan_") for name in radios)
    # The server sends them; what is sent over and over here would be in its way.
    assert "freq" not in radios["radio_0"] and "enable" not in radios["radio_1"]
    assert conf["station_conf"]["routerid"] == "0059AC0000000001"


def test_station_without_tls_trusts_nobody() -> None:
    assert [file.name for file in basics_station_files(wanted())] == ["tc.uri", "station.conf"]


def test_gateway_bridge_stands_between_its_own_forwarder_and_the_broker() -> None:
    files = gateway_bridge_files(wanted(US915_2))
    bridge = content(files, "chirpstack-gateway-bridge.toml")
    mqtt = bridge["integration"]["mqtt"]
    assert mqtt["event_topic_template"] == "us915_1/gateway/{{ .GatewayID }}/event/{{ .EventType }}"
    assert mqtt["command_topic_template"] == "us915_1/gateway/{{ .GatewayID }}/command/#"
    assert mqtt["auth"]["generic"]["servers"] == ["ssl://b:8883"]
    local = content(files, "global_conf.json")["gateway_conf"]
    assert (
        f"{local['server_address']}:{local['serv_port_up']}" == bridge["backend"]["semtech_udp"]["udp_bind"]
    )


@pytest.mark.parametrize(("gain", "taken_off"), [(0.0, 0), (5.8, 6), (-1.5, -1)])
def test_forwarder_behind_a_bridge_takes_the_gain_off(gain: float, taken_off: int) -> None:
    # The bridge is told the EIRP; a forwarder that is asked directly is told the power at the connector.
    given = wanted(antenna_gain=gain)
    for files, expected in ((gateway_bridge_files(given), taken_off), (packet_forwarder_files(given), 0)):
        assert content(files, "global_conf.json")["SX130x_conf"]["antenna_gain"] == expected


def test_mqtt_forwarder_stands_beside_concentratord() -> None:
    files = mqtt_forwarder_files(wanted(trust="PEM\n"))
    forwarder = content(files, "chirpstack-mqtt-forwarder.toml")
    assert forwarder["backend"]["enabled"] == "concentratord"
    assert forwarder["mqtt"]["topic_prefix"] == "eu868" and forwarder["mqtt"]["server"] == "ssl://b:8883"
    assert forwarder["mqtt"]["ca_cert"].endswith("/ca.pem") and files[1] == ConfigurationFile(
        "ca.pem", "PEM\n"
    )
    concentrator = content(files, "channels.toml")["gateway"]["concentrator"]
    assert concentrator["multi_sf_channels"] == [channel.frequency for channel in EU868.channels]
    assert concentrator["lora_std"] == {"frequency": 868_300_000, "bandwidth": 250_000, "spreading_factor": 7}
    assert concentrator["fsk"] == {"frequency": 868_800_000, "bandwidth": 125_000, "datarate": 50_000}


def test_concentratord_always_gets_eight_channels() -> None:
    plan = ChannelPlan(REGIONS["KR920"])
    concentrator = content(mqtt_forwarder_files(wanted(plan)), "channels.toml")["gateway"]["concentrator"]
    channels = concentrator["multi_sf_channels"]
    assert channels == [*(channel.frequency for channel in plan.channels), *[0] * (8 - len(plan.channels))]
    assert "fsk" not in concentrator


@pytest.mark.parametrize(
    ("plan", "prefix"),
    [
        (EU868, "eu868"),
        (US915_2, "us915_1"),
        (ChannelPlan(REGIONS["AS923-1"]), "as923"),
        (ChannelPlan(REGIONS["AS923-3"]), "as923_3"),
    ],
)
def test_topics_begin_as_chirpstack_names_regions(plan: ChannelPlan, prefix: str) -> None:
    assert topic_prefix(plan) == prefix


def test_kerlink_has_a_forwarder_of_its_own() -> None:
    gwmp = content(kerlink_files(wanted()), "lorafwd.toml")["gwmp"]
    assert gwmp["node"] == "lns.example.com" and gwmp["service"] == {"uplink": 1700, "downlink": 1700}


EU868_16 = ChannelPlan(
    REGIONS["EU868"],
    tuple(
        Channel(f, 0, 5)
        for f in (*range(867_100_000, 868_000_000, 200_000), *range(863_100_000, 864_700_000, 200_000))
    ),
)
US915_16 = ChannelPlan(REGIONS["US915"], sub_bands=(1, 2))


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("plan", [EU868_16, US915_16], ids=["EU868", "US915"])
def test_two_forwarders_hear_sixteen_channels(plan: ChannelPlan, chip: Chip) -> None:
    member = "SX130x_conf" if chip == "SX1302" else "SX1301_conf"
    found = [
        content(
            packet_forwarder_files(wanted(plan, chip, concentrators=2, concentrator=n)), "global_conf.json"
        )
        for n in (1, 2)
    ]
    first, second = (conf[member] for conf in found)
    narrow = [c.frequency for c in plan.channels if plan.region.name == "EU868"] or [
        902_300_000 + 200_000 * number for number in range(16)
    ]
    assert heard(first) == set(narrow[:8]) and heard(second) == set(narrow[8:])
    for radios in (first, second):
        assert radios[f"radio_{radios['clksrc']}"]["enable"] and radios["radio_0"]["tx_enable"]
        assert all(abs(c["if"]) <= 400_000 for name, c in radios.items() if name.startswith("chan_multiSF"))
    if chip == "SX1302":
        assert (first["com_path"], second["com_path"]) == ("/dev/spidev0.0", "/dev/spidev0.1")
    # The two other demodulators of the second have nothing that the first has.
    assert not second["chan_FSK"]["enable"]
    assert second["chan_Lora_std"]["enable"] is (plan.region.name == "US915")


@pytest.mark.parametrize("chip", CHIPS)
def test_station_with_two_concentrators_has_a_file_for_each(chip: Chip) -> None:
    files = basics_station_files(wanted(EU868_16, chip, concentrators=2))
    assert [file.name for file in files] == ["tc.uri", "station.conf", "slave-0.conf", "slave-1.conf"]
    for number in range(2):
        own = content(files, f"slave-{number}.conf")
        assert own == {f"{chip}_conf": {"device": f"/dev/spidev0.{number}"}}
    # A board that would hear nothing is left out, as in what the server sends.
    assert len(basics_station_files(wanted(EU868, chip, concentrators=2))) == 2


def test_second_concentratord_gets_the_other_eight_channels() -> None:
    files = mqtt_forwarder_files(wanted(EU868_16, concentrators=2, concentrator=2))
    concentrator = content(files, "channels.toml")["gateway"]["concentrator"]
    assert concentrator["multi_sf_channels"] == [c.frequency for c in EU868_16.channels[8:]]
    assert "fsk" not in concentrator and "lora_std" not in concentrator


@pytest.mark.parametrize(
    ("region", "sub_bands", "concentrators", "frequencies"),
    [
        ("US915", (2,), 1, {904_600_000}),
        ("US915", (1, 2), 2, {903_000_000, 904_600_000}),
        ("US915", (2,), 4, {904_600_000}),
        ("EU868", (), 2, {868_300_000}),
    ],
)
def test_several_concentrators_share_the_channels(
    region: str, sub_bands: tuple[int, ...], concentrators: int, frequencies: set[int]
) -> None:
    plan = ChannelPlan(REGIONS[region], EU868.extra_channels if region == "EU868" else (), sub_bands)
    found = layouts(plan, concentrators)
    narrow = [channel for conf in found for channel in sorted(heard(conf))]
    assert len(narrow) == len(set(narrow)) == 8 * max(len(sub_bands), 1)
    standard = {
        conf[f"radio_{conf['chan_Lora_std']['radio']}"]["freq"] + conf["chan_Lora_std"]["if"]
        for conf in found
        if conf["chan_Lora_std"]["enable"]
    }
    assert standard == frequencies and len(found) == max(len(sub_bands), 1)
    # Station is told of as many boards as have something to hear.
    told = router_config(StationProfile(plan, 10.0, False, concentrators), "2.0.6")
    assert told["hwspec"] == f"sx1301/{len(found)}" and told["sx1301_conf"] == found
    assert told["max_eirp"] == 10 and told["bcning"] is None
