"""Connectivity plans, device profiles and HSM groups, as the operator keeps them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, post, put
from sqlalchemy import Connection

from veldnet.api.auth.bearer import require_operator
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import InvalidField
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


@get("/defaults")
async def get_defaults(request: Request[Any, Any, Any], services: Services) -> Defaults:
    """What a new plan and profile begin with, and the vaults there are."""
    await require_operator(request, services)
    return Defaults(
        offers.default_settings(PlanSettings),
        offers.default_settings(ProfileSettings),
        list(services.platform.vault.names),
        setting_fields(PlanSettings),
        setting_fields(ProfileSettings),
    )


@get("/plans")
async def list_plans(request: Request[Any, Any, Any], services: Services) -> list[Plan]:
    """The operator's connectivity plans with their rules and grants."""
    operator = await require_operator(request, services)
    return await services.read(lambda c: offers.operator_plans(c, operator.operator_ref))


@post("/plans", status_code=201)
async def create_plan(request: Request[Any, Any, Any], services: Services) -> None:
    """Create a connectivity plan."""
    operator = await require_operator(request, services)
    body = await read_resource(request, NewPlan, services.settings.max_body)
    settings = read_document(PlanSettings, body.settings)
    await services.change(
        lambda c: offers.create_connectivity_plan(c, operator.operator_ref, body.id, body.name, settings),
        by=operator,
        action="connectivityPlan.created",
        what=f"connectivityPlan {body.id[:80]}",
        details=body,
    )


@put("/plans/{plan_ref:str}", status_code=204)
async def change_plan(plan_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Give a plan other rules; they take effect at once."""
    operator = await require_operator(request, services)
    body = await read_resource(request, PlanChange, services.settings.max_body)
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


@put("/plans/{plan_ref:str}/grants", status_code=204)
async def grant_plan(plan_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Let a customer use a plan for so many devices."""
    operator = await require_operator(request, services)
    body = await read_resource(request, NewGrant, services.settings.max_body)

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


@get("/deviceProfiles")
async def list_profiles(request: Request[Any, Any, Any], services: Services) -> list[Profile]:
    """The operator's device profiles with their settings."""
    operator = await require_operator(request, services)
    return await services.read(lambda c: offers.operator_profiles(c, operator.operator_ref))


@post("/deviceProfiles", status_code=201)
async def create_profile(request: Request[Any, Any, Any], services: Services) -> None:
    """Create a device profile."""
    operator = await require_operator(request, services)
    body = await read_resource(request, NewProfile, services.settings.max_body)
    settings = read_document(ProfileSettings, body.settings)
    await services.change(
        lambda c: offers.create_device_profile(c, operator.operator_ref, body.id, body.name, settings),
        by=operator,
        action="deviceProfile.created",
        what=f"deviceProfile {body.id[:100]}",
        details=body,
    )


@put("/deviceProfiles/{profile_ref:str}", status_code=204)
async def change_profile(profile_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Give a device profile another name or other settings; they take effect at once."""
    operator = await require_operator(request, services)
    body = await read_resource(request, ProfileChange, services.settings.max_body)
    settings = read_document(ProfileSettings, body.settings)
    await services.change(
        lambda c: offers.change_profile(c, operator.operator_ref, profile_ref, body.name, settings),
        by=operator,
        action="deviceProfile.changed",
        what=f"deviceProfile {profile_ref}",
        details=body,
    )


@get("/hsmGroups")
async def list_groups(request: Request[Any, Any, Any], services: Services) -> list[Group]:
    """The operator's HSM groups, their vaults, and how those are."""
    operator = await require_operator(request, services)
    groups = await services.read(lambda c: offers.operator_hsm_groups(c, operator.operator_ref))
    vaults = services.platform.vault
    for group in groups:
        known = not group.vault or group.vault in vaults.names
        group.problem = vaults.of(group.vault).problem if known else "the settings have no such vault"
    return groups


@post("/hsmGroups", status_code=201)
async def create_group(request: Request[Any, Any, Any], services: Services) -> GroupMade:
    """Create an HSM group; its id is given by the network."""
    operator = await require_operator(request, services)
    body = await read_resource(request, NewGroup, services.settings.max_body)
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


HANDLERS = (
    get_defaults,
    list_plans,
    create_plan,
    change_plan,
    grant_plan,
    list_profiles,
    create_profile,
    change_profile,
    list_groups,
    create_group,
)
