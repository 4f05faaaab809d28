"""The oldest messages of a subscriber, or of all subscribers of an operator.

An index has the messages of each subscriber and state in their order. To find those of an operator among all
messages takes the longer, the more of them others have; so the lists of its subscribers are merged, and each
is read as far as needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, union_all

from veldnet.store.schema import deliveries, subscribers

# Of all ids.
EVER = (0, (1 << 63) - 1)
# Of each list this many times its share is read at first, and at least so many.
_SHARES, _LEAST = 8, 8

# A subscriber and a state.
_Key = tuple[int, int]


class Whose(NamedTuple):
    """Those of a subscriber, of all of an operator, or of all subscribers."""

    subscriber_ref: int | None = None
    operator_ref: int | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        if self.subscriber_ref is not None:
            return subscribers.c.ref == self.subscriber_ref
        return subscribers.c.operator_ref == self.operator_ref


ANYBODY = Whose()


def oldest_messages(
    connection: Connection, whose: Whose, states: Iterable[int], within: tuple[int, int], most: int
) -> list[int]:
    """The ids of at most so many messages in some states, oldest first, with ids from the first until before
    the second of `within`."""
    firsts = union_all(*(_firsts(whose, state, within) for state in states))
    found = [(row.id, (row.ref, row.state)) for row in connection.execute(firsts) if row.id is not None]
    if not found:
        return []
    # What begins behind so many others has none of the oldest.
    keys = [key for _first, key in sorted(found)[:most]]
    size = min(most, max(_LEAST, _SHARES * most // len(keys)))
    begun: dict[_Key, list[int]] = defaultdict(list)
    beginnings = union_all(
        *(
            _beginnings([ref for ref, its in keys if its == state], state, within, size)
            for state in {state for _ref, state in keys}
        )
    )
    for ref, state, each in connection.execute(beginnings):
        begun[ref, state].append(each)
    lists = (_listed(connection, key, sorted(ids), within, size) for key, ids in begun.items())
    return list(islice(merge(*lists), most))


def _inside(ref: ColumnElement[Any], state: int, within: tuple[int, int]) -> ColumnElement[bool]:
    columns = deliveries.c
    return (
        (columns.subscriber_ref == ref)
        & (columns.state == state)
        & (columns.id >= within[0])
        & (columns.id < within[1])
    )


def _firsts(whose: Whose, state: int, within: tuple[int, int]) -> Select[Any]:
    """Of each subscriber the oldest one."""
    first = (
        select(deliveries.c.id)
        .where(_inside(subscribers.c.ref, state, within))
        .order_by(deliveries.c.id)
        .limit(1)
    )
    columns = subscribers.c.ref, literal(state).label("state"), first.scalar_subquery().label("id")
    return select(*columns).where(whose.condition)


def _beginnings(refs: list[int], state: int, within: tuple[int, int], size: int) -> Select[Any]:
    """Of each of some subscribers so many of the oldest."""
    other = deliveries.alias()
    last = (
        select(other.c.id)
        .where(
            other.c.subscriber_ref == subscribers.c.ref,
            other.c.state == state,
            other.c.id >= within[0],
            other.c.id < within[1],
        )
        .order_by(other.c.id)
        .limit(1)
        .offset(size - 1)
        .correlate(subscribers)
        .scalar_subquery()
    )
    # One upper bound alone: the store would take another one for the range of the index.
    inside = (
        (deliveries.c.subscriber_ref == subscribers.c.ref)
        & (deliveries.c.state == state)
        & (deliveries.c.id >= within[0])
        & (deliveries.c.id <= func.coalesce(last, within[1] - 1))
    )
    return (
        select(subscribers.c.ref, literal(state).label("state"), deliveries.c.id)
        .select_from(subscribers.join(deliveries, inside))
        .where(subscribers.c.ref.in_(refs))
    )


def _listed(
    connection: Connection, key: _Key, begun: list[int], within: tuple[int, int], size: int
) -> Iterator[int]:
    """A subscriber's messages in a state; what follows on `begun` is read once it is wanted."""
    yield from begun
    while len(begun) == size:
        size *= 2
        query = select(deliveries.c.id).where(_inside(literal(key[0]), key[1], (begun[-1] + 1, within[1])))
        begun = list(connection.execute(query.order_by(deliveries.c.id).limit(size)).scalars())
        yield from begun
