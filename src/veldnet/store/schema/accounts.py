"""Operators, subscribers and their users, and by what these prove who they are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, Table, UniqueConstraint, false

from .columns import Ref, Text, metadata

operators = Table(
    "operators",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    sqlite_autoincrement=True,
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("customer_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False, index=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    # `admin` may manage users too, `rw` may change things, `ro` may only look.
    Column("role", Text, nullable=False, server_default="rw"),
    Column("email", Text, index=True),
    # Of e-mails and of what the server says; without a choice, what the browser prefers.
    Column("language", Text),
    # Cannot sign in, and its keys and projects have no access, until somebody resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)

# How the server presents itself, where its operator has set it; one row.
branding = Table(
    "branding",
    metadata,
    # One row, numbered 1.
    Column("ref", Ref, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("colour", Text, nullable=False),
    # Without a logo that of the settings; an empty one is the built-in one.
    Column("logo", LargeBinary),
    Column("logo_type", Text),
)

# People of the operator itself; they see all its subscribers.
operator_users = Table(
    "operator_users",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False, index=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("email", Text, index=True),
    Column("language", Text),
    # Whether the user may run commands and open shells on base stations.
    Column("station_access", Boolean, nullable=False, server_default="0"),
    Column("suspended", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)


def _holder(*, unique: bool = False) -> tuple[Column[int], Column[int]]:
    """Whose a row is: a subscriber's user or an operator's. It goes with its user."""
    return (
        Column("user_ref", ForeignKey("users.ref", ondelete="CASCADE"), index=True, unique=unique or None),
        Column(
            "operator_user_ref",
            ForeignKey("operator_users.ref", ondelete="CASCADE"),
            index=True,
            unique=unique or None,
        ),
    )


# Who is signed in to the console; one of the two kinds of user. Only the digest of the cookie is kept.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_holder(),
    Column("used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False, server_default="0"),
    # The browser and the address that signed in, and through which identity provider.
    Column("agent", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("provider", Text, nullable=False, server_default=""),
    # Whether the second factor was shown.
    Column("verified", Boolean, nullable=False, server_default="0"),
)

# People that a subscriber has asked to become its users. Of the link's token only the digest is kept.
invitations = Table(
    "invitations",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("invited_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Links that set another password; only the digest of the token is kept.
password_resets = Table(
    "password_resets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_holder(),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# Personal API keys; only the digest is kept, and the beginning to recognise a key by.
api_keys = Table(
    "api_keys",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("beginning", Text, nullable=False),
    # `read`, `write` or `admin`.
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    sqlite_autoincrement=True,
)

# Second factors (TOTP): the secret as the vault seals it, and the last step whose code was taken.
second_factors = Table(
    "second_factors",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(unique=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    # Null until the first code has shown that the user has the secret.
    Column("confirmed_at", BigInteger),
    Column("last_step", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Passkeys (WebAuthn): the public key as COSE, and the authenticator's counter when it was used last.
passkeys = Table(
    "passkeys",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    # What authenticators know the user by: random, and the same for all passkeys of a user.
    Column("handle", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    # How browsers reach it, separated by commas.
    Column("transports", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    # Its counter went back, so there is a copy of it somewhere.
    Column("copied", Boolean, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

# Codes in place of the second factor, each good for once.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_holder(),
)

# As whom users sign in at identity providers (OpenID Connect).
identities = Table(
    "identities",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # What the provider calls the person, for display alone.
    Column("shown", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("issuer", "subject"),
    sqlite_autoincrement=True,
)

# What a person has set for the console, as one JSON object; `account` is `user-3` or `operator-2`.
preferences = Table(
    "preferences",
    metadata,
    Column("account", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("name", Text, nullable=False),
    Column("client_id", Text, nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False),
    Column("user_ref", ForeignKey("users.ref", ondelete="SET NULL")),
    Column("activated_at", BigInteger),
    # Whose developers made it; those of the command line belong to whoever activates them.
    Column("subscriber_ref", BigInteger),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("project_ref", ForeignKey("projects.ref", ondelete="CASCADE")),
    Column("user_ref", ForeignKey("users.ref", ondelete="CASCADE")),
    Column("expires_at", BigInteger, nullable=False, index=True),
    # As it was given for the token: clients compare it.
    Column("client_id", Text),
)
