"""The developers' part: projects with their client ids and secrets."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, delete, get, post

from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.inventory import accounts
from veldnet.inventory.accounts import ProjectView


class NewProject(msgspec.Struct):
    """What a project is called."""

    name: str


@get("/projects")
async def list_projects(request: Request[Any, Any, Any], services: Services) -> list[ProjectView]:
    """Projects of the subscriber, and whether they are activated."""
    scope = await require_scope(request, services)
    return await services.read(lambda c: accounts.list_projects(c, scope.subscriber_ref))


@post("/projects", status_code=201)
async def create_project(request: Request[Any, Any, Any], services: Services) -> ProjectView:
    """Create a project; its secret is returned only once."""
    scope = await require_scope(request, services)
    body = await read_resource(request, NewProject, services.settings.max_body)
    return await services.change(
        lambda c: accounts.create_own_project(c, scope.subscriber_ref, body.name),
        by=scope,
        action="project.created",
        what=f"project {body.name[:100]}",
    )


@post("/projects/{project_ref:str}/secret", status_code=200)
async def roll_secret(project_ref: str, request: Request[Any, Any, Any], services: Services) -> ProjectView:
    """Give a project another secret; the old one and its tokens are void at once."""
    scope = await require_scope(request, services)
    view = await services.change(
        lambda c: accounts.roll_secret(c, scope.subscriber_ref, project_ref),
        by=scope,
        action="project.secret",
        what=f"project {project_ref}",
    )
    services.tokens.forget()
    return view


@delete("/projects/{project_ref:str}")
async def delete_project(project_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Delete a project; its tokens are void at once."""
    scope = await require_scope(request, services)
    await services.change(
        lambda c: accounts.delete_project(c, scope.subscriber_ref, project_ref),
        by=scope,
        action="project.deleted",
        what=f"project {project_ref}",
    )
    services.tokens.forget()


HANDLERS = (list_projects, create_project, roll_secret, delete_project)
