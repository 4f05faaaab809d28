"""Base stations with their state, and unregistered ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.assembly.sights import Sight
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import BaseStation, Named, StationFacts
from veldnet.lorawan import BaseStationId, GatewayEui, InvalidIdentifier
from veldnet.monitoring.alarms import listing
from veldnet.texts import Language, in_language, unpack

# A base station heard within so many seconds is connected: it sends keep-alives every ten or so.
CONNECTED = 60.0


class StationView(msgspec.Struct):
    """A base station. `refusedFrames` could not be read, the last for the reason of `lastRefusal`;
    `irregularFrames` were taken although something was wrong with them. `duplicateEui` holds the addresses
    that its EUI is used from at once, where there are several; `clockError` is how many seconds its clock is
    ahead of ours where it is wrong. `dutyCycle` is the share of the last hour on air by sub-band, `load` the
    share of what is allowed in the fullest one; `packets` and `badPackets` are of its status reports of late.
    `maxTxPower` in dBm is a setting, `learntMaxTxPower` what is left of it after the powers that the base
    station refused within the last hour. `protocol` is the one by which it is connected, `region` that of its
    profile, as far as the network serves it. Its session is the one since `sessionSince` from `address`, for
    MQTT a topic; `sessions` is how many there have been since the server started."""

    id: str
    gatewayEUI: str
    name: str
    latitude: float | None
    longitude: float | None
    altitude: float | None
    maxTxPower: int | None
    antennaGain: float | None
    profileId: str | None
    profileName: str | None
    region: str | None
    protocol: str | None
    address: str | None
    sessionSince: str | None
    sessions: int
    learntMaxTxPower: int | None
    connected: bool
    lastSeen: str | None
    lastFrame: str | None
    upSince: str | None
    packets: int
    badPackets: int
    acknowledged: float | None
    load: float
    dutyCycle: dict[str, float]
    alarms: list[listing.BaseStationAlarm]
    refusedFrames: int
    lastRefusal: str | None
    lastRefusalAt: str | None
    irregularFrames: int
    lastIrregularity: str | None
    lastIrregularityAt: str | None
    duplicateEui: list[str]
    clockError: float | None


class UnknownStation(msgspec.Struct):
    """An unregistered base station that contacted the server."""

    gatewayEUI: str
    address: str
    datagrams: int
    lastSeen: str


class NewStation(msgspec.Struct):
    """A base station; position in degrees and metres. `maxTxPower` is the highest power in dBm that its radio
    takes, without the antenna; `antennaGain` in dBi with cable losses taken off, that of the profile where
    absent. `profileId` is the operator's default profile where absent."""

    gatewayEUI: str
    name: str
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    maxTxPower: int | None = None
    antennaGain: float | None = None
    profileId: str | None = None


class StationChange(msgspec.Struct):
    """What may change of a base station. The profile stays where `profileId` is absent."""

    name: str
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    maxTxPower: int | None = None
    antennaGain: float | None = None
    profileId: str | None = None


def _facts(body: NewStation | StationChange) -> StationFacts:
    return StationFacts(
        name=body.name,
        latitude=body.latitude,
        longitude=body.longitude,
        altitude=body.altitude,
        max_tx_power=body.maxTxPower,
        antenna_gain=body.antennaGain,
        profile_id=body.profileId,
    )


def at_seconds(seconds: float | None) -> str | None:
    return None if seconds is None else timestamp(round(seconds * 1000))


class Listed(NamedTuple):
    """What lists of base stations are made of."""

    stations: list[BaseStation]
    alarms: list[listing.BaseStationAlarm]
    profiles: dict[int, Named]


def read_listed(connection: Connection, operator_ref: int) -> Listed:
    """The operator's base stations with their alarms and profiles."""
    return Listed(
        [
            station
            for station in base_stations.list_base_stations(connection)
            if station.operator_ref == operator_ref
        ],
        listing.list_base_station_alarms(connection, cleared=False),
        base_stations.profile_names(connection, operator_ref),
    )


def sights_of(services: Services, stations: Iterable[BaseStation]) -> dict[str, Sight]:
    """What base stations were seen to do since the server started, by their ids."""
    identifiers = [BaseStationId.parse(station.id) for station in stations]
    return {str(identifier): sight for identifier, sight in services.platform.sights.several(identifiers)}


def last_heard(seen: Sight | None, station: BaseStation) -> float | None:
    """When a base station was heard last: since the server started, or as written down."""
    written = None if station.last_seen_at is None else station.last_seen_at / 1000
    return written if seen is None else seen.seen_at


def _views(services: Services, listed: Listed, language: Language) -> list[StationView]:
    sights = sights_of(services, listed.stations)
    views = [_view(services, each, listed, sights.get(each.id)) for each in listed.stations]
    for view in views:
        view.lastRefusal, view.lastIrregularity = (
            None if words is None else in_language(words, language)
            for words in (view.lastRefusal, view.lastIrregularity)
        )
    return views


def _view(services: Services, station: BaseStation, listed: Listed, seen: Sight | None) -> StationView:
    platform, alarms = services.platform, listed.alarms
    profile = listed.profiles.get(station.profile_ref or 0)
    identifier = BaseStationId.parse(station.id)
    last = last_heard(seen, station)
    setup, now = platform.base_stations.profile(identifier), platform.clock()
    return StationView(
        id=station.id,
        gatewayEUI=station.gateway_eui,
        name=station.name,
        latitude=station.latitude,
        longitude=station.longitude,
        altitude=station.altitude,
        maxTxPower=station.max_tx_power,
        antennaGain=station.antenna_gain,
        profileId=None if profile is None else profile.id,
        profileName=None if profile is None else profile.name,
        region=None if setup is None else setup.plan.region.name,
        protocol=None if seen is None else seen.protocol,
        address=None if seen is None else seen.address,
        sessionSince=None if seen is None else at_seconds(seen.session_at),
        sessions=0 if seen is None else seen.sessions,
        learntMaxTxPower=None if seen is None else seen.highest_power,
        connected=last is not None and now - last < CONNECTED,
        lastSeen=at_seconds(last),
        lastFrame=None if seen is None else at_seconds(seen.frame_at),
        upSince=None if seen is None else at_seconds(seen.up_since),
        packets=0 if seen is None else seen.packets,
        badPackets=0 if seen is None else seen.bad_packets,
        acknowledged=None if seen is None else seen.acknowledged,
        load=0.0 if seen is None else round(seen.load, 4),
        dutyCycle={} if seen is None else {name: round(share, 5) for name, share in seen.duty_cycle.items()},
        alarms=[alarm for alarm in alarms if alarm.baseStationId == station.id],
        **_conduct(station, seen),
    )


def _conduct(station: BaseStation, seen: Sight | None) -> dict[str, Any]:
    """What is wrong with what it sends: as written down, and since then."""
    stored = {
        "refused": (station.refused_frames, station.last_refusal, station.last_refusal_at),
        "irregular": (station.irregular_frames, station.last_irregularity, station.last_irregularity_at),
    }
    if seen is not None:
        for name, tally in (("refused", seen.refused), ("irregular", seen.irregular)):
            count, last, at = stored[name]
            stored[name] = (
                (count + tally.count, last, at)
                if tally.at is None
                else (count + tally.count, unpack(tally.last or ""), round(tally.at * 1000))
            )
    (refused, refusal, refusal_at), (irregular, irregularity, irregularity_at) = stored.values()
    return {
        "refusedFrames": refused,
        "lastRefusal": refusal,
        "lastRefusalAt": None if refusal_at is None else timestamp(refusal_at),
        "irregularFrames": irregular,
        "lastIrregularity": irregularity,
        "lastIrregularityAt": None if irregularity_at is None else timestamp(irregularity_at),
        "duplicateEui": [] if seen is None else list(seen.duplicates),
        "clockError": None if seen is None or seen.clock_error is None else round(seen.clock_error, 3),
    }


@OPERATOR.get("/baseStations", "listStations", "Operator", "List base stations with their state.")
async def list_stations(request: Request, services: Services, operator: OperatorScope) -> list[StationView]:
    """The operator's base stations, and how they are just now."""
    listed = await services.read(lambda c: read_listed(c, operator.operator_ref))
    return _views(services, listed, language_of(request))


@OPERATOR.get(
    "/baseStations/unknown",
    "listUnknownStations",
    "Operator",
    "Unregistered base stations that contacted the server.",
)
async def list_unknown(services: Services, operator: OperatorScope) -> list[UnknownStation]:
    """Unregistered base stations that contacted the server, most recent first. They belong to no operator
    yet, so every operator of the installation sees them."""
    unknown = await services.read(base_stations.list_unknown)
    return [UnknownStation(k.gateway_eui, k.address, k.datagrams, timestamp(k.last_seen_at)) for k in unknown]


@OPERATOR.post("/baseStations", "createStation", "Operator", "Register a base station.", status=201)
async def create_station(
    request: Request, services: Services, operator: OperatorScope, body: NewStation
) -> StationView:
    """Register a base station by the EUI it presents."""
    try:
        eui = GatewayEui.parse(body.gatewayEUI)
    except InvalidIdentifier as error:
        raise InvalidField(
            "gatewayEUI {gateway_eui!r}: {error}", gateway_eui=body.gatewayEUI[:40], error=error
        ) from None
    station = await services.change(
        lambda c: base_stations.create_base_station(c, operator.operator_ref, eui, _facts(body)),
        by=operator,
        action="baseStation.created",
        what=f"baseStation {eui}",
        details=body,
    )
    services.platform.presence.unknown.pop(eui, None)
    profiles = await services.read(lambda c: base_stations.profile_names(c, operator.operator_ref))
    return _views(services, Listed([station], [], profiles), language_of(request))[0]


@OPERATOR.put("/baseStations/{stationId}", "changeStation", "Operator", "Change a base station.", status=204)
async def change_station(
    station_id: str, services: Services, operator: OperatorScope, body: StationChange
) -> None:
    """Give a base station another name, location or radio."""
    await services.change(
        lambda c: base_stations.change_base_station(c, operator.operator_ref, station_id, _facts(body)),
        by=operator,
        action="baseStation.changed",
        what=f"baseStation {station_id}",
        details=body,
    )


@OPERATOR.delete("/baseStations/{stationId}", "removeStation", "Operator", "Remove a base station.")
async def remove_station(station_id: str, services: Services, operator: OperatorScope) -> None:
    """Remove a base station; its frames are refused from now on."""

    def write(connection: Connection) -> None:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        base_stations.remove_base_station(connection, station_id)

    await services.change(write, by=operator, action="baseStation.removed", what=f"baseStation {station_id}")
