"""What is to be done, or was done, with the things of a fleet."""

from __future__ import annotations

from typing import Literal

import msgspec

from veldnet.inventory.differences import Difference

Action = Literal["create", "change", "none", "error"]


class Step(msgspec.Struct, frozen=True):
    """What is to be done with a thing, or why it cannot be."""

    kind: str
    key: str
    action: Action
    differences: list[Difference] = []
    error: str | None = None
