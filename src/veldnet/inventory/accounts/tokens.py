"""Tokens of projects and users."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, select

from veldnet.domain.scope import OperatorScope, Scope
from veldnet.store import moment
from veldnet.store.schema import projects, subscribers, tokens, users

from .credentials import random_text, token_digest


def issue_token(
    connection: Connection,
    lifetime: int,
    *,
    project_ref: int | None = None,
    user_ref: int | None = None,
    client_id: str | None = None,
    token: str | None = None,
) -> str:
    """A token of a project or a user, valid for `lifetime` seconds: an opaque one, or `token`, which nobody
    can guess. Only its digest is kept, and the `client_id` that it was given for."""
    token = random_text(28) if token is None else token
    now = moment(connection)
    connection.execute(delete(tokens).where(tokens.c.expires_at < now))
    connection.execute(
        insert(tokens).values(
            digest=token_digest(token),
            project_ref=project_ref,
            user_ref=user_ref,
            expires_at=now + lifetime * 1000,
            client_id=client_id,
        )
    )
    return token


class Bearer(msgspec.Struct, frozen=True):
    """Who holds a token. `scope` is None for a project that is not activated, and where a key of an
    operator's user was shown."""

    project_ref: int | None
    scope: Scope | None
    expires_at: int
    operator: OperatorScope | None = None
    # That a token was given for.
    client_id: str | None = None

    @property
    def account(self) -> str:
        """What a request rate is counted against."""
        if self.project_ref is not None:
            return f"project-{self.project_ref}"
        if self.operator is not None:
            return f"operator-{self.operator.user_ref}"
        return f"user-{self.scope.user_ref}" if self.scope else "nobody"


def bearer_of(connection: Connection, digest: bytes) -> Bearer | None:
    """The holder of a token that is still valid."""
    token = connection.execute(
        select(
            tokens.c.project_ref,
            tokens.c.user_ref,
            tokens.c.expires_at,
            tokens.c.client_id,
            projects.c.user_ref.label("bound"),
        )
        .join(projects, projects.c.ref == tokens.c.project_ref, isouter=True)
        .where(tokens.c.digest == digest)
    ).first()
    if token is None or token.expires_at <= moment(connection):
        return None
    user_ref = token.user_ref if token.user_ref is not None else token.bound
    scope = None if user_ref is None else scope_of_user(connection, user_ref)
    return Bearer(token.project_ref, scope, token.expires_at, client_id=token.client_id)


def scope_of_user(connection: Connection, user_ref: int) -> Scope | None:
    """What a user of a subscriber may see and change; None while it or its subscriber is
    suspended."""
    row = connection.execute(
        select(
            subscribers.c.operator_ref,
            subscribers.c.ref,
            subscribers.c.customer_id,
            users.c.ref.label("user_ref"),
            users.c.username,
            users.c.display_name,
            users.c.role,
        )
        .join(subscribers, subscribers.c.ref == users.c.subscriber_ref)
        .where(users.c.ref == user_ref, users.c.suspended.is_(False), subscribers.c.suspended.is_(False))
    ).first()
    return None if row is None else Scope(*row)


def revoke_token(connection: Connection, token: str) -> bool:
    """End a token; returns whether there was one."""
    return connection.execute(delete(tokens).where(tokens.c.digest == token_digest(token))).rowcount > 0
