"""Developer projects with their client ids and secrets."""

from __future__ import annotations

import msgspec

from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.accounts import ProjectView


class NewProject(msgspec.Struct):
    """What a project is called."""

    name: str


@SUBSCRIBER.get("/projects", "listProjects", "Developers", "List the projects of the subscriber.")
async def list_projects(services: Services, scope: Scope) -> list[ProjectView]:
    """Projects of the subscriber, and whether they are activated."""
    return await services.read(lambda c: accounts.list_projects(c, scope.subscriber_ref))


@SUBSCRIBER.post(
    "/projects",
    "createProject",
    "Developers",
    "Create a project; its secret is returned only once.",
    status=201,
)
async def create_project(services: Services, scope: Scope, body: NewProject) -> ProjectView:
    return await services.change(
        lambda c: accounts.create_own_project(c, scope.subscriber_ref, body.name),
        by=scope,
        action="project.created",
        what=f"project {body.name[:100]}",
    )


@SUBSCRIBER.post(
    "/projects/{projectRef}/secret", "rollSecret", "Developers", "Generate a new secret for a project."
)
async def roll_secret(project_ref: str, services: Services, scope: Scope) -> ProjectView:
    """Give a project another secret; the old one and its tokens are void at once."""
    view = await services.change(
        lambda c: accounts.roll_secret(c, scope.subscriber_ref, project_ref),
        by=scope,
        action="project.secret",
        what=f"project {project_ref}",
    )
    services.tokens.forget()
    return view


@SUBSCRIBER.delete("/projects/{projectRef}", "deleteProject", "Developers", "Delete a project.")
async def delete_project(project_ref: str, services: Services, scope: Scope) -> None:
    """Delete a project; its tokens are void at once."""
    await services.change(
        lambda c: accounts.delete_project(c, scope.subscriber_ref, project_ref),
        by=scope,
        action="project.deleted",
        what=f"project {project_ref}",
    )
    services.tokens.forget()
