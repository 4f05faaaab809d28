"""`global_conf.json` and `local_conf.json` of Semtech's packet forwarders."""

from __future__ import annotations

from typing import Any

from veldnet.gateways.radio_layout import layouts
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import Region

from .board import FORWARDER_MEMBER, clock_radio, concentrator, forwarder_bus, gain_list, gain_members, radio
from .wanted import ConfigurationFile, Wanted, as_json

# Seconds between keep-alives and between status reports: connections are judged by these.
_KEEP_ALIVE, _STATUS = 10, 30
_BEACON_PERIOD = 128


def packet_forwarder_files(
    wanted: Wanted, server: str | None = None, port: int | None = None, antenna_gain: int = 0
) -> list[ConfigurationFile]:
    """The files for the server of `wanted`, or for another program at `server` and `port`. The forwarder of
    SX1302 reads one file; that of SX1301 then `local_conf.json`, with what this base station alone has.
    `antenna_gain` is what the forwarder takes off the power that it is asked for: nothing where the server
    has done that."""
    gateway = _gateway(wanted, server or wanted.server, port or wanted.udp_port)
    conf = {FORWARDER_MEMBER[wanted.chip]: {"antenna_gain": antenna_gain} | _radios(wanted)}
    if wanted.chip == "SX1302":
        return [ConfigurationFile("global_conf.json", as_json(conf | {"gateway_conf": gateway}))]
    return [
        ConfigurationFile("global_conf.json", as_json(conf)),
        ConfigurationFile("local_conf.json", as_json({"gateway_conf": gateway})),
    ]


def _radios(wanted: Wanted) -> dict[str, Any]:
    chip, region = wanted.chip, wanted.plan.region
    layout = layouts(wanted.plan, wanted.concentrator)[-1]
    clock = f"radio_{clock_radio(chip)}"
    if not layout[clock]["enable"]:
        # Nothing is heard on it, but without it there is no clock.
        layout[clock] = layout["radio_0"]
    conf = concentrator(chip)
    for number in range(2):
        name = f"radio_{number}"
        conf[name] = layout.pop(name) | radio(chip, transmits=number == 0)
    low, high = transmit_range(region)
    conf["radio_0"] |= {"tx_freq_min": low, "tx_freq_max": high}
    if chip == "SX1302":
        conf["radio_0"]["tx_gain_lut"] = gain_list(low)
        return forwarder_bus(wanted.concentrator) | conf | layout
    return conf | layout | gain_members()


def transmit_range(region: Region) -> tuple[int, int]:
    """The lowest and highest frequency that is sent on in a region."""
    bands = region.sub_bands
    return min(band.low for band in bands), max(band.high for band in bands)


def _gateway(wanted: Wanted, server: str, port: int) -> dict[str, Any]:
    conf: dict[str, Any] = {
        "gateway_ID": str(wanted.gateway_eui),
        "server_address": server,
        "serv_port_up": port,
        "serv_port_down": port,
        "keepalive_interval": _KEEP_ALIVE,
        "stat_interval": _STATUS,
        "push_timeout_ms": 100,
        "forward_crc_valid": True,
        "forward_crc_error": False,
        "forward_crc_disabled": False,
    }
    if wanted.beacon_power is not None:
        conf |= {"gps_tty_path": "/dev/ttyS0", "fake_gps": False} | _beacon(wanted, wanted.beacon_power)
    return conf


def _beacon(wanted: Wanted, power: int) -> dict[str, Any]:
    region = wanted.plan.region
    frequencies = region.class_b.beacon_frequencies
    modulation = region.downlink[region.class_b.beacon_data_rate].modulation
    assert isinstance(modulation, Lora)
    return {
        "beacon_period": _BEACON_PERIOD,
        "beacon_freq_hz": frequencies[0],
        "beacon_freq_nb": len(frequencies),
        "beacon_freq_step": frequencies[1] - frequencies[0] if len(frequencies) > 1 else 0,
        "beacon_datarate": modulation.sf,
        "beacon_bw_hz": modulation.bandwidth * 1000,
        "beacon_power": power,
        "beacon_infodesc": 0,
    }
