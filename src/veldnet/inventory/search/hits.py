"""What is searched for, on whose behalf, and what is found."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, select

from veldnet.store.expressions import with_text
from veldnet.store.schema import subscribers

HitKind = Literal[
    "device",
    "baseStation",
    "subscriber",
    "user",
    "routingProfile",
    "connectivityPlan",
    "deviceProfile",
    "hsmGroup",
    "decoder",
]
# More words narrow nothing down any more.
_MOST_WORDS = 6
# Digits of a DevEUI.
EUI = 16
_HEXADECIMAL = frozenset("0123456789ABCDEF")


class Sight(msgspec.Struct, frozen=True):
    """What a caller sees: the things of a subscriber; without one, those of the whole operator."""

    operator_ref: int
    subscriber_ref: int | None = None

    def owns(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Rows whose column names a subscriber that may be seen."""
        if self.subscriber_ref is not None:
            return column == self.subscriber_ref
        return column.in_(select(subscribers.c.ref).where(subscribers.c.operator_ref == self.operator_ref))


class Hit(msgspec.Struct):
    """Something that was found. `ref` names it in its own operations; `detail` is its EUI, id or address.
    An operator's user is told the subscriber it belongs to. `matched` is the tag or DevAddr that was found,
    where neither name nor detail show it."""

    ref: str
    name: str
    detail: str
    customerId: str | None = None
    subscriberName: str | None = None
    matched: str | None = None


class HitGroup(msgspec.Struct):
    """Hits of a kind; `more` says that there are others."""

    kind: HitKind
    hits: list[Hit]
    more: bool

    @classmethod
    def of(cls, kind: HitKind, found: list[Hit], limit: int) -> HitGroup:
        return cls(kind, found[:limit], len(found) > limit)


class Phrase(msgspec.Struct, frozen=True):
    """The text as it was typed, its words, and its hexadecimal digits if it is an EUI or address, or a part
    of one."""

    text: str
    words: tuple[str, ...]
    digits: str | None

    @classmethod
    def of(cls, text: str) -> Phrase:
        words = tuple(text.split()[:_MOST_WORDS])
        digits = text.upper().replace("-", "").replace(":", "").replace(" ", "")
        return cls(
            text.strip(), words, digits if len(digits) >= 2 and _HEXADECIMAL.issuperset(digits) else None
        )

    @property
    def exact(self) -> bool:
        """Whether it is a whole EUI."""
        return self.digits is not None and len(self.digits) == EUI

    def within(self, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
        """Each word stands in one of the columns, in upper or lower case."""
        joined = columns[0]
        for column in columns[1:]:
            joined = joined + " " + column
        return and_(*(with_text(joined, word) for word in self.words))


def after(prefix: str) -> str:
    """The first text behind all that begin with a prefix."""
    return prefix[:-1] + chr(min(ord(prefix[-1]) + 1, 0x10FFFF))
