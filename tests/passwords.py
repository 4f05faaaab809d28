"""Passwords of tests are hashed with as little work as Argon2 can do, a thousandth of the server's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher

from veldnet.inventory.accounts import credentials

SERVERS_HASHER, SERVERS_NOBODY = credentials._hasher, credentials._NOBODY
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Until the end, in this process and in those that are forked from it. A hash says how it was made, so
    that any server verifies it. Whoever does not exist is refused as quickly as others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "_hasher", _QUICK)
        patch.setattr(credentials, "_NOBODY", _QUICK.hash(secrets.token_hex()))
        yield
