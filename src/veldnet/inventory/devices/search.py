"""Device search by text, filters and order, paginated.

Conditions and order are answered by indexes of `devices` alone; only the page itself is read whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    or_,
    select,
    true,
)

from veldnet.domain.health import HEALTH
from veldnet.domain.resources import VeldnetDevice, timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.routing_profiles import find_by_id
from veldnet.store import Prepared, named, plan_each_time
from veldnet.store.expressions import beginning_with, looked_up, total, unindexed, with_text
from veldnet.store.schema import connectivity_plans, device_counts, device_profiles, device_tags, devices

from .blocks import BY_EUI, BY_NAME, Part, refs_by_ref
from .by_alarm import Narrowed, Slice, all_by_alarm, refs_by_alarm
from .by_standing import (
    LOOKED_UP,
    ReadStanding,
    Sorting,
    StandingOrder,
    is_standing,
    refs_by_standing,
)
from .tags import refs_in_order, with_tag
from .view import Observed, configurations

ColumnOrder = Literal["created", "-created", "name", "-name", "deviceEUI", "-deviceEUI"]
AlarmOrder = Literal["alarm", "-alarm"]
Order = Literal[ColumnOrder, AlarmOrder, StandingOrder]
AlarmLevel = Literal["ANY", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
ALARM_LEVELS: dict[str, int] = {"ANY": 1, "WARNING": 3, "MINOR": 4, "MAJOR": 5, "CRITICAL": 6}
# Beyond this matches are no longer counted.
MOST_COUNTED = 10_000
_MOST_LOOKED_AT = 30_000
_COLUMNS = {"created": devices.c.ref, "name": devices.c.name, "deviceEUI": devices.c.dev_eui}


class Wanted(msgspec.Struct, frozen=True):
    """Which devices: `text` is part of name or DevEUI, `name` how the name begins, both in upper or lower
    case; `dev_euis` in upper case; `alarm` a name of ALARM_LEVELS, of alarms that nobody has
    acknowledged."""

    text: str | None = None
    name: str | None = None
    health: str | None = None
    plan_id: str | None = None
    profile_id: str | None = None
    routing_profile_id: str | None = None
    tag: str | None = None
    alarm: str | None = None
    dev_euis: tuple[str, ...] = ()

    @property
    def all(self) -> bool:
        return self == Wanted(health=self.health)

    @property
    def counted(self) -> bool:
        """Whether cells of the map are counted by all that is wanted."""
        return self.text is None and self.name is None and self.tag is None and not self.dev_euis


class Found(msgspec.Struct):
    """A page of devices. `total` counts all matches; `more` tells that there are more than could be
    counted. An order by the last uplink or the error rate among more than 10,000 devices is that of
    `orderedAt`."""

    devices: list[VeldnetDevice]
    total: int
    more: bool
    orderedAt: str | None = None


def condition(connection: Connection, scope: Scope, wanted: Wanted) -> ColumnElement[bool]:
    """The devices as a condition on `devices`."""
    return narrowed(connection, scope, wanted).chosen


def narrowed(connection: Connection, scope: Scope, wanted: Wanted, *, in_order: bool = False) -> Narrowed:
    """The devices, by the index of a filter where it finds few. Of many the first in an order that an index
    has are wanted `in_order`."""
    chosen: ColumnElement[bool] = true()
    listed = few = False
    if wanted.text:
        matching, by_index = _named(connection, wanted.text)
        chosen &= matching
        listed = by_index
    if wanted.dev_euis:
        chosen &= devices.c.dev_eui.in_(wanted.dev_euis)
        listed = True
    if wanted.name:
        chosen &= beginning_with(devices.c.name, wanted.name)
        with_name = named(connection, [wanted.name])
        if with_name is not None:
            chosen &= with_name
            listed = True
    for column, value in references(connection, scope, wanted):
        found = _few(connection, scope, column.name, value)
        # States of health stand in the indexes of all orders.
        usable = found or column is devices.c.health
        chosen &= (column if usable else unindexed(column)) == value
        few = few or found
    if wanted.tag is not None:
        few_tagged = _few(connection, scope, "tag", wanted.tag)
        tagged = with_tag(scope, wanted.tag)
        chosen &= looked_up(tagged) if in_order and not few_tagged else tagged
        listed = listed or few_tagged
    if wanted.alarm is not None:
        level, worst = ALARM_LEVELS[wanted.alarm], devices.c.alarm
        few_alarmed = _few(connection, scope, "alarm", level)
        chosen &= (worst if few_alarmed else unindexed(worst)) >= level
        few = few or few_alarmed
    # Listed devices are looked up one by one.
    own_by = unindexed(devices.c.subscriber_ref) if listed else devices.c.subscriber_ref
    return Narrowed((own_by == scope.subscriber_ref) & chosen, few or listed)


def _named(connection: Connection, words: str) -> tuple[ColumnElement[bool], bool]:
    """Devices with a text in name or DevEUI, and whether the index of names finds them."""
    eui = words.upper().replace("-", "").replace(":", "")
    options = [with_text(devices.c.name, words)]
    if all(character in "0123456789ABCDEF" for character in eui):
        options.append(with_text(devices.c.dev_eui, eui))
    ways = [[words]] if len(options) == 1 or eui == words.upper() else [[words], [eui]]
    by_index = named(connection, *ways)
    return (or_(*options) if by_index is None else or_(*options) & by_index), by_index is not None


def references(
    connection: Connection, scope: Scope, wanted: Wanted
) -> Iterator[tuple[ColumnElement[Any], int]]:
    """Columns of `devices` with the values that are wanted of them; -1 is that of none."""
    if wanted.health is not None:
        yield devices.c.health, HEALTH.index(wanted.health)
    for table, column, wanted_id in (
        (connectivity_plans, devices.c.plan_ref, wanted.plan_id),
        (device_profiles, devices.c.profile_ref, wanted.profile_id),
    ):
        if wanted_id is not None:
            query = select(table.c.ref).where(
                table.c.operator_ref == scope.operator_ref, table.c.id == wanted_id
            )
            ref = connection.execute(query).scalar()
            yield column, -1 if ref is None else ref
    if wanted.routing_profile_id is not None:
        ref = find_by_id(connection, scope, wanted.routing_profile_id)
        yield devices.c.routing_profile_ref, -1 if ref is None else ref


def _few(connection: Connection, scope: Scope, name: str, value: int | str) -> bool:
    """Whether devices are so few that they are looked at one by one, and then put in order: those that have a
    value in a column, a tag, or an alarm of a level."""
    values = {"subscriber": scope.subscriber_ref, "value": value, "most": _MOST_LOOKED_AT + 1}
    return bool(_counted(name).scalar(connection, values) <= _MOST_LOOKED_AT)


@cache
def _counted(name: str) -> Prepared:
    """How many there are, but no more than `most`."""
    table = device_tags if name == "tag" else devices
    column = table.c[name]
    value: ColumnElement[Any] = bindparam("value", type_=column.type)
    chosen = column >= value if name == "alarm" else column == value
    refs: Select[Any] = select(column).where(table.c.subscriber_ref == bindparam("subscriber"), chosen)
    limited = refs.limit(bindparam("most", type_=BigInteger)).subquery()
    return Prepared(select(func.count()).select_from(limited))


def _count(connection: Connection, scope: Scope, wanted: Wanted) -> int:
    """How many devices there are in all, or in a state of health."""
    values = {"subscriber": scope.subscriber_ref}
    if wanted.health is None:
        return int(_COUNT.scalar(connection, values))
    return int(_COUNT_OF_STATE.scalar(connection, values | {"health": HEALTH.index(wanted.health)}))


_COUNTED = select(total(device_counts.c.devices)).where(
    device_counts.c.subscriber_ref == bindparam("subscriber")
)
_COUNT = Prepared(_COUNTED)
_COUNT_OF_STATE = Prepared(_COUNTED.where(device_counts.c.health == bindparam("health")))


class Paging(msgspec.Struct, frozen=True):
    """Which page, the first is 1, in which order."""

    order: Order
    page: int
    size: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size


def search_devices(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    paging: Paging,
    observed: Observed,
    standing: ReadStanding,
) -> Found:
    """A page of what was found, with configuration and statistics of each device. `standing` reads what
    devices are put in order by from what monitoring has stored of them."""
    plan_each_time(connection)
    # The blocks tell how many there are of all; else one look finds the page and how many there are, as far
    # as they are counted.
    total = _count(connection, scope, wanted) if wanted.all else 0
    whole, at = wanted.all, None
    if is_standing(paging.order):
        sorting = Sorting(paging.order, standing)
        # Of others no pages are shown beyond what is counted.
        whole = wanted == Wanted() or 0 < total <= LOOKED_UP
        limit = paging.size if whole else max(min(paging.size, MOST_COUNTED - paging.offset), 0)
        part = Slice(paging.offset, limit, total)
        some = None if wanted == Wanted() else narrowed(connection, scope, wanted)
        if some is not None and wanted.alarm is not None:
            # Found by the index of alarms, also where many have one.
            with_alarm = devices.c.alarm >= ALARM_LEVELS[wanted.alarm]
            some = Narrowed(some.chosen & with_alarm, few=True)
        found = refs_by_standing(connection, scope, some, sorting, part)
        refs, total, at = found.refs, found.found, found.at
    elif whole:
        refs = _all(connection, scope, wanted, paging.order, Slice(paging.offset, paging.size, total))
    else:
        refs = _ordered(connection, scope, wanted, paging.order)
        total, refs = len(refs), refs[:MOST_COUNTED][paging.offset : paging.offset + paging.size]
    listed = {str(device.ref): device for device in configurations(connection, refs, observed)}
    more = not whole and total > MOST_COUNTED
    return Found(
        [listed[str(ref)] for ref in refs if str(ref) in listed],
        MOST_COUNTED if more else total,
        more,
        None if at is None else timestamp(at),
    )


def _all(connection: Connection, scope: Scope, wanted: Wanted, order: Order, part: Slice) -> list[int]:
    """A slice of all devices, or of all in a state of health, by the blocks of their lists."""
    if order == "alarm" or order == "-alarm":
        return all_by_alarm(connection, scope, wanted.health, order == "-alarm", part)
    of = Part(part.offset, part.limit, last_first=order.startswith("-"))
    by = order.removeprefix("-")
    if by == "created":
        return refs_by_ref(connection, scope, wanted.health, of)
    health = None if wanted.health is None else HEALTH.index(wanted.health)
    return (BY_NAME if by == "name" else BY_EUI).refs(connection, scope, health, of)


def _ordered(connection: Connection, scope: Scope, wanted: Wanted, order: Order) -> list[int]:
    """The refs of the first devices, and of one more than are counted."""
    most = MOST_COUNTED + 1
    by_alarm = order == "alarm" or order == "-alarm"
    if wanted.tag is not None and wanted == Wanted(tag=wanted.tag) and not by_alarm:
        return refs_in_order(connection, scope, wanted.tag, order, most)
    found = narrowed(connection, scope, wanted, in_order=True)
    if order == "alarm" or order == "-alarm":
        return refs_by_alarm(connection, found, order == "-alarm", most)
    column = _COLUMNS[order.removeprefix("-")]
    # Names may be alike.
    columns = (column, devices.c.dev_eui) if column is devices.c.name else (column,)
    # An order that another index has would lure the store away to the rows themselves, one by one: also from
    # the index of names and EUIs, where words are looked for that many have.
    away = found.few or (wanted.text is not None and column is devices.c.ref)
    by = [unindexed(each) if away else each for each in columns]
    query = select(devices.c.ref).where(found.chosen)
    query = query.order_by(*(each.desc() if order.startswith("-") else each for each in by))
    return list(connection.execute(query.limit(most)).scalars())


def devices_after(
    connection: Connection, scope: Scope, wanted: Wanted, after: int, limit: int, observed: Observed
) -> list[VeldnetDevice]:
    """The next devices behind a ref, in the order of their refs."""
    chosen = condition(connection, scope, wanted) & (devices.c.ref > after)
    refs = connection.execute(select(devices.c.ref).where(chosen).order_by(devices.c.ref).limit(limit))
    return configurations(connection, list(refs.scalars()), observed)


def newest_ref(connection: Connection, scope: Scope) -> int:
    """The ref of the subscriber's newest device; 0 without any."""
    query = select(func.max(devices.c.ref)).where(devices.c.subscriber_ref == scope.subscriber_ref)
    return int(connection.execute(query).scalar() or 0)


def refs_between(
    connection: Connection, scope: Scope, wanted: Wanted, after: int, until: int, limit: int
) -> list[int]:
    """The refs of the next devices behind one, and up to another."""
    chosen = condition(connection, scope, wanted) & (devices.c.ref > after) & (devices.c.ref <= until)
    found = connection.execute(select(devices.c.ref).where(chosen).order_by(devices.c.ref).limit(limit))
    return list(found.scalars())
