"""Creates passwords, secrets and tokens, and the digests that are stored."""

from __future__ import annotations

import hashlib
import secrets
import string

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from veldnet.domain.errors import InvalidField

_ALPHABET = string.ascii_letters + string.digits
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# The hash of a random text. Verified against when a name is unknown, so that the answer takes as long as for
# a known one; made with the parameters above.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$+XRfW3gGv/gooyFm4ROp5A$NSXxk4J50RhKJKVzYETfqaQfuEDzNtzLuh582meKJKk"
MAX_PASSWORD = 256
# In place of the hash of a user who has no password and signs in at an identity provider.
NO_PASSWORD = ""


def random_text(length: int) -> str:
    """Random letters and digits, about 5.95 bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def hash_password(password: str) -> str:
    """Argon2id; takes tens of milliseconds, so never on the event loop."""
    if not 8 <= len(password) <= MAX_PASSWORD:
        raise InvalidField("a password has 8 to {max_password} characters", max_password=MAX_PASSWORD)
    return _hasher.hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether a password is right; None stands for a user that does not exist. Takes as long for one that has
    none."""
    try:
        fits = _hasher.verify(password_hash or _NOBODY, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash not in (None, NO_PASSWORD)


def secret_digest(secret: str) -> str:
    """What is kept of a project's secret."""
    # Secrets are random and long, so a plain digest is as good as a slow one.
    return hashlib.sha256(secret.encode()).hexdigest()


def token_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
