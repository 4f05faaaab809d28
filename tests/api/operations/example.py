"""An example of an operation: a request that it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests.api.operations.world import World


class Example(msgspec.Struct, frozen=True):
    """A request: what stands for the names in its path, its body, its query, and a body that is no JSON."""

    path: dict[str, str] = {}
    body: Any = None
    query: str = ""
    text: str | None = None
    # A GET that never ends is asked as HEAD.
    method: str = ""
    anonymous: bool = False
    cookies: dict[str, str] = {}


Make = Callable[[World], Example]


def of_device(**rest: Any) -> Make:
    return lambda w: Example({"deviceRef": w.device["ref"]}, **rest)


def plain(**rest: Any) -> Make:
    return lambda _w: Example(**rest)
