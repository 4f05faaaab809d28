"""On whose behalf something is done."""

from __future__ import annotations

import msgspec


class Scope(msgspec.Struct, frozen=True):
    """The subscriber whose resources a caller sees, and the user who acts."""

    operator_ref: int
    subscriber_ref: int
    customer_id: str
    user_ref: int
    username: str
    display_name: str
