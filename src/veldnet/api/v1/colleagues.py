"""The users of a subscriber, for its administrators: roles, sessions, keys, passwords, second factors."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api import letters
from veldnet.api.routers import ADMINISTRATOR
from veldnet.api.services import Services
from veldnet.domain.errors import BadRequest, MissingField
from veldnet.domain.scope import Role, Scope
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Addressee, ApiKey, Colleague, Identity, Naming, UserSession
from veldnet.store.schema import users
from veldnet.texts import Language

from .password_reset import send_link


class ColleagueChange(msgspec.Struct):
    """What is to be different, the rest stays: the role; whether the user is suspended, which signs it out
    and ends the access of its API keys and projects until it is resumed; its names and e-mail
    address."""

    role: Role | None = None
    suspended: bool | None = None
    username: str | None = None
    displayName: str | None = None
    email: str | None = None

    @property
    def naming(self) -> Naming:
        return Naming(self.username, self.displayName, self.email)


class UserAccess(msgspec.Struct):
    """Where a user is signed in, its API keys and identities."""

    sessions: list[UserSession]
    apiKeys: list[ApiKey]
    identities: list[Identity]


class SentReset(msgspec.Struct):
    """A link that sets another password. `mailed`: whether the mail server accepted it; where it did not,
    `token` is what the link `/console/reset#<token>` needs, to be passed on. It is in this answer only."""

    mailed: bool
    token: str | None


class MailLanguage(msgspec.Struct):
    """The language of the e-mail to the user."""

    language: Language = "en"


@ADMINISTRATOR.get("/users", "listColleagues", "Users", "The users of the subscriber.")
async def list_users(services: Services, scope: Scope) -> list[Colleague]:
    return await services.read(lambda c: accounts.list_colleagues(c, scope))


@ADMINISTRATOR.put(
    "/users/{userRef}",
    "changeColleague",
    "Users",
    "Change the role or names of another user, suspend or resume it.",
    status=204,
)
async def change(user_ref: str, services: Services, scope: Scope, body: ColleagueChange) -> None:
    """Projects that act as a user with another role must be activated again. An e-mail address that is the
    user name, too, changes with it."""
    if body == ColleagueChange():
        raise MissingField("role, suspended, username, displayName or email is mandatory")

    def write(connection: Connection) -> None:
        user = accounts.other_colleague(connection, scope, user_ref)
        accounts.rename_user(connection, users, user.ref, body.naming)
        changed = body.role is not None and accounts.change_role(connection, user, body.role)
        if changed and services.settings.renew_activations:
            accounts.end_activations(connection, user.ref)
        if body.suspended is not None:
            accounts.suspend_user(connection, users, user.ref, suspended=body.suspended)

    await services.change(write, by=scope, action="user.changed", what=f"user {user_ref}", details=body)
    _forget(services)


@ADMINISTRATOR.delete("/users/{userRef}", "removeColleague", "Users", "Remove another user.")
async def remove(user_ref: str, services: Services, scope: Scope) -> None:
    """With its sessions, tokens and API keys; projects that act as the user are no longer activated."""

    def write(connection: Connection) -> None:
        user = accounts.other_colleague(connection, scope, user_ref)
        accounts.remove_user(connection, users, user.ref)

    await services.change(write, by=scope, action="user.removed", what=f"user {user_ref}")
    _forget(services)


@ADMINISTRATOR.get("/users/{userRef}/access", "getUserAccess", "Users", "Sessions and keys of a user.")
async def get_access(user_ref: str, services: Services, scope: Scope) -> UserAccess:
    idle = services.platform.settings.console.session_idle

    def read(connection: Connection) -> UserAccess:
        user = accounts.own_colleague(connection, scope, user_ref)
        return UserAccess(
            accounts.list_sessions(connection, user, idle),
            accounts.list_keys(connection, user),
            accounts.list_identities(connection, user),
        )

    return await services.read(read)


@ADMINISTRATOR.delete(
    "/users/{userRef}/sessions/{sessionId}", "endUserSession", "Users", "End a session of a user."
)
async def end_session(user_ref: str, session_id: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: accounts.end_session(c, accounts.own_colleague(c, scope, user_ref), session_id),
        by=scope,
        action="session.ended",
        what=f"session {session_id[:24]} of user {user_ref}",
    )
    _forget(services)


@ADMINISTRATOR.delete(
    "/users/{userRef}/sessions", "endUserSessions", "Users", "End all sessions of another user."
)
async def end_sessions(user_ref: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: accounts.end_sessions(c, accounts.other_colleague(c, scope, user_ref)),
        by=scope,
        action="session.ended",
        what=f"all sessions of user {user_ref}",
    )
    _forget(services)


@ADMINISTRATOR.delete(
    "/users/{userRef}/apiKeys/{keyRef}", "revokeUserApiKey", "Users", "Revoke an API key of a user."
)
async def revoke_key(user_ref: str, key_ref: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: accounts.revoke_key(c, accounts.own_colleague(c, scope, user_ref), key_ref),
        by=scope,
        action="apiKey.revoked",
        what=f"API key {key_ref} of user {user_ref}",
    )
    _forget(services)


@ADMINISTRATOR.post(
    "/users/{userRef}/secondFactor/reset",
    "resetSecondFactor",
    "Users",
    "Remove the second factor of another user who has lost it.",
    status=204,
    max_body=4096,
)
async def reset_factor(user_ref: str, services: Services, scope: Scope, body: MailLanguage) -> None:
    """Its sessions end; it is recorded, and the user is notified by e-mail."""

    def write(connection: Connection) -> Addressee | None:
        user = accounts.other_colleague(connection, scope, user_ref)
        if not accounts.remove_second_factor(connection, user):
            raise BadRequest("this user has no second factor")
        accounts.end_sessions(connection, user)
        return accounts.addressee(connection, user)

    found = await services.change(write, by=scope, action="user.secondFactorReset", what=f"user {user_ref}")
    _forget(services)
    if found is not None:
        network = (await services.branding()).name
        language = found.language or body.language
        message = letters.factor_letter(found, scope.display_name, network, language)
        await letters.send(services.mailer, found.email, message)


@ADMINISTRATOR.post(
    "/users/{userRef}/passwordReset",
    "resetUserPassword",
    "Users",
    "Send another user a link that sets a password.",
    max_body=4096,
)
async def reset_password(user_ref: str, services: Services, scope: Scope, body: MailLanguage) -> SentReset:
    """The password stays until the link is used."""

    def write(connection: Connection) -> Addressee:
        user = accounts.other_colleague(connection, scope, user_ref)
        found = accounts.addressee(connection, user)
        if found is None or not accounts.has_password(connection, user):
            raise BadRequest("this user signs in with an identity provider and has no password")
        if accounts.is_suspended(connection, user):
            raise BadRequest("this user is suspended; resume it first")
        return found

    to = await services.change(write, by=scope, action="user.passwordReset", what=f"user {user_ref}")
    token = await services.write(
        lambda c: accounts.begin_reset(c, to.user, services.platform.settings.sign_in.reset_lifetime)
    )
    mailed = await send_link(services, to, token, to.language or body.language)
    return SentReset(mailed, None if mailed else token)


def _forget(services: Services) -> None:
    services.forget_callers()
