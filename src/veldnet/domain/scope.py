"""Scope of a request: on whose behalf it is made."""

from __future__ import annotations

from typing import Literal

import msgspec

# `admin` may do what `rw` may, and manages the users of its subscriber; `ro` may only look.
Role = Literal["admin", "rw", "ro"]
_RANKS: dict[str, int] = {"ro": 0, "rw": 1, "admin": 2}


def lower_role(one: str, other: str) -> str:
    """The one of two roles that may do less."""
    return min(one, other, key=lambda role: _RANKS.get(role, 0))


def may_change(role: str) -> bool:
    return _RANKS.get(role, 0) >= _RANKS["rw"]


def may_manage(role: str) -> bool:
    """Whether a role manages the users of its subscriber."""
    return role == "admin"


class Scope(msgspec.Struct, frozen=True):
    """The subscriber whose resources a caller sees, and the user who acts."""

    operator_ref: int
    subscriber_ref: int
    customer_id: str
    user_ref: int
    username: str
    display_name: str
    role: str = "rw"


class OperatorScope(msgspec.Struct, frozen=True):
    """The operator whose network a caller runs, and the person who acts; `station_access` where that person
    may run commands and open shells on base stations."""

    operator_ref: int
    code: str
    name: str
    user_ref: int
    username: str
    display_name: str
    role: str = "rw"
    station_access: bool = False


class UserRef(msgspec.Struct, frozen=True):
    """A user: of a subscriber, or of an operator; both kinds have numbers of their own."""

    ref: int
    operator: bool = False


def account_of(user_ref: int, *, operator: bool) -> str:
    """What the preferences of a user are kept under: users of both kinds have numbers of their own."""
    return f"{'operator' if operator else 'user'}-{user_ref}"
