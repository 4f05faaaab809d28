"""Users of subscribers and of the operator: names, roles and passwords."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Insert, Table, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, NotFound
from veldnet.domain.scope import OperatorScope, Role, UserRef, account_of
from veldnet.inventory.names import check_name, is_printable
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store.schema import operator_users, preferences, projects, subscribers, users

from .api_keys import list_keys
from .credentials import NO_PASSWORD
from .holders import end_access
from .managers import check_not_last
from .sessions import list_sessions

MOST_NAME = 254
# One address, as mail servers take it: no names, comments, quotes or lists.
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", re.ASCII)


class User(msgspec.Struct):
    """A person who may sign in; `role` admin manages the users of its subscriber and may do what rw may, rw
    may change things, ro may only look."""

    ref: str
    username: str
    displayName: str
    role: Role
    # Of a subscriber's user.
    customerId: str | None = None
    # Of an operator's user: whether it may run commands and open shells on base stations.
    stationAccess: bool = False
    email: str | None = None
    suspended: bool = False


class UserUses(msgspec.Struct):
    """What ends with a user: sessions and API keys; and the projects that act as it, which must be activated
    again."""

    sessions: int
    apiKeys: int
    projects: int


def user_uses(connection: Connection, user: UserRef, idle: float) -> UserUses:
    """A session is over when it was not used for `idle` seconds."""
    acting = 0
    if not user.operator:
        query = select(func.count()).select_from(projects).where(projects.c.user_ref == user.ref)
        acting = connection.execute(query).scalar_one()
    return UserUses(len(list_sessions(connection, user, idle)), len(list_keys(connection, user)), acting)


def check_names(connection: Connection, username: str, display_name: str) -> None:
    """A new user's names."""
    check_username(connection, username)
    check_name(display_name, what="display name", most=MOST_NAME)


def check_username(connection: Connection, username: str) -> None:
    """User names are unique over subscribers and operators, for they sign in at one place."""
    printable = is_printable(username) and username == username.strip()
    if not 3 <= len(username) <= MOST_NAME or not printable:
        raise InvalidField("a user name has 3 to 254 printable characters, no blanks around them")
    for table in (users, operator_users):
        if connection.execute(select(table.c.ref).where(table.c.username == username)).first():
            raise BadRequest("user {username} exists already", username=username)


def _insert(
    connection: Connection, owned: Insert, username: str, password_hash: str, display_name: str, role: Role
) -> User:
    """Write a user, of whom the statement says already where it belongs."""
    check_names(connection, username, display_name)
    done = connection.execute(
        owned.values(
            username=username,
            password_hash=password_hash,
            display_name=display_name.strip(),
            role=role,
            email=email_of(username),
        )
    )
    email = email_of(username)
    return User(str(inserted_ref(done)), username, display_name.strip(), role, email=email)


def create_operator_user(
    connection: Connection,
    operator_ref: int,
    username: str,
    password_hash: str,
    display_name: str,
    role: Role,
) -> User:
    if role == "admin":
        raise InvalidField("the role of an operator's user is rw or ro; rw manages users too")
    owned = insert(operator_users).values(operator_ref=operator_ref)
    return _insert(connection, owned, username, password_hash, display_name, role)


def create_subscriber_user(
    connection: Connection,
    subscriber_ref: int,
    username: str,
    password_hash: str,
    display_name: str,
    role: Role,
) -> User:
    owned = insert(users).values(subscriber_ref=subscriber_ref)
    return _insert(connection, owned, username, password_hash, display_name, role)


def email_of(username: str) -> str | None:
    """A user name that is an e-mail address is the user's address too."""
    return username if EMAIL.fullmatch(username) else None


def check_email(email: str) -> str:
    """One e-mail address without anything around it. Raises `InvalidField`."""
    email = email.strip()
    if len(email) > 254 or not EMAIL.fullmatch(email) or ".." in email:
        raise InvalidField(
            "email {email!r} must be one e-mail address, such as anna@example.com", email=email[:80]
        )
    return email


class UserName(msgspec.Struct, frozen=True):
    """A subscriber's user by name."""

    username: str
    display_name: str
    customer_id: str
    role: str
    suspended: bool


def list_user_names(connection: Connection) -> list[UserName]:
    """The users of the customers of all operators of the installation."""
    rows = connection.execute(
        select(
            users.c.username,
            users.c.display_name,
            subscribers.c.customer_id,
            users.c.role,
            users.c.suspended,
        )
        .join(subscribers)
        .order_by(users.c.ref)
    )
    return [UserName(*row) for row in rows]


class FoundUser(NamedTuple):
    """A user of any kind: its table and number, and whose it is."""

    table: Table
    ref: int
    user: User
    operator_ref: int
    subscriber_ref: int | None = None


def find_user(connection: Connection, username: str) -> FoundUser:
    """A user of any customer or operator of the installation. Raises `BadRequest`."""
    row = connection.execute(
        select(
            users.c.ref,
            users.c.display_name,
            users.c.role,
            users.c.email,
            users.c.suspended,
            users.c.subscriber_ref,
            subscribers.c.operator_ref,
            subscribers.c.customer_id,
        )
        .join(subscribers, subscribers.c.ref == users.c.subscriber_ref)
        .where(users.c.username == username)
    ).first()
    if row is not None:
        user = _user(row, username=username, customer_id=row.customer_id)
        return FoundUser(users, row.ref, user, row.operator_ref, row.subscriber_ref)
    columns = operator_users.c
    own = connection.execute(
        select(
            columns.ref,
            columns.display_name,
            columns.role,
            columns.email,
            columns.suspended,
            columns.operator_ref,
            columns.station_access,
        ).where(columns.username == username)
    ).first()
    if own is None:
        raise BadRequest("there is no user {username}", username=username[:80])
    user = _user(own, username=username, station_access=own.station_access)
    return FoundUser(operator_users, own.ref, user, own.operator_ref)


def _user(
    row: Any, *, username: str = "", customer_id: str | None = None, station_access: bool = False
) -> User:
    return User(
        str(row.ref),
        username or row.username,
        row.display_name,
        row.role,
        customer_id,
        bool(station_access),
        row.email,
        bool(row.suspended),
    )


def list_operator_users(connection: Connection, operator_ref: int) -> list[User]:
    columns = operator_users.c
    rows = connection.execute(
        select(
            columns.ref,
            columns.username,
            columns.display_name,
            columns.role,
            columns.email,
            columns.suspended,
            columns.station_access,
        )
        .where(columns.operator_ref == operator_ref)
        .order_by(columns.ref)
    )
    return [_user(row, station_access=row.station_access) for row in rows]


def list_subscriber_users(connection: Connection, operator_ref: int) -> list[User]:
    """Users of all subscribers of an operator."""
    rows = connection.execute(
        select(
            users.c.ref,
            users.c.username,
            users.c.display_name,
            users.c.role,
            users.c.email,
            users.c.suspended,
            subscribers.c.customer_id,
        )
        .join(subscribers, subscribers.c.ref == users.c.subscriber_ref)
        .where(subscribers.c.operator_ref == operator_ref)
        .order_by(users.c.ref)
        .limit(10_000)
    )
    return [_user(row, customer_id=row.customer_id) for row in rows]


def own_subscriber_user(connection: Connection, operator_ref: int, ref: str) -> int:
    """The number of a user of a subscriber of the operator. Raises `NotFound`."""
    found = connection.execute(
        select(users.c.ref)
        .join(subscribers, subscribers.c.ref == users.c.subscriber_ref)
        .where(users.c.ref == ref_of(ref), subscribers.c.operator_ref == operator_ref)
    ).scalar()
    if found is None:
        raise NotFound("User", ref)
    return int(found)


def own_operator_user(connection: Connection, scope: OperatorScope, ref: str) -> int:
    """The number of another user of the operator. Raises `NotFound`, and `BadRequest` for the caller."""
    found = connection.execute(
        select(operator_users.c.ref).where(
            operator_users.c.ref == ref_of(ref), operator_users.c.operator_ref == scope.operator_ref
        )
    ).scalar()
    if found is None:
        raise NotFound("User", ref)
    if found == scope.user_ref:
        raise BadRequest("this is you: somebody else must change or remove your account")
    return int(found)


def password_hash_of(connection: Connection, username: str) -> tuple[int, str] | None:
    """Reference and password hash of a user."""
    row = connection.execute(
        select(users.c.ref, users.c.password_hash).where(users.c.username == username)
    ).first()
    return None if row is None else (row.ref, row.password_hash)


def has_password(connection: Connection, user: UserRef) -> bool:
    """Whether a user signs in by password, too."""
    table = operator_users if user.operator else users
    found = connection.execute(select(table.c.password_hash).where(table.c.ref == user.ref)).scalar()
    return found not in (None, NO_PASSWORD)


def set_role(connection: Connection, table: Table, ref: int, role: Role) -> bool:
    """Whether that changes anything. Raises `BadRequest` for the last one who manages the others."""
    if role == "admin" and table is operator_users:
        raise InvalidField("the role of an operator's user is rw or ro; rw manages users too")
    if role != ("rw" if table is operator_users else "admin"):
        check_not_last(connection, table, ref)
    changed = connection.execute(
        update(table).where(table.c.ref == ref, table.c.role != role).values(role=role)
    )
    return changed.rowcount > 0


def set_station_access(connection: Connection, table: Table, ref: int, *, allowed: bool) -> None:
    """Whether an operator's user may run commands and open shells on base stations."""
    if table is not operator_users:
        raise InvalidField("access to base stations is for users of the operator")
    connection.execute(update(table).where(table.c.ref == ref).values(station_access=allowed))


def set_password(
    connection: Connection, table: Table, ref: int, password_hash: str, keep: bytes = b""
) -> None:
    """A new password ends the user's sessions, tokens and links that set one. Who changes it in the session
    `keep` stays signed in there and keeps the API keys; otherwise they end, for somebody else may have made
    them."""
    connection.execute(update(table).where(table.c.ref == ref).values(password_hash=password_hash))
    end_access(connection, UserRef(ref, table is operator_users), keep=keep, keys=not keep)


def remove_user(connection: Connection, table: Table, ref: int) -> None:
    """Remove a user with sessions, tokens and saved views; projects that act as it are no longer
    activated. Raises `BadRequest` for the last one who manages the others."""
    check_not_last(connection, table, ref)
    clear_user(connection, table, ref)


def clear_user(connection: Connection, table: Table, ref: int) -> None:
    """The same, whoever is left."""
    account = account_of(ref, operator=table is operator_users)
    connection.execute(delete(preferences).where(preferences.c.account == account))
    connection.execute(delete(table).where(table.c.ref == ref))
