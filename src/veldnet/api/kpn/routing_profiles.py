"""Routing profiles and their AS key. The vault makes the key before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api.conditional import check_match, etag_of
from veldnet.api.errors import language_of
from veldnet.api.query import Parameter
from veldnet.api.routers import KPN
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import routing_profiles
from veldnet.inventory.offers import find_hsm_group
from veldnet.inventory.routing_profiles import CheckedRoute, MadeKey, SealedHeaders
from veldnet.keys import labels
from veldnet.texts import in_language


class RoutingProfileFilter(msgspec.Struct, frozen=True):
    routingProfileId: Annotated[str | None, Parameter("Only the profile with this id.")] = None


@KPN.get("/routingProfiles", "Routingprofilesretrieval", "Routing", "List routing profiles.")
async def list_routing_profiles(
    request: Request, services: Services, scope: Scope, query: RoutingProfileFilter
) -> list[RoutingProfile]:
    listed = await services.read(
        lambda c: routing_profiles.list_routing_profiles(c, scope, query.routingProfileId)
    )
    for each in listed:
        _say_problem(request, services, each)
    return listed


def _say_problem(request: Request, services: Services, profile: RoutingProfile) -> None:
    """What deliveries meet, who have opened the keys, too."""
    known = services.platform.table.get(int(str(profile.ref)))
    problem = None if known is None else known.problem
    if problem is not None:
        profile.problem = in_language(problem, language_of(request))


@KPN.get(
    "/routingProfiles/{routingProfileRef}", "Routingprofileretrieval", "Routing", "Show a routing profile."
)
async def get_routing_profile(
    routing_profile_ref: str, request: Request, services: Services, scope: Scope
) -> Response[RoutingProfile]:
    found = await services.read(lambda c: routing_profiles.get_routing_profile(c, scope, routing_profile_ref))
    etag = etag_of(found)
    _say_problem(request, services, found)
    return Response(found, headers={"etag": etag})


@KPN.post(
    "/routingProfiles",
    "Routingprofilescreation",
    "Routing",
    "Create a routing profile, and its AS key if rsaPublicKey is given.",
    status=201,
)
async def create_routing_profile(services: Services, scope: Scope, body: RoutingProfile) -> RoutingProfile:
    return await create_profile(services, scope, body)


async def create_profile(
    services: Services, scope: Scope, body: RoutingProfile, headers: SealedHeaders | None = None
) -> RoutingProfile:
    """With the headers that its requests carry."""
    if body.routes is UNSET:
        raise MissingField("routes is mandatory; it may be empty")
    _refuse_given(body)
    if body.name is UNSET:
        raise MissingField("name is mandatory")
    checked = _check_routes(services, body)
    made = await _generate(services, scope, body)
    prepared = routing_profiles.Prepared(checked, await _seal(services, checked), made, headers)
    return await services.change(
        lambda c: routing_profiles.create_routing_profile(c, scope, body, prepared),
        by=scope,
        action="routingProfile.created",
        details=body,
    )


@KPN.put(
    "/routingProfiles/{routingProfileRef}",
    "Routingprofileupdate",
    "Routing",
    "Change a routing profile, or generate a new AS key.",
    conditional=True,
)
async def update_routing_profile(
    routing_profile_ref: str,
    request: Request,
    services: Services,
    scope: Scope,
    body: RoutingProfile,
) -> RoutingProfile:
    return await change_profile(routing_profile_ref, request, services, scope, body)


async def change_profile(
    ref: str,
    request: Request,
    services: Services,
    scope: Scope,
    body: RoutingProfile,
    headers: SealedHeaders | None = None,
) -> RoutingProfile:
    """With the headers that its requests carry; without, those that it has stay."""
    current = await services.read(lambda c: routing_profiles.get_routing_profile(c, scope, ref))
    for name in ("ref", "id"):
        given = getattr(body, name)
        if given is not UNSET and given != getattr(current, name):
            raise InvalidField("{name} is given by the network and cannot be changed", name=name)
    checked = None if body.routes is UNSET else _check_routes(services, body)
    made = await _generate(services, scope, body)
    prepared = routing_profiles.Prepared(checked, await _seal(services, checked or ()), made, headers)

    def change(connection: Connection) -> RoutingProfile:
        now = routing_profiles.get_routing_profile(connection, scope, ref)
        check_match(request, now, "the routing profile")
        return routing_profiles.update_routing_profile(connection, scope, ref, body, prepared)

    return await services.change(
        change,
        by=scope,
        action="routingProfile.changed",
        details=body,
    )


@KPN.delete(
    "/routingProfiles/{routingProfileRef}", "Routingprofiledeletion", "Routing", "Delete a routing profile."
)
async def delete_routing_profile(routing_profile_ref: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: routing_profiles.delete_routing_profile(c, scope, routing_profile_ref),
        by=scope,
        action="routingProfile.deleted",
        what=f"routingProfile {routing_profile_ref}",
    )


def _refuse_given(body: RoutingProfile) -> None:
    for name in ("ref", "id", "rsaEncryptedASKey"):
        if getattr(body, name) is not UNSET:
            raise InvalidField("{name} is set by the network and must not be sent", name=name)


def _check_routes(services: Services, body: RoutingProfile) -> tuple[CheckedRoute, ...]:
    """Routes that are as they should be and lead to addresses that are allowed."""
    assert body.routes is not UNSET
    routing = services.platform.settings.routing
    return routing_profiles.check_routes(
        body.routes,
        allow_private=routing.allow_private_destinations,
        key_entropy=routing.as_key_entropy,
    )


async def _generate(services: Services, scope: Scope, body: RoutingProfile) -> MadeKey | None:
    """A new AS transport key if the body asks for one."""
    wanted = routing_profiles.key_request(body)
    if wanted is None:
        return None
    group = await services.read(lambda c: find_hsm_group(c, scope.operator_ref, wanted.hsm_group_id))
    vault = services.platform.vault.of(group.vault)
    return MadeKey(group, await vault.generate_as_key(wanted.rsa_public_key))


async def _seal(services: Services, checked: Sequence[CheckedRoute]) -> list[bytes | None]:
    vault = services.platform.vault
    return [
        None
        if route.as_key is None
        else await vault.seal(labels.tunnel_key(route.as_id), route.as_key.encode())
        for route in checked
    ]
