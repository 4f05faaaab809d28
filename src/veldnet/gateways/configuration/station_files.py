"""Files of LoRa Basics Station: where its server is, what proves it, and the hardware. The server sends the
channels."""

from __future__ import annotations

from veldnet.gateways.radio_layout import layouts

from .board import STATION_MEMBER, concentrator, gain_list, gain_members, radio, station_bus
from .packet_forwarder import transmit_range
from .wanted import ConfigurationFile, Wanted, as_json


def basics_station_files(wanted: Wanted) -> list[ConfigurationFile]:
    """`tc.key` is not among them: it holds a token, which is shown once when it is issued."""
    files = [ConfigurationFile("tc.uri", wanted.lns_uri + "\n")]
    if wanted.trust is not None:
        files.append(ConfigurationFile("tc.trust", wanted.trust))
    return [*files, ConfigurationFile("station.conf", _station_conf(wanted)), *_slaves(wanted)]


def _slaves(wanted: Wanted) -> list[ConfigurationFile]:
    """A Station that is built for several concentrators runs a program for each, which reads `station.conf`
    and then a file of its own."""
    boards = len(layouts(wanted.plan, wanted.concentrators))
    member = STATION_MEMBER[wanted.chip]
    return [
        ConfigurationFile(f"slave-{number}.conf", as_json({member: station_bus(number + 1)}))
        for number in range(boards if boards > 1 else 0)
    ]


def _station_conf(wanted: Wanted) -> str:
    chip = wanted.chip
    # Station has the gain with the radio, and takes it off: the server says nothing of power to it.
    gain = {"antenna_gain": wanted.antenna_gain}
    radios = {
        f"radio_{number}": radio(chip, transmits=number == 0) | (gain if number == 0 else {})
        for number in range(2)
    }
    gains = gain_members() if chip == "SX1301" else {}
    if chip == "SX1302":
        radios["radio_0"]["tx_gain_lut"] = gain_list(transmit_range(wanted.plan.region)[0])
    return as_json(
        {
            STATION_MEMBER[chip]: station_bus(1) | concentrator(chip) | radios | gains,
            "station_conf": {
                "routerid": str(wanted.gateway_eui),
                "log_file": "stderr",
                "log_level": "INFO",
                "log_size": 10_000_000,
                "log_rotate": 3,
            },
        }
    )
