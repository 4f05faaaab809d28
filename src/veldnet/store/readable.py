"""Rows of which one that cannot be read keeps no others from being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")


def readable(kind: str, rows: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """What rows hold. Those that `read` cannot make sense of are logged by their `ref`, and left out."""
    for row in rows:
        try:
            found = read(row)
        except (msgspec.MsgspecError, ValueError, TypeError, LookupError) as error:
            log.error("row_unreadable", kind=kind, ref=getattr(row, "ref", None), error=repr(error))
            continue
        yield found
