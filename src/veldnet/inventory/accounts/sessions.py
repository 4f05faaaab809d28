"""Console sessions. The browser holds a random cookie, the store its digest."""

from __future__ import annotations

import hashlib
import hmac

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from veldnet.domain.errors import NotFound
from veldnet.domain.scope import OperatorScope, Scope, account_of
from veldnet.inventory.changes import now_ms
from veldnet.store.schema import operator_users, operators, sessions, subscribers, users

from .credentials import random_text, token_digest
from .tokens import scope_of_user

# Written down at most so often, in milliseconds.
_TOUCH_EVERY = 60_000


class Account(msgspec.Struct, frozen=True):
    """A user as sign-in finds one: of a subscriber, or of an operator."""

    ref: int
    password_hash: str
    operator: bool


class Session(msgspec.Struct, frozen=True):
    """Somebody who is signed in: a subscriber's user or an operator's. `expires_at` in Unix milliseconds is
    the end for good, `idle_at` the end unless something is asked before."""

    digest: bytes
    scope: Scope | None
    operator: OperatorScope | None
    expires_at: int
    used_at: int

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


def open_session(connection: Connection, account: Account, lifetime: float) -> str:
    """Sign a user in; returns the cookie. Sessions that are over are cleared away."""
    now = now_ms()
    connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    token = random_text(40)
    connection.execute(
        insert(sessions).values(
            digest=token_digest(token),
            user_ref=None if account.operator else account.ref,
            operator_user_ref=account.ref if account.operator else None,
            used_at=now,
            expires_at=now + int(lifetime * 1000),
        )
    )
    return token


def session_of(connection: Connection, token: str, idle: float) -> Session | None:
    """The session of a cookie, unless it is over or was idle for more than `idle` seconds."""
    digest = token_digest(token)
    row = connection.execute(select(sessions).where(sessions.c.digest == digest)).first()
    now = now_ms()
    if row is None or row.expires_at <= now or row.used_at + int(idle * 1000) <= now:
        return None
    if row.operator_user_ref is not None:
        operator = operator_scope(connection, row.operator_user_ref)
        return None if operator is None else Session(digest, None, operator, row.expires_at, row.used_at)
    scope = scope_of_user(connection, row.user_ref)
    return None if scope is None else Session(digest, scope, None, row.expires_at, row.used_at)


def operator_scope(connection: Connection, ref: int) -> OperatorScope | None:
    row = connection.execute(
        select(
            operators.c.ref,
            operators.c.code,
            operators.c.name,
            operator_users.c.ref.label("user_ref"),
            operator_users.c.username,
            operator_users.c.display_name,
            operator_users.c.role,
        )
        .join(operator_users, operator_users.c.operator_ref == operators.c.ref)
        .where(operator_users.c.ref == ref)
    ).first()
    return None if row is None else OperatorScope(*row)


def needs_touch(session: Session) -> bool:
    return session.used_at + _TOUCH_EVERY < now_ms()


def touch_session(connection: Connection, digest: bytes) -> None:
    """Note that a session was used just now."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(used_at=now_ms()))


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
        operator.role,
    )
