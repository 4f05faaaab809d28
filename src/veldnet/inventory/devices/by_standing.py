"""Devices in the order of their last uplinks or error rates; those that were never heard come last, whichever
way round.

As many as are counted are put in order by what monitoring has stored of each. Among more, an index leads to
the hour or percent as the chore that orders devices has found them; within these the order is exact again,
unless very many are alike: then it is within a page.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, TypeGuard, get_args

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select

from veldnet.domain.errors import BadRequest
from veldnet.domain.health import Standing
from veldnet.domain.scope import Scope
from veldnet.store import read_property
from veldnet.store.expressions import unindexed
from veldnet.store.schema import ORDERED_AT, device_order, device_states, devices

from .blocks import BY_LAST_UPLINK, BY_PER, Part, devices_by_block, heard_by_block, rows_by_ref
from .by_alarm import Narrowed, Slice

# So many devices are put in order one by one.
EXACT = 10_000
# As many of one hour or percent are, of which a page shows some; of more those of the page: each is read.
_ALIKE = 1000
# Of so many each is looked up, which takes 1 microsecond, before the index of the order is walked through.
LOOKED_UP = 100_000
StandingOrder = Literal["lastUplink", "-lastUplink", "meanPER", "-meanPER"]
# What a device is put in order by, from what monitoring has stored of it.
ReadStanding = Callable[[bytes | None], Standing | None]


def is_standing(order: str) -> TypeGuard[StandingOrder]:
    return order in get_args(StandingOrder)


class Sorted(msgspec.Struct, frozen=True):
    """The refs of a slice of the devices found. `found` is how many there are, as far as they were counted;
    `at` is when the order was made, in Unix milliseconds, where it is not that of now."""

    refs: list[int]
    found: int
    at: int | None = None


class Sorting(msgspec.Struct, frozen=True):
    """How to put devices in order; `exact` is how many are put in order one by one, `alike` how many of those
    that stand together in the index."""

    order: StandingOrder
    read: ReadStanding
    exact: int = EXACT
    alike: int = _ALIKE

    @property
    def descending(self) -> bool:
        return self.order.startswith("-")

    @property
    def by_time(self) -> bool:
        return self.order.endswith("lastUplink")

    def key(self, monitoring: bytes | None) -> float | None:
        standing = self.read(monitoring)
        if standing is None:
            return None
        return standing.last_uplink_at if self.by_time else standing.mean_per

    def in_order(self, keys: dict[int, float]) -> list[int]:
        """Refs by their keys; of those alike by themselves."""
        return [
            ref for _key, ref in sorted(((key, ref) for ref, key in keys.items()), reverse=self.descending)
        ]


def refs_by_standing(
    connection: Connection,
    scope: Scope,
    narrowed: Narrowed | None,
    sorting: Sorting,
    part: Slice,
) -> Sorted:
    """A slice of some devices, None for all of the subscriber. `total` of the slice is how many there are, 0
    where that is not known."""
    chosen = None if narrowed is None else narrowed.chosen
    if part.total <= sorting.exact:
        few = _few(
            connection,
            devices.c.subscriber_ref == scope.subscriber_ref if chosen is None else chosen,
            sorting,
        )
        if few is not None:
            return Sorted(few[part.offset : part.offset + part.limit], len(few))
    if narrowed is not None and 0 < part.total <= LOOKED_UP:
        narrowed = Narrowed(narrowed.chosen, few=True)
    at = read_property(connection, ORDERED_AT)
    if at is None:
        raise BadRequest(
            "more than {most} devices are not in this order yet: ask again in a few minutes, or filter",
            most=sorting.exact,
        )
    refs = _Many(connection, scope, narrowed, sorting).refs(part)
    return Sorted(refs, max(part.total, sorting.exact + 1), int(at))


def _few(connection: Connection, chosen: ColumnElement[bool], sorting: Sorting) -> list[int] | None:
    """All devices in their order; None where there are too many."""
    # No order is asked for: another index would lure the store away from the one that finds them.
    query = (
        select(devices.c.ref, device_states.c.monitoring)
        .join(device_states, device_states.c.device_ref == devices.c.ref)
        .where(chosen)
        .limit(sorting.exact + 1)
    )
    rows = connection.execute(query).all()
    if len(rows) > sorting.exact:
        return None
    keys = {row.ref: sorting.key(row.monitoring) for row in rows}
    heard = {ref: key for ref, key in keys.items() if key is not None}
    return sorting.in_order(heard) + sorted(keys.keys() - heard.keys())


_PLACED = select(device_order.c.device_ref).where(device_order.c.device_ref == devices.c.ref).exists()


class _Many:
    """Devices by the index of `device_order`."""

    def __init__(
        self, connection: Connection, scope: Scope, narrowed: Narrowed | None, sorting: Sorting
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._chosen = None if narrowed is None else narrowed.chosen
        self._few = narrowed is not None and narrowed.few
        self._sorting = sorting
        self._list = BY_LAST_UPLINK if sorting.by_time else BY_PER
        # The hour of the last uplink, or the error rate in percent.
        self._rough = self._list.columns[0]

    def refs(self, part: Slice) -> list[int]:
        walk = self._heard(device_order.c.device_ref, self._rough.label("rough"))
        of = Part(part.offset, part.limit, self._sorting.descending)
        page: Select[Any] | None
        if self._chosen is None:
            page = self._list.page(self._connection, self._scope, walk, of)
        else:
            ordered = (self._rough, device_order.c.device_ref)
            walk = walk.order_by(*(column.desc() if of.last_first else column for column in ordered))
            page = walk.limit(part.limit).offset(part.offset)
        rows = [] if page is None else self._connection.execute(page).all()
        refs = self._exactly([(row.rough, row.device_ref) for row in rows])
        missing = part.limit - len(refs)
        if missing == 0:
            return refs
        chosen = self._chosen
        if chosen is None:
            return refs + self._all_never_heard(part.offset + len(refs), missing)
        heard = part.offset + len(refs)
        if not refs and part.offset:
            heard = self._connection.execute(self._heard(func.count())).scalar_one()
        behind = Slice(max(part.offset - heard, 0), missing, part.total - heard)
        return refs + self._never_heard(chosen, behind)

    def _heard(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Devices that have been heard."""
        if self._chosen is None:
            return select(*columns).where(device_order.c.subscriber_ref == self._scope.subscriber_ref)
        # Few are looked up one by one, and then put in order; of many the first in the order are soon found.
        column = device_order.c.subscriber_ref
        own = (unindexed(column) if self._few else column) == self._scope.subscriber_ref
        joined = select(*columns).join_from(device_order, devices, devices.c.ref == device_order.c.device_ref)
        return joined.where(own, self._chosen)

    def _exactly(self, places: list[tuple[int, int]]) -> list[int]:
        """Refs in their exact order within each hour or percent. Only the first and the last may go on beyond
        the slice."""
        keys = self._keys(
            select(device_order.c.device_ref).where(
                device_order.c.device_ref.in_([ref for _rough, ref in places])
            )
        )
        groups = [(rough, [ref for _rough, ref in group]) for rough, group in groupby(places, itemgetter(0))]
        exact = []
        for number, (rough, refs) in enumerate(groups):
            alike = None
            if number in (0, len(groups) - 1):
                found = self._keys(
                    self._heard(device_order.c.device_ref)
                    .where(self._rough == rough)
                    .limit(self._sorting.alike + 1)
                )
                alike = found if len(found) <= self._sorting.alike else None
            if alike is None:
                exact += self._sorting.in_order({ref: keys[ref] for ref in refs})
            else:
                # Where these would stand if the slice held them all.
                first = sorted(alike, reverse=self._sorting.descending).index(refs[0])
                exact += self._sorting.in_order(alike)[first : first + len(refs)]
        return exact

    def _keys(self, refs: Select[tuple[int]]) -> dict[int, float]:
        rows = self._connection.execute(
            select(device_states.c.device_ref, device_states.c.monitoring).where(
                device_states.c.device_ref.in_(refs)
            )
        )
        # What was heard of one may have been dropped since.
        return {row.device_ref: self._sorting.key(row.monitoring) or 0.0 for row in rows}

    def _all_never_heard(self, offset: int, limit: int) -> list[int]:
        """A slice of all devices, of which those that have been heard come first."""
        heard = heard_by_block(self._connection, self._scope)
        blocks = [
            (block, count - heard.get(block, 0))
            for block, count in devices_by_block(self._connection, self._scope)
        ]
        query = select(devices.c.ref).where(devices.c.subscriber_ref == self._scope.subscriber_ref, ~_PLACED)
        return rows_by_ref(self._connection, query, blocks, Part(offset - sum(heard.values()), limit))

    def _never_heard(self, chosen: ColumnElement[bool], part: Slice) -> list[int]:
        """A slice of those chosen; `total` is how many there are, below 1 where that is not known."""
        query = select(devices.c.ref).where(chosen, ~_PLACED)
        size = min(part.limit, part.total - part.offset)
        if size > 0 and part.offset > part.total // 2:
            # The shorter way is that from the end.
            query = query.order_by(devices.c.ref.desc()).limit(size).offset(part.total - part.offset - size)
            return list(self._connection.execute(query).scalars())[::-1]
        query = query.order_by(devices.c.ref).limit(part.limit).offset(part.offset)
        return list(self._connection.execute(query).scalars())
