"""Base station profiles: what base stations of a kind hear and how they send."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from veldnet.api.query import Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.documents import StationProfileSettings
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import ProfileUses, StationProfile
from veldnet.inventory.offers import read_document


class NewStationProfile(msgspec.Struct):
    """A base station profile. Settings that are left out have their defaults: the region of the network, all
    that it allows, one SX1302."""

    id: str
    name: str
    settings: dict[str, Any] = {}


class StationProfileChange(msgspec.Struct):
    """The profile's name and settings, all of them."""

    name: str
    settings: dict[str, Any] = {}


class StationProfileMade(msgspec.Struct):
    ref: str


class ProfileRemoval(msgspec.Struct, frozen=True):
    """What becomes of base stations."""

    moveTo: Annotated[
        str | None,
        Parameter("Id of the profile that base stations get; without it there must be none."),
    ] = None


def _settings(services: Services, given: dict[str, Any]) -> StationProfileSettings:
    settings = read_document(StationProfileSettings, given)
    base_stations.check_settings(settings, services.platform.network.parameters.channel_plans)
    return settings


@OPERATOR.get(
    "/baseStationProfiles", "listStationProfiles", "Operator", "Base station profiles with their settings."
)
async def list_station_profiles(services: Services, operator: OperatorScope) -> list[StationProfile]:
    """The operator's base station profiles, and how many base stations have each."""
    return await services.read(lambda c: base_stations.operator_profiles(c, operator.operator_ref))


@OPERATOR.post(
    "/baseStationProfiles",
    "createStationProfile",
    "Operator",
    "Create a base station profile.",
    status=201,
)
async def create_station_profile(
    services: Services, operator: OperatorScope, body: NewStationProfile
) -> StationProfileMade:
    """Create a profile for a region that the network serves."""
    settings = _settings(services, body.settings)
    ref = await services.change(
        lambda c: base_stations.create_profile(c, operator.operator_ref, body.id, body.name, settings),
        by=operator,
        action="baseStationProfile.created",
        what=f"baseStationProfile {body.id[:100]}",
        details=body,
    )
    return StationProfileMade(ref)


@OPERATOR.get("/baseStationProfiles/{profileRef}", "getStationProfile", "Operator", "A base station profile.")
async def get_station_profile(
    profile_ref: str, services: Services, operator: OperatorScope
) -> StationProfile:
    """A base station profile with its settings."""
    return await services.read(lambda c: base_stations.read_profile(c, operator.operator_ref, profile_ref))


@OPERATOR.put(
    "/baseStationProfiles/{profileRef}",
    "changeStationProfile",
    "Operator",
    "Change a base station profile.",
    status=204,
)
async def change_station_profile(
    profile_ref: str, services: Services, operator: OperatorScope, body: StationProfileChange
) -> None:
    """Give a profile another name and settings. They take effect at once for downlinks; base stations with
    Basics Station are reconnected within half a minute and get their channels again, others need their new
    configuration file."""
    settings = _settings(services, body.settings)
    await services.change(
        lambda c: base_stations.change_profile(c, operator.operator_ref, profile_ref, body.name, settings),
        by=operator,
        action="baseStationProfile.changed",
        what=f"baseStationProfile {profile_ref}",
        details=body,
    )


@OPERATOR.get(
    "/baseStationProfiles/{profileRef}/uses",
    "getStationProfileUses",
    "Operator",
    "Which base stations have a profile.",
)
async def station_profile_uses(profile_ref: str, services: Services, operator: OperatorScope) -> ProfileUses:
    """How many base stations have a profile, and the first twenty of them."""
    return await services.read(lambda c: base_stations.profile_uses(c, operator.operator_ref, profile_ref))


@OPERATOR.delete(
    "/baseStationProfiles/{profileRef}",
    "removeStationProfile",
    "Operator",
    "Delete a base station profile, or move its base stations first.",
)
async def remove_station_profile(
    profile_ref: str, services: Services, operator: OperatorScope, query: ProfileRemoval
) -> None:
    """Delete a profile that no base station has; with `moveTo` they get that profile first. The default one
    stays."""
    await services.change(
        lambda c: base_stations.remove_profile(c, operator.operator_ref, profile_ref, query.moveTo),
        by=operator,
        action="baseStationProfile.removed",
        what=f"baseStationProfile {profile_ref}",
        details=query,
    )
