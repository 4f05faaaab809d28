"""Scope of a request: on whose behalf it is made."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["rw", "ro"]


class Scope(msgspec.Struct, frozen=True):
    """The subscriber whose resources a caller sees, and the user who acts."""

    operator_ref: int
    subscriber_ref: int
    customer_id: str
    user_ref: int
    username: str
    display_name: str
    # `ro` may only look.
    role: str = "rw"


class OperatorScope(msgspec.Struct, frozen=True):
    """The operator whose network a caller runs, and the person who acts."""

    operator_ref: int
    code: str
    name: str
    user_ref: int
    username: str
    display_name: str
    role: str = "rw"


def account_of(user_ref: int, *, operator: bool) -> str:
    """What the preferences of a user are kept under: users of both kinds have numbers of their own."""
    return f"{'operator' if operator else 'user'}-{user_ref}"
