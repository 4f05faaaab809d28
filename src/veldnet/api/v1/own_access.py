"""One's own sessions and personal API keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from veldnet.api.routers import SESSION
from veldnet.api.services import Services
from veldnet.domain.scope import OperatorScope, Scope
from veldnet.inventory import accounts
from veldnet.inventory.accounts import ApiKey, KeyScope, Session, UserSession

T = TypeVar("T")


class NewApiKey(msgspec.Struct):
    """A key to be: valid for so many `days`, without them until it is revoked."""

    name: str
    scope: KeyScope = "read"
    days: Annotated[int, Meta(ge=1, le=3660)] | None = None


class Ended(msgspec.Struct):
    """How many sessions were ended."""

    sessions: int


def person_of(session: Session) -> Scope | OperatorScope:
    person = session.operator or session.scope
    assert person is not None
    return person


async def change_own(
    services: Services,
    session: Session,
    change: Callable[[Connection], T],
    *,
    action: str,
    details: dict[str, Any] | None = None,
) -> T:
    """Carry out a change that somebody makes of the own account."""
    person = person_of(session)
    return await services.change(
        change, by=person, action=action, what=f"user {person.username}", details=details
    )


@SESSION.get("/sessions", "listSessions", "Session", "Your sessions.")
async def list_sessions(services: Services, session: Session) -> list[UserSession]:
    """Where the user is signed in, the last used first."""
    idle = services.platform.settings.console.session_idle
    return await services.read(lambda c: accounts.list_sessions(c, session.user, idle, session.digest))


@SESSION.delete("/sessions/{sessionId}", "endSession", "Session", "End one of your sessions.")
async def end_session(session_id: str, services: Services, session: Session) -> None:
    await services.change(
        lambda c: accounts.end_session(c, session.user, session_id),
        by=person_of(session),
        action="session.ended",
        what=f"session {session_id[:24]}",
    )
    services.sessions.forget()


@SESSION.post("/sessions/endOthers", "endOtherSessions", "Session", "End your other sessions.")
async def end_others(services: Services, session: Session) -> Ended:
    """End all sessions of the user but this one."""
    ended = await services.change(
        lambda c: accounts.end_sessions(c, session.user, session.digest),
        by=person_of(session),
        action="session.ended",
        what="all other sessions",
    )
    services.sessions.forget()
    return Ended(ended)


@SESSION.get("/apiKeys", "listApiKeys", "Session", "Your personal API keys.")
async def list_keys(services: Services, session: Session) -> list[ApiKey]:
    return await services.read(lambda c: accounts.list_keys(c, session.user))


@SESSION.post(
    "/apiKeys",
    "createApiKey",
    "Session",
    "Create a personal API key; it is returned only once.",
    status=201,
    max_body=4096,
)
async def create_key(services: Services, session: Session, body: NewApiKey) -> ApiKey:
    """A key never has more rights than its user has at the time of a request."""
    return await services.change(
        lambda c: accounts.create_key(c, session.user, body.name, body.scope, body.days),
        by=person_of(session),
        action="apiKey.created",
        what=f"API key {body.name[:100]}",
        details={"scope": body.scope, "days": body.days},
    )


@SESSION.delete("/apiKeys/{keyRef}", "revokeApiKey", "Session", "Revoke one of your API keys.")
async def revoke_key(key_ref: str, services: Services, session: Session) -> None:
    """It is void at once."""
    await services.change(
        lambda c: accounts.revoke_key(c, session.user, key_ref),
        by=person_of(session),
        action="apiKey.revoked",
        what=f"API key {key_ref}",
    )
    services.tokens.forget()
