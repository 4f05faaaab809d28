"""Operators, subscribers, users and developer projects."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.changes import now_ms
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref
from veldnet.store.schema import operators, projects, subscribers, tokens, users

_ALPHABET = string.ascii_letters + string.digits
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Verified against when a name is unknown, so that the answer takes as long as for a known one.
_NOBODY = _hasher.hash(secrets.token_hex(16))

MAX_PASSWORD = 256
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}")


def random_text(length: int) -> str:
    """Random letters and digits, about 5.95 bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def hash_password(password: str) -> str:
    """Argon2id; takes tens of milliseconds, so never on the event loop."""
    if not 8 <= len(password) <= MAX_PASSWORD:
        raise InvalidField(f"a password has 8 to {MAX_PASSWORD} characters")
    return _hasher.hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether a password is right; None stands for a user that does not exist."""
    try:
        fits = _hasher.verify(password_hash or _NOBODY, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def secret_digest(secret: str) -> str:
    """What is kept of a project's secret."""
    # Secrets are random and long, so a plain digest is as good as a slow one.
    return hashlib.sha256(secret.encode()).hexdigest()


def create_operator(connection: Connection, code: str, name: str) -> int:
    """A network operator; `code` is what connectivity plans and HSM groups are named after."""
    if not _CODE.fullmatch(code):
        raise InvalidField(
            f"operator code {code[:40]!r} must have 1 to 40 letters, digits, dots, dashes and underscores, "
            "the first a letter or digit"
        )
    name = check_name(name, most=100)
    if connection.execute(select(operators.c.ref).where(operators.c.code == code)).first():
        raise BadRequest(f"operator {code} exists already")
    return inserted_ref(connection.execute(insert(operators).values(code=code, name=name)))


def create_subscriber(connection: Connection, operator_ref: int, customer_id: str, name: str) -> int:
    """A customer; `customer_id` has nine digits."""
    if len(customer_id) != 9 or not (customer_id.isascii() and customer_id.isdigit()):
        raise InvalidField(f"customer id {customer_id[:40]!r} must have nine digits")
    name = check_name(name, most=100)
    if connection.execute(select(subscribers.c.ref).where(subscribers.c.customer_id == customer_id)).first():
        raise BadRequest(f"subscriber {customer_id} exists already")
    changes.note(connection, "subscribers", operator_ref)
    return inserted_ref(
        connection.execute(
            insert(subscribers).values(operator_ref=operator_ref, customer_id=customer_id, name=name)
        )
    )


def operators_of_subscribers(connection: Connection) -> dict[int, int]:
    """The operator of each subscriber."""
    rows = connection.execute(select(subscribers.c.ref, subscribers.c.operator_ref))
    return {row.ref: row.operator_ref for row in rows}


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


def password_hash_of(connection: Connection, username: str) -> tuple[int, str] | None:
    """Reference and password hash of a user."""
    row = connection.execute(
        select(users.c.ref, users.c.password_hash).where(users.c.username == username)
    ).first()
    return None if row is None else (row.ref, row.password_hash)


def activate_project(connection: Connection, project_ref: int, user_ref: int) -> None:
    """Bind a project to a user, whose rights it then has; binding again replaces the user."""
    connection.execute(
        update(projects).where(projects.c.ref == project_ref).values(user_ref=user_ref, activated_at=now_ms())
    )


def end_activations(connection: Connection, user_ref: int) -> None:
    """Ask for new activations of the projects that act as a user."""
    connection.execute(
        update(projects).where(projects.c.user_ref == user_ref).values(user_ref=None, activated_at=None)
    )


def issue_token(
    connection: Connection, lifetime: int, *, project_ref: int | None = None, user_ref: int | None = None
) -> str:
    """An opaque token of a project or a user, valid for `lifetime` seconds. Only its digest is kept."""
    token = random_text(28)
    now = now_ms()
    connection.execute(delete(tokens).where(tokens.c.expires_at < now))
    connection.execute(
        insert(tokens).values(
            digest=token_digest(token),
            project_ref=project_ref,
            user_ref=user_ref,
            expires_at=now + lifetime * 1000,
        )
    )
    return token


def token_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Bearer(msgspec.Struct, frozen=True):
    """Who holds a token. `scope` is None for a project that is not activated."""

    project_ref: int | None
    scope: Scope | None
    expires_at: int

    @property
    def account(self) -> str:
        """What a request rate is counted against."""
        if self.project_ref is not None:
            return f"project-{self.project_ref}"
        return f"user-{self.scope.user_ref}" if self.scope else "nobody"


def bearer_of(connection: Connection, digest: bytes) -> Bearer | None:
    """The holder of a token that is still valid."""
    token = connection.execute(
        select(
            tokens.c.project_ref, tokens.c.user_ref, tokens.c.expires_at, projects.c.user_ref.label("bound")
        )
        .join(projects, projects.c.ref == tokens.c.project_ref, isouter=True)
        .where(tokens.c.digest == digest)
    ).first()
    if token is None or token.expires_at <= now_ms():
        return None
    user_ref = token.user_ref if token.user_ref is not None else token.bound
    scope = None if user_ref is None else scope_of_user(connection, user_ref)
    return Bearer(token.project_ref, scope, token.expires_at)


def scope_of_user(connection: Connection, user_ref: int) -> Scope | None:
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
        .where(users.c.ref == user_ref)
    ).first()
    return None if row is None else Scope(*row)


def revoke_token(connection: Connection, token: str) -> None:
    connection.execute(delete(tokens).where(tokens.c.digest == token_digest(token)))


def find_operator(connection: Connection, code: str) -> int:
    ref = connection.execute(select(operators.c.ref).where(operators.c.code == code)).scalar()
    if ref is None:
        raise BadRequest(f"there is no operator {code}")
    return int(ref)


def find_subscriber(connection: Connection, customer_id: str) -> tuple[int, int]:
    """Reference of a subscriber and of its operator."""
    row = connection.execute(
        select(subscribers.c.ref, subscribers.c.operator_ref).where(subscribers.c.customer_id == customer_id)
    ).first()
    if row is None:
        raise BadRequest(f"there is no subscriber {customer_id}")
    return row.ref, row.operator_ref
