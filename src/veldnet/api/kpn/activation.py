"""POST /activate: bind the project to a ThingPark user, whose rights it then has."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.api.auth.oauth import verify_user
from veldnet.api.errors import GatewayError
from veldnet.api.routers import PROJECT
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import MissingField, Unauthorized
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Bearer


class ActivationReq(msgspec.Struct):
    """Credentials of a ThingPark user."""

    thingpark_username: str | UnsetType = UNSET
    thingpark_password: str | UnsetType = UNSET


class ActivationResp(msgspec.Struct):
    status: str


@PROJECT.post("/activate", "Activation", "Activation", "Bind the project to a ThingPark user.")
async def activate(
    request: Request, services: Services, bearer: Bearer, body: ActivationReq
) -> ActivationResp:
    if body.thingpark_username is UNSET or body.thingpark_password is UNSET:
        raise MissingField("thingpark_username and thingpark_password are mandatory")
    project_ref = bearer.project_ref
    if project_ref is None:
        raise GatewayError(403, "This token belongs to a user; only a project needs to be activated")
    user_ref = await verify_user(request, services, body.thingpark_username, body.thingpark_password)
    scope = await services.read(lambda c: accounts.scope_of_user(c, user_ref))
    if scope is None:
        raise Unauthorized("the user was removed or suspended")
    await services.change(
        lambda c: accounts.activate_project(c, project_ref, user_ref),
        by=scope,
        action="project.activated",
        what=f"project {project_ref}",
    )
    services.tokens.forget()
    return ActivationResp("activated")
