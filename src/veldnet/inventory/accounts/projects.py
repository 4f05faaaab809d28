"""Developers' projects: their credentials, and as which user they act."""

from __future__ import annotations

import hmac

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.resources import timestamp
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment
from veldnet.store.schema import projects, subscribers, tokens, users

from .credentials import random_text, secret_digest

_MOST = 100


class Credentials(msgspec.Struct, frozen=True):
    """A project's client id and secret; the secret is shown once."""

    client_id: str
    client_secret: str


def create_project(connection: Connection, name: str) -> Credentials:
    """A developer project, not yet activated."""
    name = check_name(name, most=100)
    credentials = Credentials(random_text(32), random_text(32))
    connection.execute(
        insert(projects).values(
            name=name, client_id=credentials.client_id, secret_hash=secret_digest(credentials.client_secret)
        )
    )
    return credentials


class Project(msgspec.Struct, frozen=True):
    ref: int
    client_id: str


def authenticate_project(connection: Connection, client_id: str, client_secret: str) -> Project | None:
    """The project with these credentials, if they are right."""
    row = connection.execute(
        select(projects.c.ref, projects.c.secret_hash).where(projects.c.client_id == client_id)
    ).first()
    expected = row.secret_hash if row is not None else secret_digest("")
    if not hmac.compare_digest(expected, secret_digest(client_secret)) or row is None:
        return None
    return Project(row.ref, client_id)


def activate_project(connection: Connection, project_ref: int, user_ref: int) -> None:
    """Bind a project to a user, whose rights it then has; binding again replaces the user."""
    connection.execute(
        update(projects)
        .where(projects.c.ref == project_ref)
        .values(user_ref=user_ref, activated_at=moment(connection))
    )


def end_activations(connection: Connection, user_ref: int) -> None:
    """Ask for new activations of the projects that act as a user."""
    connection.execute(
        update(projects).where(projects.c.user_ref == user_ref).values(user_ref=None, activated_at=None)
    )


class ProjectView(msgspec.Struct):
    """A developer's project. `clientSecret` is in the answer that made it only."""

    ref: str
    name: str
    clientId: str
    activated: bool
    activatedAs: str | None = None
    activatedAt: str | None = None
    clientSecret: str | None = None


def _own_projects(subscriber_ref: int) -> ColumnElement[bool]:
    bound = select(users.c.ref).where(users.c.subscriber_ref == subscriber_ref)
    return or_(projects.c.subscriber_ref == subscriber_ref, projects.c.user_ref.in_(bound))


def list_projects(connection: Connection, subscriber_ref: int) -> list[ProjectView]:
    """Projects that the subscriber's developers made, or that act as one of its users."""
    own = select(users.c.ref, users.c.username).where(users.c.subscriber_ref == subscriber_ref).subquery()
    rows = connection.execute(
        select(
            projects.c.ref,
            projects.c.name,
            projects.c.client_id,
            projects.c.user_ref,
            projects.c.activated_at,
            own.c.username,
        )
        .join(own, own.c.ref == projects.c.user_ref, isouter=True)
        .where(_own_projects(subscriber_ref))
        .order_by(projects.c.ref)
    )
    return [
        ProjectView(
            str(row.ref),
            row.name,
            row.client_id,
            row.user_ref is not None,
            row.username,
            None if row.activated_at is None else timestamp(row.activated_at),
        )
        for row in rows
    ]


def create_own_project(connection: Connection, subscriber_ref: int, name: str) -> ProjectView:
    """A project of the subscriber's developers, to be activated with `POST /activate`."""
    name = check_name(name, most=100)
    lock_row(connection, subscribers, subscriber_ref)
    count = connection.execute(
        select(func.count()).select_from(projects).where(projects.c.subscriber_ref == subscriber_ref)
    ).scalar_one()
    if count >= _MOST:
        raise BadRequest("a subscriber may have 100 projects; delete one that is not used")
    made = Credentials(random_text(32), random_text(32))
    done = connection.execute(
        insert(projects).values(
            name=name,
            client_id=made.client_id,
            secret_hash=secret_digest(made.client_secret),
            subscriber_ref=subscriber_ref,
        )
    )
    return ProjectView(str(inserted_ref(done)), name, made.client_id, False, clientSecret=made.client_secret)


def _own_project(connection: Connection, subscriber_ref: int, ref: str) -> int:
    found = connection.execute(
        select(projects.c.ref).where(
            projects.c.ref == ref_of(ref),
            _own_projects(subscriber_ref),
        )
    ).scalar()
    if found is None:
        raise NotFound("Project", ref)
    return int(found)


def roll_secret(connection: Connection, subscriber_ref: int, ref: str) -> ProjectView:
    """A new secret; the one before and the tokens it got are void at once."""
    number = _own_project(connection, subscriber_ref, ref)
    secret = random_text(32)
    connection.execute(
        update(projects).where(projects.c.ref == number).values(secret_hash=secret_digest(secret))
    )
    connection.execute(delete(tokens).where(tokens.c.project_ref == number))
    view = next(p for p in list_projects(connection, subscriber_ref) if p.ref == str(number))
    view.clientSecret = secret
    return view


def delete_project(connection: Connection, subscriber_ref: int, ref: str) -> None:
    number = _own_project(connection, subscriber_ref, ref)
    connection.execute(delete(projects).where(projects.c.ref == number))
