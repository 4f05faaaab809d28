"""What configuration files are made of."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from veldnet.lorawan import GatewayEui
from veldnet.lorawan.regions import ChannelPlan

Chip = Literal["SX1302", "SX1301"]
CHIPS: tuple[Chip, ...] = ("SX1302", "SX1301")


class ConfigurationFile(msgspec.Struct, frozen=True):
    """A file by the name that the program looks for."""

    name: str
    content: str


class Wanted(msgspec.Struct, frozen=True):
    """A base station and the way to its server. `server` is a host name or an address, `trust` the
    certificate (PEM) that proves the server, None where it is not reached by TLS. `antenna_gain` is for
    programs that are told the EIRP, and take it off themselves. `beacon_power` is
    the power in dBm at the connector that beacons of class B are sent with, None: none are sent. Of several
    `concentrators` a program that drives one alone is given the channels of `concentrator`, counted from
    1."""

    gateway_eui: GatewayEui
    plan: ChannelPlan
    chip: Chip
    server: str
    udp_port: int
    lns_uri: str
    broker_uri: str
    trust: str | None = None
    antenna_gain: float = 0
    beacon_power: int | None = None
    concentrators: int = 1
    concentrator: int = 1


def as_json(content: dict[str, Any]) -> str:
    """The text of a JSON file."""
    return msgspec.json.format(msgspec.json.encode(content), indent=4).decode() + "\n"
