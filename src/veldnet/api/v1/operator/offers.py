"""Connectivity plans, device profiles and HSM groups, managed by the operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.query import Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.documents import PlanSettings, ProfileSettings, StationProfileSettings
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import CommunicationType
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import accounts, devices, offers
from veldnet.inventory.offers import (
    Group,
    MoveTarget,
    Plan,
    Profile,
    SettingField,
    Uses,
    read_document,
    setting_fields,
)
from veldnet.texts import Text, in_language

S = TypeVar("S", PlanSettings, ProfileSettings)


class NewPlan(msgspec.Struct):
    """A plan; the id looks like supplier-cs/plan-key. Settings that are left out have ThingPark's
    defaults. Devices have plans of communicationType UNICAST, multicast groups MULTICAST ones."""

    id: str
    name: str
    settings: dict[str, Any] = {}
    communicationType: CommunicationType = "UNICAST"


class PlanChange(msgspec.Struct):
    """What changes: the settings, all of them; the name; whether the plan is suspended, so that its devices
    get no service."""

    settings: dict[str, Any] | None = None
    name: str | None = None
    suspended: bool | None = None


class Removal(msgspec.Struct, frozen=True):
    """What becomes of devices."""

    moveTo: Annotated[
        str | None,
        Parameter("Id of the plan or profile that devices move to; without it there must be none."),
    ] = None


class NewGrant(msgspec.Struct):
    """How many devices of a customer may use the plan."""

    customerId: str
    granted: int


class NewProfile(msgspec.Struct):
    """A device profile."""

    id: str
    name: str
    settings: dict[str, Any] = {}


class ProfileChange(msgspec.Struct):
    """The profile's name and settings, all of them, or whether it is suspended, so that no other device
    can be given it."""

    name: str | None = None
    settings: dict[str, Any] | None = None
    suspended: bool | None = None


class NewGroup(msgspec.Struct):
    """An HSM group; `vault` is a name of the settings, empty for the default one."""

    name: str
    vault: str = ""


class GroupChange(msgspec.Struct):
    """Another name; whether the group is suspended, so that nothing new can be put into it."""

    name: str | None = None
    suspended: bool | None = None


class GroupMade(msgspec.Struct):
    id: str


class Defaults(msgspec.Struct):
    """What a new plan, device profile and base station profile begin with, and what each of their settings
    may be."""

    plan: dict[str, Any]
    profile: dict[str, Any]
    stationProfile: dict[str, Any]
    vaults: list[str]
    planFields: dict[str, SettingField]
    profileFields: dict[str, SettingField]
    stationProfileFields: dict[str, SettingField]


@OPERATOR.get("/defaults", "getDefaults", "Operator", "Default settings of new plans and profiles.")
async def get_defaults(services: Services) -> Defaults:
    """What a new plan and profile begin with, and the vaults there are."""
    return Defaults(
        offers.default_settings(PlanSettings),
        offers.default_settings(ProfileSettings),
        offers.default_settings(StationProfileSettings),
        list(services.platform.vault.names),
        setting_fields(PlanSettings),
        setting_fields(ProfileSettings),
        _station_fields(services),
    )


@dataclass(frozen=True)
class _Kind(Generic[S]):
    """What an operator offers and devices are on: plans, or device profiles."""

    name: str
    settings: type[S]
    create: Callable[[Connection, int, str, str, S], object]
    own: Callable[[Connection, int, str], tuple[int, str]]
    uses: Callable[[Connection, int], Uses]
    targets: Callable[[Connection, int, int], list[tuple[str, str]]]
    move: Callable[[Connection, int, int, str], object]
    remove: Callable[[Connection, int, str], object]

    async def created(self, services: Services, operator: OperatorScope, body: NewPlan | NewProfile) -> None:
        settings = read_document(self.settings, body.settings)
        await services.change(
            lambda c: self.create(c, operator.operator_ref, body.id, body.name, settings),
            by=operator,
            action=f"{self.name}.created",
            what=f"{self.name} {body.id[:100]}",
            details=body,
        )

    async def uses_of(self, services: Services, operator: OperatorScope, ref: str) -> Uses:
        def read(connection: Connection) -> Uses:
            own, _id = self.own(connection, operator.operator_ref, ref)
            uses = self.uses(connection, own)
            found = self.targets(connection, operator.operator_ref, own)
            uses.targets = [MoveTarget(target, name) for target, name in found]
            return uses

        return await services.read(read)

    async def removed(self, services: Services, operator: OperatorScope, ref: str, query: Removal) -> None:
        def write(connection: Connection) -> None:
            own, _id = self.own(connection, operator.operator_ref, ref)
            if query.moveTo is not None:
                self.move(connection, operator.operator_ref, own, query.moveTo)
            self.remove(connection, operator.operator_ref, ref)

        await services.change(
            write, by=operator, action=f"{self.name}.removed", what=f"{self.name} {ref}", details=query
        )


_PLANS = _Kind(
    "connectivityPlan",
    PlanSettings,
    offers.create_connectivity_plan,
    offers.own_plan,
    offers.plan_uses,
    devices.plans_to_move_to,
    devices.move_to_plan,
    offers.remove_plan,
)
_PROFILES = _Kind(
    "deviceProfile",
    ProfileSettings,
    offers.create_device_profile,
    offers.own_profile,
    offers.profile_uses,
    devices.profiles_to_move_to,
    devices.move_to_profile,
    offers.remove_profile,
)


def _station_fields(services: Services) -> dict[str, SettingField]:
    """Base stations serve the regions of the network only."""
    fields = setting_fields(StationProfileSettings)
    fields["region"].choices = list(services.platform.network.parameters.channel_plans)
    return fields


@OPERATOR.get("/plans", "listPlans", "Operator", "Connectivity plans with rules and grants.")
async def list_plans(services: Services, operator: OperatorScope) -> list[Plan]:
    """The operator's connectivity plans with their rules and grants."""
    return await services.read(lambda c: offers.operator_plans(c, operator.operator_ref))


@OPERATOR.post("/plans", "createPlan", "Operator", "Create a connectivity plan.", status=201)
async def create_plan(services: Services, operator: OperatorScope, body: NewPlan) -> None:
    create = partial(offers.create_connectivity_plan, communication=body.communicationType)
    await replace(_PLANS, create=create).created(services, operator, body)


@OPERATOR.put("/plans/{planRef}", "changePlan", "Operator", "Give a plan other rules.", status=204)
async def change_plan(plan_ref: str, services: Services, operator: OperatorScope, body: PlanChange) -> None:
    """Give a plan other rules or another name, suspend or resume it; it takes effect at once."""
    settings = None if body.settings is None else read_document(PlanSettings, body.settings)

    def write(connection: Connection) -> None:
        _ref, plan_id = offers.own_plan(connection, operator.operator_ref, plan_ref)
        offers.change_connectivity_plan(
            connection, operator.operator_ref, plan_id, settings, name=body.name, suspended=body.suspended
        )

    await services.change(
        write,
        by=operator,
        action="connectivityPlan.changed",
        what=f"connectivityPlan {plan_ref}",
        details=body,
    )


@OPERATOR.get("/plans/{planRef}/uses", "getPlanUses", "Operator", "Which devices are on a plan.")
async def plan_uses(plan_ref: str, services: Services, operator: OperatorScope) -> Uses:
    """Devices on a plan by subscriber, and its grants."""
    return await _PLANS.uses_of(services, operator, plan_ref)


@OPERATOR.delete("/plans/{planRef}", "removePlan", "Operator", "Delete a plan, or move its devices first.")
async def remove_plan(plan_ref: str, services: Services, operator: OperatorScope, query: Removal) -> None:
    """Delete a plan with its grants. With `moveTo` its devices move to that plan, up to 10,000."""
    await _PLANS.removed(services, operator, plan_ref, query)


@OPERATOR.put("/plans/{planRef}/grants", "grantPlan", "Operator", "Grant a plan to a customer.", status=204)
async def grant_plan(plan_ref: str, services: Services, operator: OperatorScope, body: NewGrant) -> None:
    """Let a customer use a plan for so many devices."""

    def write(connection: Connection) -> None:
        ref, _plan_id = offers.own_plan(connection, operator.operator_ref, plan_ref)
        subscriber = accounts.own_subscriber(connection, operator.operator_ref, body.customerId)
        offers.grant_connectivity_plan(connection, subscriber, ref, body.granted)

    await services.change(
        write,
        by=operator,
        action="connectivityPlan.granted",
        what=f"connectivityPlan {plan_ref}",
        details=body,
    )


@OPERATOR.get("/deviceProfiles", "listProfiles", "Operator", "Device profiles with their settings.")
async def list_profiles(services: Services, operator: OperatorScope) -> list[Profile]:
    """The operator's device profiles with their settings."""
    return await services.read(lambda c: offers.operator_profiles(c, operator.operator_ref))


@OPERATOR.post("/deviceProfiles", "createProfile", "Operator", "Create a device profile.", status=201)
async def create_profile(services: Services, operator: OperatorScope, body: NewProfile) -> None:
    await _PROFILES.created(services, operator, body)


@OPERATOR.put(
    "/deviceProfiles/{profileRef}", "changeProfile", "Operator", "Change a device profile.", status=204
)
async def change_profile(
    profile_ref: str, services: Services, operator: OperatorScope, body: ProfileChange
) -> None:
    """Give a device profile another name and settings, which take effect at once; suspend or resume it."""
    settings = None if body.settings is None else read_document(ProfileSettings, body.settings)
    if settings is None and body.suspended is None:
        raise MissingField("settings with a name, or suspended, is mandatory")

    def write(connection: Connection) -> None:
        if settings is not None:
            offers.change_profile(connection, operator.operator_ref, profile_ref, body.name or "", settings)
        if body.suspended is not None:
            offers.suspend_profile(connection, operator.operator_ref, profile_ref, body.suspended)

    await services.change(
        write,
        by=operator,
        action="deviceProfile.changed",
        what=f"deviceProfile {profile_ref}",
        details=body,
    )


@OPERATOR.get(
    "/deviceProfiles/{profileRef}/uses", "getProfileUses", "Operator", "Which devices have a device profile."
)
async def profile_uses(profile_ref: str, services: Services, operator: OperatorScope) -> Uses:
    """Devices with a profile by subscriber, and decoders for it."""
    return await _PROFILES.uses_of(services, operator, profile_ref)


@OPERATOR.delete(
    "/deviceProfiles/{profileRef}",
    "removeProfile",
    "Operator",
    "Delete a device profile, or move its devices first.",
)
async def remove_profile(
    profile_ref: str, services: Services, operator: OperatorScope, query: Removal
) -> None:
    """Delete a device profile. With `moveTo` its devices, up to 10,000, move to that profile, which must be
    for the same LoRaWAN version and region."""
    await _PROFILES.removed(services, operator, profile_ref, query)


@OPERATOR.get("/hsmGroups", "listGroups", "Operator", "HSM groups and their vaults.")
async def list_groups(request: Request, services: Services, operator: OperatorScope) -> list[Group]:
    """The operator's HSM groups, their vaults, and how those are."""
    groups = await services.read(lambda c: offers.operator_hsm_groups(c, operator.operator_ref))
    vaults = services.platform.vault
    for group in groups:
        known = not group.vault or group.vault in vaults.names
        problem = vaults.of(group.vault).problem if known else Text("the settings have no such vault")
        group.problem = None if problem is None else in_language(problem, language_of(request))
    return groups


@OPERATOR.post("/hsmGroups", "createGroup", "Operator", "Create an HSM group.", status=201)
async def create_group(services: Services, operator: OperatorScope, body: NewGroup) -> GroupMade:
    """Create an HSM group; its id is given by the network."""
    if body.vault and body.vault not in services.platform.vault.names:
        known = ", ".join(name for name in services.platform.vault.names if name) or "none but the default"
        raise InvalidField(
            "vault {vault!r} is unknown; there are: {known}", vault=body.vault[:40], known=known
        )
    made = await services.change(
        lambda c: offers.create_hsm_group(c, operator.operator_ref, body.name, body.vault),
        by=operator,
        action="hsmGroup.created",
        what=f"hsmGroup {body.name[:100]}",
    )
    return GroupMade(made)


@OPERATOR.put(
    "/hsmGroups/{hsmGroupId}",
    "changeGroup",
    "Operator",
    "Rename, suspend or resume an HSM group.",
    status=204,
)
async def change_group(
    hsm_group_id: str, services: Services, operator: OperatorScope, body: GroupChange
) -> None:
    await services.change(
        lambda c: offers.change_group(c, operator.operator_ref, hsm_group_id, body.name, body.suspended),
        by=operator,
        action="hsmGroup.changed",
        what=f"hsmGroup {hsm_group_id[:80]}",
        details=body,
    )


@OPERATOR.get(
    "/hsmGroups/{hsmGroupId}/uses", "getGroupUses", "Operator", "What an HSM group holds the keys of."
)
async def group_uses(hsm_group_id: str, services: Services, operator: OperatorScope) -> Uses:
    """Devices of a group by subscriber, and routing profiles with a key in it."""
    return await services.read(
        lambda c: offers.group_uses(c, offers.own_group(c, operator.operator_ref, hsm_group_id))
    )


@OPERATOR.delete(
    "/hsmGroups/{hsmGroupId}", "removeGroup", "Operator", "Delete an HSM group that holds no keys."
)
async def remove_group(hsm_group_id: str, services: Services, operator: OperatorScope) -> None:
    """Delete an HSM group. Devices are moved to another group by `veldnet admin hsm-group move`."""
    await services.change(
        lambda c: offers.remove_group(c, operator.operator_ref, hsm_group_id),
        by=operator,
        action="hsmGroup.removed",
        what=f"hsmGroup {hsm_group_id[:80]}",
    )
