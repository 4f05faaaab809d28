"""Rows of which one that cannot be read keeps no others from being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")

# What `read` raises for a row that it cannot make sense of.
UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, LookupError)
# Characters of the reason.
_LONGEST = 200


def readable(
    kind: str,
    rows: Iterable[Any],
    read: Callable[[Any], T],
    damaged: Callable[[Any, str], T] | None = None,
) -> Iterator[T]:
    """What rows hold. Those that `read` cannot make sense of are logged by their `ref`, and left out, or with
    `damaged` in the place that they have, as that shows them with the reason."""
    for row in rows:
        try:
            found = read(row)
        except UNREADABLE as error:
            log.error("row_unreadable", kind=kind, ref=getattr(row, "ref", None), error=repr(error))
            if damaged is None:
                continue
            found = damaged(row, (str(error) or repr(error))[:_LONGEST])
        yield found
