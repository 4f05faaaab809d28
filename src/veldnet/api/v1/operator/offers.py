"""Connectivity plans, device profiles and HSM groups, managed by the operator."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import InvalidField
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import accounts, offers
from veldnet.inventory.offers import Group, Plan, Profile, SettingField, read_document, setting_fields


class NewPlan(msgspec.Struct):
    """A plan; the id looks like supplier-cs/plan-key. Settings that are left out have ThingPark's
    defaults."""

    id: str
    name: str
    settings: dict[str, Any] = {}


class PlanChange(msgspec.Struct):
    """The plan's settings, all of them."""

    settings: dict[str, Any]


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
    """The profile's name and settings, all of them."""

    name: str
    settings: dict[str, Any]


class NewGroup(msgspec.Struct):
    """An HSM group; `vault` is a name of the settings, empty for the default one."""

    name: str
    vault: str = ""


class GroupMade(msgspec.Struct):
    id: str


class Defaults(msgspec.Struct):
    """What a new plan and profile begin with, and what each of their settings may be."""

    plan: dict[str, Any]
    profile: dict[str, Any]
    vaults: list[str]
    planFields: dict[str, SettingField]
    profileFields: dict[str, SettingField]


@OPERATOR.get("/defaults", "getDefaults", "Operator", "Default settings of new plans and profiles.")
async def get_defaults(services: Services) -> Defaults:
    """What a new plan and profile begin with, and the vaults there are."""
    return Defaults(
        offers.default_settings(PlanSettings),
        offers.default_settings(ProfileSettings),
        list(services.platform.vault.names),
        setting_fields(PlanSettings),
        setting_fields(ProfileSettings),
    )


@OPERATOR.get("/plans", "listPlans", "Operator", "Connectivity plans with rules and grants.")
async def list_plans(services: Services, operator: OperatorScope) -> list[Plan]:
    """The operator's connectivity plans with their rules and grants."""
    return await services.read(lambda c: offers.operator_plans(c, operator.operator_ref))


@OPERATOR.post("/plans", "createPlan", "Operator", "Create a connectivity plan.", status=201)
async def create_plan(services: Services, operator: OperatorScope, body: NewPlan) -> None:
    settings = read_document(PlanSettings, body.settings)
    await services.change(
        lambda c: offers.create_connectivity_plan(c, operator.operator_ref, body.id, body.name, settings),
        by=operator,
        action="connectivityPlan.created",
        what=f"connectivityPlan {body.id[:80]}",
        details=body,
    )


@OPERATOR.put("/plans/{planRef}", "changePlan", "Operator", "Give a plan other rules.", status=204)
async def change_plan(plan_ref: str, services: Services, operator: OperatorScope, body: PlanChange) -> None:
    """Give a plan other rules; they take effect at once."""
    settings = read_document(PlanSettings, body.settings)

    def write(connection: Connection) -> None:
        _ref, plan_id = offers.own_plan(connection, operator.operator_ref, plan_ref)
        offers.change_connectivity_plan(connection, operator.operator_ref, plan_id, settings)

    await services.change(
        write,
        by=operator,
        action="connectivityPlan.changed",
        what=f"connectivityPlan {plan_ref}",
        details=body,
    )


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
    settings = read_document(ProfileSettings, body.settings)
    await services.change(
        lambda c: offers.create_device_profile(c, operator.operator_ref, body.id, body.name, settings),
        by=operator,
        action="deviceProfile.created",
        what=f"deviceProfile {body.id[:100]}",
        details=body,
    )


@OPERATOR.put(
    "/deviceProfiles/{profileRef}", "changeProfile", "Operator", "Change a device profile.", status=204
)
async def change_profile(
    profile_ref: str, services: Services, operator: OperatorScope, body: ProfileChange
) -> None:
    """Give a device profile another name or other settings; they take effect at once."""
    settings = read_document(ProfileSettings, body.settings)
    await services.change(
        lambda c: offers.change_profile(c, operator.operator_ref, profile_ref, body.name, settings),
        by=operator,
        action="deviceProfile.changed",
        what=f"deviceProfile {profile_ref}",
        details=body,
    )


@OPERATOR.get("/hsmGroups", "listGroups", "Operator", "HSM groups and their vaults.")
async def list_groups(services: Services, operator: OperatorScope) -> list[Group]:
    """The operator's HSM groups, their vaults, and how those are."""
    groups = await services.read(lambda c: offers.operator_hsm_groups(c, operator.operator_ref))
    vaults = services.platform.vault
    for group in groups:
        known = not group.vault or group.vault in vaults.names
        group.problem = vaults.of(group.vault).problem if known else "the settings have no such vault"
    return groups


@OPERATOR.post("/hsmGroups", "createGroup", "Operator", "Create an HSM group.", status=201)
async def create_group(services: Services, operator: OperatorScope, body: NewGroup) -> GroupMade:
    """Create an HSM group; its id is given by the network."""
    if body.vault and body.vault not in services.platform.vault.names:
        known = ", ".join(name for name in services.platform.vault.names if name) or "none but the default"
        raise InvalidField(f"vault {body.vault[:40]!r} is unknown; there are: {known}")
    made = await services.change(
        lambda c: offers.create_hsm_group(c, operator.operator_ref, body.name, body.vault),
        by=operator,
        action="hsmGroup.created",
        what=f"hsmGroup {body.name[:100]}",
    )
    return GroupMade(made)
