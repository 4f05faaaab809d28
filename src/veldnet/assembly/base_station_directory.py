"""Registered base stations in memory: ids, operators, locations."""

from __future__ import annotations

from collections.abc import Iterable

from veldnet.inventory import base_stations
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.network.core import RadioSettings
from veldnet.routing import Position
from veldnet.store import Store

_UNKNOWN_RADIO = RadioSettings()


class BaseStations:
    """Loaded at the start and whenever one is registered or removed."""

    def __init__(self) -> None:
        self._by_eui: dict[GatewayEui, BaseStationId] = {}
        self._positions: dict[BaseStationId, Position] = {}
        self._listed: dict[BaseStationId, base_stations.BaseStation] = {}
        self._radios: dict[BaseStationId, RadioSettings] = {}
        self._by_digest: dict[bytes, BaseStationId] = {}
        # Updates that end once their token is used, and those whose token has been.
        self._awaited: dict[bytes, int] = {}
        self.used_updates: set[int] = set()

    async def load(self, store: Store) -> None:
        listed = await store.read(base_stations.list_base_stations)
        tokens = await store.read(base_stations.known_tokens)
        self._awaited = {
            digest: token.awaited_by for digest, token in tokens.items() if token.awaited_by is not None
        }
        self._by_digest = {
            digest: BaseStationId.parse(token.base_station) for digest, token in tokens.items()
        }
        self._listed = {BaseStationId.parse(station.id): station for station in listed}
        self._by_eui = {
            GatewayEui.parse(station.gateway_eui): BaseStationId.parse(station.id) for station in listed
        }
        self._positions = {
            BaseStationId.parse(station.id): Position(station.latitude, station.longitude)
            for station in listed
            if station.latitude is not None and station.longitude is not None
        }

        self._radios = {
            identifier: RadioSettings(
                station.max_tx_power,
                RadioSettings().antenna_gain if station.antenna_gain is None else station.antenna_gain,
            )
            for identifier, station in self._listed.items()
            if station.max_tx_power is not None or station.antenna_gain is not None
        }

    def radio(self, base_station: BaseStationId) -> RadioSettings:
        """What the radio of a base station can do, by its settings."""
        return self._radios.get(base_station, _UNKNOWN_RADIO)

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return self._by_eui.get(gateway)

    def station_of_token(self, token: str) -> BaseStationId | None:
        return self._by_digest.get(base_stations.digest_of(token))

    def used_token(self, token: str) -> None:
        awaited = self._awaited.get(base_stations.digest_of(token)) if self._awaited else None
        if awaited is not None:
            self.used_updates.add(awaited)

    def ref(self, base_station: BaseStationId) -> int | None:
        """The number of a base station in the store."""
        station = self._listed.get(base_station)
        return None if station is None else station.ref

    def position(self, base_station: BaseStationId) -> Position | None:
        return self._positions.get(base_station)

    def all(self) -> Iterable[tuple[BaseStationId, base_stations.BaseStation]]:
        return self._listed.items()
