"""Registered base stations in memory: ids, operators, locations, and by what they are set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from veldnet.domain.documents import StationProfileSettings
from veldnet.gateways import StationProfile
from veldnet.inventory import base_stations, certificates
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.regions import ChannelPlan
from veldnet.monitoring.locations import Placed
from veldnet.network.core import RadioSettings
from veldnet.routing import Position
from veldnet.store import Store

log = structlog.get_logger(__name__)

_UNKNOWN_RADIO = RadioSettings()
_DEFAULT = StationProfileSettings()


class BaseStations:
    """Loaded at the start and whenever one is registered, changed or removed. `plans` are the channels of the
    network by region."""

    def __init__(self, plans: Mapping[str, ChannelPlan]) -> None:
        self._plans = plans
        self._by_eui: dict[GatewayEui, BaseStationId] = {}
        self._positions: dict[BaseStationId, Position] = {}
        self._listed: dict[BaseStationId, base_stations.BaseStation] = {}
        self._radios: dict[BaseStationId, RadioSettings] = {}
        self._profiles: dict[BaseStationId, StationProfile] = {}
        self._by_digest: dict[bytes, BaseStationId] = {}
        # Updates that end once their token is used, and those whose token has been.
        self._awaited: dict[bytes, int] = {}
        self.used_updates: set[int] = set()
        self._certificates: dict[str, certificates.KnownCertificate] = {}
        # Numbers of other authorities' certificates that are not taken any more.
        self._revoked: set[str] = set()
        # Of the internal authorities, DER; the newest first.
        self.authorities: list[bytes] = []

    async def load(self, store: Store) -> None:
        listed = await store.read(base_stations.list_base_stations)
        settings = await store.read(base_stations.profile_settings)
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
        self._set_up(settings)

    def _set_up(self, settings: dict[int, StationProfileSettings]) -> None:
        plans = {ref: self._plan(ref, each) for ref, each in settings.items()}
        self._radios, self._profiles = {}, {}
        for identifier, station in self._listed.items():
            ref = station.profile_ref or 0
            profile = settings.get(ref, _DEFAULT)
            plan = plans.get(ref) or next(iter(self._plans.values()))
            gain = profile.antennaGain if station.antenna_gain is None else station.antenna_gain
            # A profile without a region says nothing of the radios: they may be built for any.
            region = None if profile.region is None else plan.region
            self._radios[identifier] = RadioSettings(
                station.max_tx_power, gain, profile.maxEirp, profile.classB, region
            )
            limits = [profile.maxEirp, None if station.max_tx_power is None else station.max_tx_power + gain]
            self._profiles[identifier] = StationProfile(
                plan,
                min((limit for limit in limits if limit is not None), default=None),
                profile.classB,
                profile.concentrators,
            )

    def _plan(self, ref: int, profile: StationProfileSettings) -> ChannelPlan | None:
        plan = base_stations.served_plan(profile, self._plans)
        if plan is None:
            log.warning("profile_region_not_served", base_station_profile=ref, region=profile.region)
        return plan

    def radio(self, base_station: BaseStationId) -> RadioSettings:
        """What the radio of a base station can do, by its profile and its own settings."""
        return self._radios.get(base_station, _UNKNOWN_RADIO)

    def profile(self, base_station: BaseStationId) -> StationProfile | None:
        return self._profiles.get(base_station)

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return self._by_eui.get(gateway)

    def station_of_token(self, token: str) -> BaseStationId | None:
        return self._by_digest.get(base_stations.digest_of(token))

    async def load_certificates(self, store: Store) -> None:
        """Take up what the internal authority has issued and taken back."""
        self._certificates = {each.serial: each for each in await store.read(certificates.known_certificates)}
        self._revoked = await store.read(certificates.revoked_foreign)
        self.authorities = [each.certificate for each in await store.read(certificates.list_authorities)]

    @property
    def authority(self) -> bytes | None:
        """The certificate of the internal authority that issues, DER."""
        return self.authorities[0] if self.authorities else None

    def is_revoked(self, serial: str) -> bool:
        known = self._certificates.get(serial)
        return serial in self._revoked or (known is not None and known.revoked)

    def has_issued(self, serial: str) -> bool:
        """Whether a certificate is of the internal authority."""
        return serial in self._certificates

    def expiring(self, before: float) -> int:
        """How many base stations have certificates of which none is good at a time in Unix seconds."""
        last: dict[int, int] = {}
        for known in self._certificates.values():
            if not known.revoked and known.base_station_ref is not None:
                last[known.base_station_ref] = max(known.expires_at, last.get(known.base_station_ref, 0))
        return sum(expires_at < before * 1000 for expires_at in last.values())

    def used(self, token: str | None, serial: str | None) -> None:
        known = None if serial is None else self._certificates.get(serial)
        awaited = None if known is None else known.awaited_by
        if token is not None and self._awaited:
            awaited = self._awaited.get(base_stations.digest_of(token))
        if awaited is not None:
            self.used_updates.add(awaited)

    def eui(self, base_station: BaseStationId) -> str:
        return self._listed[base_station].gateway_eui

    def ref(self, base_station: BaseStationId) -> int | None:
        """The number of a base station in the store."""
        station = self._listed.get(base_station)
        return None if station is None else station.ref

    def position(self, base_station: BaseStationId) -> Position | None:
        return self._positions.get(base_station)

    def placed(self, base_station: BaseStationId) -> Placed | None:
        """Where a base station stands, with its altitude where that is known."""
        position = self._positions.get(base_station)
        if position is None:
            return None
        return Placed(position.latitude, position.longitude, self._listed[base_station].altitude)

    def place_of(self, station: int) -> tuple[float, float] | None:
        """Where a base station stands, in degrees, by its identifier as the journal has it."""
        position = self._positions.get(BaseStationId(station))
        return None if position is None else (position.latitude, position.longitude)

    def all(self) -> Iterable[tuple[BaseStationId, base_stations.BaseStation]]:
        return self._listed.items()
