"""An example of an operation."""

from __future__ import annotations

from typing import Any

import msgspec


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
