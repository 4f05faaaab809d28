"""POST /activate: bind the project to a ThingPark user, whose rights it then has."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, post
from msgspec import UNSET, UnsetType

from veldnet.api.auth.bearer import require_bearer
from veldnet.api.auth.oauth import verify_user
from veldnet.api.body import read_resource
from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.domain.errors import MissingField, Unauthorized
from veldnet.inventory import accounts


class ActivationReq(msgspec.Struct):
    """Credentials of a ThingPark user."""

    thingpark_username: str | UnsetType = UNSET
    thingpark_password: str | UnsetType = UNSET


class ActivationResp(msgspec.Struct):
    status: str


@post("/activate", status_code=200)
async def activate(request: Request[Any, Any, Any], services: Services) -> ActivationResp:
    bearer = await require_bearer(request, services)
    body = await read_resource(request, ActivationReq, services.settings.max_body)
    if body.thingpark_username is UNSET or body.thingpark_password is UNSET:
        raise MissingField("thingpark_username and thingpark_password are mandatory")
    project_ref = bearer.project_ref
    if project_ref is None:
        raise GatewayError(403, "This token belongs to a user; only a project needs to be activated")
    user_ref = await verify_user(request, services, body.thingpark_username, body.thingpark_password)
    scope = await services.read(lambda c: accounts.scope_of_user(c, user_ref))
    if scope is None:
        raise Unauthorized("the user was removed")
    await services.change(
        lambda c: accounts.activate_project(c, project_ref, user_ref),
        by=scope,
        action="project.activated",
        what=f"project {project_ref}",
    )
    services.tokens.forget()
    return ActivationResp("activated")
