"""What is moved beside devices: base stations, each by itself."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.domain.errors import Refusal
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import StationFacts
from veldnet.inventory.names import printable
from veldnet.lorawan import GatewayEui

from .model import BaseStation
from .report import Entry
from .target import Target

_MOST_NAME = 100


def known_base_stations(connection: Connection) -> frozenset[GatewayEui]:
    return frozenset(
        GatewayEui.parse(each.gateway_eui) for each in base_stations.list_base_stations(connection)
    )


def move_base_station(connection: Connection, target: Target, station: BaseStation) -> Entry:
    facts = StationFacts(
        name=printable(station.name).strip()[:_MOST_NAME] or str(station.eui),
        latitude=station.latitude,
        longitude=station.longitude,
        altitude=station.altitude,
    )
    try:
        base_stations.create_base_station(connection, target.scope.operator_ref, station.eui, facts)
    except Refusal as error:
        return Entry("baseStation", str(station.eui), station.name, "refused", (str(error.text),))
    target.made(connection, "baseStation", str(station.eui))
    return Entry("baseStation", str(station.eui), station.name, "moved")
