"""The registered base stations in memory: who they are, whose, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable

from veldnet.inventory import base_stations
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.routing import Position
from veldnet.store import Store


class BaseStations:
    """Loaded at the start and whenever one is registered or removed."""

    def __init__(self) -> None:
        self._by_eui: dict[GatewayEui, BaseStationId] = {}
        self._positions: dict[BaseStationId, Position] = {}
        self._listed: dict[BaseStationId, base_stations.BaseStation] = {}

    async def load(self, store: Store) -> None:
        listed = await store.read(base_stations.list_base_stations)
        self._listed = {BaseStationId.parse(station.id): station for station in listed}
        self._by_eui = {
            GatewayEui.parse(station.gateway_eui): BaseStationId.parse(station.id) for station in listed
        }
        self._positions = {
            BaseStationId.parse(station.id): Position(station.latitude, station.longitude)
            for station in listed
            if station.latitude is not None and station.longitude is not None
        }

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return self._by_eui.get(gateway)

    def position(self, base_station: BaseStationId) -> Position | None:
        return self._positions.get(base_station)

    def all(self) -> Iterable[tuple[BaseStationId, base_stations.BaseStation]]:
        return self._listed.items()
