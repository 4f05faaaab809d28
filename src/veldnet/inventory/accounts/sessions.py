"""Console sessions. The browser holds a random cookie, the store its digest."""

from __future__ import annotations

import hashlib
import hmac

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Table,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope, Scope, UserRef, account_of, may_change
from veldnet.store import moment
from veldnet.store.schema import (
    operator_users,
    operators,
    passkeys,
    second_factors,
    sessions,
    subscribers,
    users,
)
from veldnet.texts import Language

from .credentials import random_text, token_digest
from .holders import held_by, holder_values
from .preferences import known_language
from .tokens import scope_of_user

# Written down at most so often, in milliseconds.
_TOUCH_EVERY = 60_000


class Account(msgspec.Struct, frozen=True):
    """A user as sign-in finds one: of a subscriber, or of an operator."""

    ref: int
    password_hash: str
    operator: bool

    @property
    def user(self) -> UserRef:
        return UserRef(self.ref, self.operator)


class Origin(msgspec.Struct, frozen=True):
    """Where a session was opened: browser, address, and the identity provider unless it was by password or
    passkey.
    `verified` where the second factor was shown there."""

    agent: str = ""
    address: str = ""
    provider: str = ""
    verified: bool = False


class UserSession(msgspec.Struct):
    """A session as its user sees it; `current` is the one that asks."""

    id: str
    created: str | None
    used: str
    expires: str
    browser: str
    address: str
    provider: str
    current: bool


class Session(msgspec.Struct, frozen=True):
    """Somebody who is signed in: a subscriber's user or an operator's. `expires_at` in Unix milliseconds is
    the end for good. `verified` where the second factor was shown, `enrolled` where the user has one."""

    digest: bytes
    scope: Scope | None
    operator: OperatorScope | None
    expires_at: int
    # Whether its use is to be written down again.
    touch: bool
    verified: bool = False
    enrolled: bool = False
    # Whether the user has passkeys.
    passkey: bool = False
    # The language that the user has chosen.
    language: Language | None = None

    @property
    def user(self) -> UserRef:
        person = self.operator or self.scope
        return UserRef(0 if person is None else person.user_ref, self.operator is not None)

    @property
    def account(self) -> str:
        if self.operator is not None:
            return account_of(self.operator.user_ref, operator=True)
        return account_of(self.scope.user_ref, operator=False) if self.scope else "nobody"

    @property
    def role(self) -> str:
        person = self.operator or self.scope
        return "ro" if person is None else person.role


def find_account(connection: Connection, username: str) -> Account | None:
    """The user of a name, of either kind."""
    for table, operator in ((users, False), (operator_users, True)):
        row = connection.execute(
            select(table.c.ref, table.c.password_hash).where(table.c.username == username)
        ).first()
        if row is not None:
            return Account(row.ref, row.password_hash, operator)
    return None


def open_session(connection: Connection, user: UserRef, lifetime: float, origin: Origin) -> str:
    """Sign a user in; returns the cookie. Sessions that are over are cleared away."""
    now = moment(connection)
    connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    token = random_text(40)
    connection.execute(
        insert(sessions).values(
            digest=token_digest(token),
            **holder_values(user),
            used_at=now,
            created_at=now,
            expires_at=now + int(lifetime * 1000),
            agent=_readable(origin.agent),
            address=origin.address[:64],
            provider=origin.provider[:64],
            verified=origin.verified,
        )
    )
    return token


def _readable(agent: str) -> str:
    return "".join(character for character in agent if character.isprintable())[:300]


def _of_session(table: Table, *conditions: ColumnElement[bool]) -> Exists:
    """Whether the user of a session has a row in a table."""
    holder = or_(
        table.c.user_ref == sessions.c.user_ref, table.c.operator_user_ref == sessions.c.operator_user_ref
    )
    return exists(select(table.c.ref).where(holder, *conditions))


_AUTHENTICATOR = _of_session(second_factors, second_factors.c.confirmed_at.is_not(None))
_PASSKEY = _of_session(passkeys)


_LANGUAGE = func.coalesce(
    select(users.c.language).where(users.c.ref == sessions.c.user_ref).scalar_subquery(),
    select(operator_users.c.language)
    .where(operator_users.c.ref == sessions.c.operator_user_ref)
    .scalar_subquery(),
)


def session_of(connection: Connection, token: str, idle: float) -> Session | None:
    """The session of a cookie, unless it is over or was idle for more than `idle` seconds."""
    digest = token_digest(token)
    row = connection.execute(
        select(
            sessions,
            _AUTHENTICATOR.label("authenticator"),
            _PASSKEY.label("passkey"),
            _LANGUAGE.label("language"),
        ).where(sessions.c.digest == digest)
    ).first()
    now = moment(connection)
    if row is None or row.expires_at <= now or row.used_at + int(idle * 1000) <= now:
        return None
    if row.operator_user_ref is not None:
        operator, scope = operator_scope(connection, row.operator_user_ref), None
    else:
        operator, scope = None, scope_of_user(connection, row.user_ref)
    if operator is None and scope is None:
        return None
    return Session(
        digest,
        scope,
        operator,
        row.expires_at,
        row.used_at + _TOUCH_EVERY < now,
        bool(row.verified),
        bool(row.authenticator) or bool(row.passkey),
        bool(row.passkey),
        known_language(row.language),
    )


def user_of_session(connection: Connection, digest: bytes) -> UserRef | None:
    """Whose a session is that has not ended."""
    row = connection.execute(
        select(sessions.c.user_ref, sessions.c.operator_user_ref).where(
            sessions.c.digest == digest, sessions.c.expires_at > moment(connection)
        )
    ).first()
    if row is None:
        return None
    if row.operator_user_ref is not None:
        return UserRef(row.operator_user_ref, True)
    return UserRef(row.user_ref)


def verify_session(connection: Connection, digest: bytes) -> None:
    """Note that the second factor was shown in a session."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(verified=True))


def session_id(digest: bytes) -> str:
    """What a session is called. It opens nothing: the cookie is not found from it."""
    return hashlib.sha256(b"session:" + digest).hexdigest()[:24]


def list_sessions(
    connection: Connection, user: UserRef, idle: float, current: bytes = b""
) -> list[UserSession]:
    """The sessions of a user that are not over, the last used first."""
    now = moment(connection)
    rows = connection.execute(
        select(sessions)
        .where(
            held_by(sessions, user), sessions.c.expires_at > now, sessions.c.used_at > now - int(idle * 1000)
        )
        .order_by(sessions.c.used_at.desc())
        .limit(200)
    )
    return [
        UserSession(
            session_id(row.digest),
            timestamp(row.created_at) if row.created_at else None,
            timestamp(row.used_at),
            timestamp(row.expires_at),
            row.agent,
            row.address,
            row.provider,
            row.digest == current,
        )
        for row in rows
    ]


def end_session(connection: Connection, user: UserRef, identifier: str) -> None:
    """End one session of a user. Raises `NotFound`."""
    rows = connection.execute(select(sessions.c.digest).where(held_by(sessions, user)))
    found = [digest for digest in rows.scalars() if session_id(digest) == identifier]
    if not found:
        raise NotFound("session", identifier)
    connection.execute(delete(sessions).where(sessions.c.digest == found[0]))


def end_sessions(connection: Connection, user: UserRef, keep: bytes = b"") -> int:
    """End the sessions of a user but for `keep`; returns how many."""
    done = connection.execute(delete(sessions).where(held_by(sessions, user), sessions.c.digest != keep))
    return int(done.rowcount)


def operator_scope(connection: Connection, ref: int) -> OperatorScope | None:
    """What a user of an operator may see and change; None while it is suspended."""
    row = connection.execute(
        select(
            operators.c.ref,
            operators.c.code,
            operators.c.name,
            operator_users.c.ref.label("user_ref"),
            operator_users.c.username,
            operator_users.c.display_name,
            operator_users.c.role,
            operator_users.c.station_access,
        )
        .join(operator_users, operator_users.c.operator_ref == operators.c.ref)
        .where(operator_users.c.ref == ref, operator_users.c.suspended.is_(False))
    ).first()
    return None if row is None else OperatorScope(*row)


def is_suspended(connection: Connection, user: UserRef) -> bool:
    """Whether a user has no access now: it or its subscriber is suspended."""
    found = operator_scope if user.operator else scope_of_user
    return found(connection, user.ref) is None


def has_station_access(connection: Connection, user_ref: int) -> bool:
    """Whether an operator's user may run commands and open shells on base stations."""
    found = operator_scope(connection, user_ref)
    return found is not None and found.station_access and may_change(found.role)


def touch_session(connection: Connection, digest: bytes) -> None:
    """Note that a session was used just now."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(used_at=moment(connection)))


def close_session(connection: Connection, digest: bytes) -> None:
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def csrf_token(token: str) -> str:
    """What a page must send beside the cookie; another site cannot read it."""
    return hashlib.sha256(b"csrf:" + token.encode()).hexdigest()


def csrf_fits(token: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token(token).encode(), given.encode())


def acting_for(connection: Connection, operator: OperatorScope, customer_id: str) -> Scope:
    """The scope of an operator's user who works on a subscriber's behalf. Raises `NotFound`."""
    row = connection.execute(
        select(subscribers.c.ref).where(
            subscribers.c.customer_id == customer_id,
            subscribers.c.operator_ref == operator.operator_ref,
        )
    ).first()
    if row is None:
        raise NotFound("Subscriber", customer_id)
    return Scope(
        operator.operator_ref,
        row.ref,
        customer_id,
        # No user of the subscriber.
        0,
        operator.username,
        f"{operator.display_name} ({operator.code})",
        # Who may change things at the operator manages the users of its customers.
        "admin" if operator.role == "rw" else operator.role,
    )
