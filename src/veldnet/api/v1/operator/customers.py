"""Subscribers, their users, and the operator's own."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.scope import OperatorScope, Role, UserRef
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Naming, Subscriber, User, UserUses
from veldnet.store.schema import operator_users, users


class NewSubscriber(msgspec.Struct):
    """A customer; the id has nine digits."""

    customerId: str
    name: str


UserKind = Literal["operator", "subscriber"]


class NewUser(msgspec.Struct):
    """A person. `kind` is `operator` for staff of the operator, or `subscriber`, with the `customerId`, for a
    ThingPark user; it may be left out only beside a `customerId`. Without `role` the user is read-only."""

    username: str
    password: str
    displayName: str
    kind: UserKind | None = None
    role: Role = "ro"
    customerId: str | None = None

    def checked_kind(self) -> UserKind:
        """Which kind of user is wanted. A missing member never makes somebody staff of the operator."""
        if self.customerId is not None:
            if self.kind == "operator":
                raise InvalidField("kind operator has no customerId: leave it out, or say kind subscriber")
            return "subscriber"
        if self.kind is None:
            raise MissingField("kind is mandatory: operator, or subscriber with a customerId")
        if self.kind == "subscriber":
            raise MissingField("customerId is mandatory for kind subscriber")
        return "operator"


class UserChange(msgspec.Struct):
    """What is to be different, the rest stays: the role; the password, which ends the user's sessions and
    tokens; whether the user is suspended, which signs it out and ends the access of its API keys and projects
    until it is resumed; its names and e-mail address."""

    role: Role | None = None
    password: str | None = None
    suspended: bool | None = None
    username: str | None = None
    displayName: str | None = None
    email: str | None = None

    @property
    def naming(self) -> Naming:
        return Naming(self.username, self.displayName, self.email)


class UserCopy(msgspec.Struct):
    """Names and password of a user like another one."""

    username: str
    password: str
    displayName: str
    email: str | None = None


class Users(msgspec.Struct):
    """The operator's people, and those of its customers."""

    operator: list[User]
    subscribers: list[User]


@OPERATOR.get("/subscribers", "listSubscribers", "Operator", "Customers.")
async def list_subscribers(services: Services, operator: OperatorScope) -> list[Subscriber]:
    """The operator's customers."""
    return await services.read(lambda c: accounts.list_subscribers(c, operator.operator_ref))


@OPERATOR.post("/subscribers", "createSubscriber", "Operator", "Create a customer.", status=201)
async def create_subscriber(services: Services, operator: OperatorScope, body: NewSubscriber) -> None:
    await services.change(
        lambda c: accounts.create_subscriber(c, operator.operator_ref, body.customerId, body.name),
        by=operator,
        action="subscriber.created",
        what=f"subscriber {body.customerId[:20]}",
    )


class SubscriberChange(msgspec.Struct):
    """Another name; `suspended` true ends access and service at once, false gives them back."""

    name: str | None = None
    suspended: bool | None = None


@OPERATOR.put(
    "/subscribers/{customerId}",
    "changeSubscriber",
    "Operator",
    "Rename, suspend or resume a customer.",
    status=204,
)
async def change_subscriber(
    customer_id: str, services: Services, operator: OperatorScope, body: SubscriberChange
) -> None:
    def write(connection: Connection) -> None:
        ref = accounts.own_subscriber(connection, operator.operator_ref, customer_id)
        accounts.change_subscriber(connection, ref, body.name, body.suspended)

    await services.change(
        write, by=operator, action="subscriber.changed", what=f"subscriber {customer_id[:20]}", details=body
    )
    services.forget_callers()


@OPERATOR.get(
    "/subscribers/{customerId}/uses", "getSubscriberUses", "Operator", "What is deleted with a customer."
)
async def subscriber_uses(
    customer_id: str, services: Services, operator: OperatorScope
) -> accounts.Belongings:
    """What a customer has. While it has devices or multicast groups it cannot be deleted."""
    return await services.read(
        lambda c: accounts.belongings(c, accounts.own_subscriber(c, operator.operator_ref, customer_id))
    )


@OPERATOR.delete(
    "/subscribers/{customerId}", "removeSubscriber", "Operator", "Delete a customer without devices."
)
async def remove_subscriber(customer_id: str, services: Services, operator: OperatorScope) -> None:
    """Delete a customer without devices, with its users, projects, routing profiles, decoders and
    undelivered messages."""

    def write(connection: Connection) -> None:
        accounts.own_subscriber(connection, operator.operator_ref, customer_id)
        accounts.remove_subscriber(connection, customer_id)

    await services.change(
        write, by=operator, action="subscriber.removed", what=f"subscriber {customer_id[:20]}"
    )
    services.forget_callers()


@OPERATOR.get("/users", "listUsers", "Operator", "Who may sign in.")
async def list_users(services: Services, operator: OperatorScope) -> Users:
    return await services.read(
        lambda c: Users(
            accounts.list_operator_users(c, operator.operator_ref),
            accounts.list_subscriber_users(c, operator.operator_ref),
        )
    )


@OPERATOR.post("/users", "createUser", "Operator", "Create a user.", status=201)
async def create_user(services: Services, operator: OperatorScope, body: NewUser) -> User:
    kind = body.checked_kind()
    hashed = await services.secrets.hash(accounts.hash_password, body.password)

    def write(connection: Connection) -> User:
        if kind == "operator":
            return accounts.create_operator_user(
                connection, operator.operator_ref, body.username, hashed, body.displayName, body.role
            )
        subscriber = accounts.own_subscriber(connection, operator.operator_ref, str(body.customerId))
        return accounts.create_subscriber_user(
            connection, subscriber, body.username, hashed, body.displayName, body.role
        )

    return await services.change(
        write, by=operator, action="user.created", what=f"user {body.username[:254]}", details=body
    )


def own_user(connection: Connection, operator: OperatorScope, kind: str, ref: str) -> tuple[Any, int]:
    """Table and number of a user by the kind in the path."""
    if kind == "operator":
        return operator_users, accounts.own_operator_user(connection, operator, ref)
    if kind == "subscriber":
        return users, accounts.own_subscriber_user(connection, operator.operator_ref, ref)
    raise InvalidField("the kind of a user is operator or subscriber")


@OPERATOR.put(
    "/users/{kind}/{userRef}",
    "changeUser",
    "Operator",
    "Change role, password or names of a user, suspend or resume it.",
    status=204,
)
async def change_user(
    kind: str, user_ref: str, services: Services, operator: OperatorScope, body: UserChange
) -> None:
    """Projects that act as a user with another role or password must be activated again. An e-mail address
    that is the user name, too, changes with it."""
    hashed = None
    if body.password is not None:
        hashed = await services.secrets.hash(accounts.hash_password, body.password)

    def write(connection: Connection) -> None:
        table, ref = own_user(connection, operator, kind, user_ref)
        accounts.rename_user(connection, table, ref, body.naming)
        renewed = hashed is not None
        if body.role is not None:
            renewed |= accounts.set_role(connection, table, ref, body.role)
        if hashed is not None:
            accounts.set_password(connection, table, ref, hashed)
        if renewed and table is users and services.settings.renew_activations:
            accounts.end_activations(connection, ref)
        if body.suspended is not None:
            accounts.suspend_user(connection, table, ref, suspended=body.suspended)

    await services.change(
        write, by=operator, action="user.changed", what=f"{kind} user {user_ref}", details=body
    )
    services.forget_callers()


@OPERATOR.post(
    "/users/{kind}/{userRef}/copy", "copyUser", "Operator", "Create a user like another one.", status=201
)
async def copy_user(
    kind: str, user_ref: str, services: Services, operator: OperatorScope, body: UserCopy
) -> User:
    """A user of the same subscriber, or of the operator, with the same role and language. Access to base
    stations is not copied: an administrator gives it at the command line."""
    hashed = await services.secrets.hash(accounts.hash_password, body.password)

    def write(connection: Connection) -> User:
        # One's own account may be copied, too.
        of_operator = kind == "operator" and user_ref == str(operator.user_ref)
        own = (operator_users, operator.user_ref)
        table, ref = own if of_operator else own_user(connection, operator, kind, user_ref)
        naming = accounts.Naming(body.username, body.displayName, body.email)
        return accounts.copy_user(connection, table, ref, naming, hashed)

    return await services.change(
        write, by=operator, action="user.created", what=f"user {body.username[:254]}", details=body
    )


@OPERATOR.get("/users/{kind}/{userRef}/uses", "getUserUses", "Operator", "What ends with a user.")
async def get_user_uses(kind: str, user_ref: str, services: Services, operator: OperatorScope) -> UserUses:
    """Sessions, API keys and projects of a user, before it is removed."""
    idle = services.platform.settings.console.session_idle

    def read(connection: Connection) -> UserUses:
        table, ref = own_user(connection, operator, kind, user_ref)
        return accounts.user_uses(connection, UserRef(ref, table is operator_users), idle)

    return await services.read(read)


@OPERATOR.delete("/users/{kind}/{userRef}", "removeUser", "Operator", "Remove a user.")
async def remove_user(kind: str, user_ref: str, services: Services, operator: OperatorScope) -> None:
    """Remove a user; projects that act as one are no longer activated."""

    def write(connection: Connection) -> None:
        table, ref = own_user(connection, operator, kind, user_ref)
        accounts.remove_user(connection, table, ref)

    await services.change(write, by=operator, action="user.removed", what=f"{kind} user {user_ref}")
    services.forget_callers()
