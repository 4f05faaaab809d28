"""Device search by text, filters and order, paginated.

Conditions and order are answered by indexes of `devices` alone; only the page itself is read whole.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, func, or_, select

from veldnet.domain.health import HEALTH
from veldnet.domain.resources import VeldnetDevice, timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.routing_profiles import find_by_id
from veldnet.store import named
from veldnet.store.expressions import total, with_text
from veldnet.store.schema import alarms, connectivity_plans, device_counts, device_profiles, devices

from .by_alarm import Slice, refs_by_alarm
from .by_standing import ReadStanding, Sorting, StandingOrder, is_standing, refs_by_standing
from .tags import with_tag
from .view import Observed, configurations

ColumnOrder = Literal["created", "-created", "name", "-name", "deviceEUI", "-deviceEUI"]
AlarmOrder = Literal["alarm", "-alarm"]
Order = Literal[ColumnOrder, AlarmOrder, StandingOrder]
AlarmLevel = Literal["ANY", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
ALARM_LEVELS: dict[str, int] = {"ANY": 1, "WARNING": 3, "MINOR": 4, "MAJOR": 5, "CRITICAL": 6}
# Beyond this matches are no longer counted.
MOST_COUNTED = 10_000
_COLUMNS = {"created": devices.c.ref, "name": devices.c.name, "deviceEUI": devices.c.dev_eui}


class Wanted(msgspec.Struct, frozen=True):
    """Which devices: `text` is part of name or DevEUI, upper or lower case; `alarm` a name of ALARM_LEVELS,
    of alarms that nobody has acknowledged."""

    text: str | None = None
    health: str | None = None
    plan_id: str | None = None
    profile_id: str | None = None
    routing_profile_id: str | None = None
    tag: str | None = None
    alarm: str | None = None

    @property
    def all(self) -> bool:
        return self == Wanted(health=self.health)


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
    chosen = devices.c.subscriber_ref == scope.subscriber_ref
    if wanted.text:
        eui = wanted.text.upper().replace("-", "").replace(":", "")
        options = [with_text(devices.c.name, wanted.text)]
        if all(character in "0123456789ABCDEF" for character in eui):
            options.append(with_text(devices.c.dev_eui, eui))
        chosen &= or_(*options)
        ways = [[wanted.text]] if len(options) == 1 or eui == wanted.text.upper() else [[wanted.text], [eui]]
        narrowed = named(connection, *ways)
        if narrowed is not None:
            chosen &= narrowed
    if wanted.health is not None:
        chosen &= devices.c.health == HEALTH.index(wanted.health)
    if wanted.plan_id is not None:
        plan = connection.execute(
            select(connectivity_plans.c.ref).where(
                connectivity_plans.c.operator_ref == scope.operator_ref,
                connectivity_plans.c.id == wanted.plan_id,
            )
        ).scalar()
        chosen &= devices.c.plan_ref == (-1 if plan is None else plan)
    if wanted.profile_id is not None:
        profile = connection.execute(
            select(device_profiles.c.ref).where(
                device_profiles.c.operator_ref == scope.operator_ref,
                device_profiles.c.id == wanted.profile_id,
            )
        ).scalar()
        chosen &= devices.c.profile_ref == (-1 if profile is None else profile)
    if wanted.routing_profile_id is not None:
        ref = find_by_id(connection, scope, wanted.routing_profile_id)
        chosen &= devices.c.routing_profile_ref == (-1 if ref is None else ref)
    if wanted.tag is not None:
        chosen &= with_tag(scope, wanted.tag)
    if wanted.alarm is not None:
        alarmed = select(alarms.c.device_ref).where(
            alarms.c.subscriber_ref == scope.subscriber_ref,
            alarms.c.acked.is_(False),
            alarms.c.state >= ALARM_LEVELS[wanted.alarm],
        )
        chosen &= devices.c.ref.in_(alarmed)
    return chosen


def _count(connection: Connection, scope: Scope, wanted: Wanted) -> int:
    """How many devices there are in all, or in a state of health."""
    query = select(total(device_counts.c.devices)).where(
        device_counts.c.subscriber_ref == scope.subscriber_ref
    )
    if wanted.health is not None:
        query = query.where(device_counts.c.health == HEALTH.index(wanted.health))
    return connection.execute(query).scalar_one()


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
    # The blocks tell how many there are of all; else one look finds the page and how many there are, as far
    # as they are counted.
    total = _count(connection, scope, wanted) if wanted.all else 0
    at = None
    if is_standing(paging.order):
        sorting = Sorting(paging.order, standing)
        # Of filters other than these no pages beyond what is counted are shown.
        limit = paging.size if wanted.all else max(min(paging.size, MOST_COUNTED - paging.offset), 0)
        part = Slice(paging.offset, limit, total)
        chosen = None if wanted == Wanted() else condition(connection, scope, wanted)
        found = refs_by_standing(connection, scope, chosen, sorting, part)
        refs, total, at = found.refs, found.found, found.at
    elif wanted.all:
        refs = _ordered(connection, scope, wanted, paging.order, Slice(paging.offset, paging.size, total))
    else:
        refs = _ordered(connection, scope, wanted, paging.order, Slice(0, MOST_COUNTED + 1, total))
        total, refs = len(refs), refs[:MOST_COUNTED][paging.offset : paging.offset + paging.size]
    listed = {str(device.ref): device for device in configurations(connection, refs, observed)}
    more = not wanted.all and total > MOST_COUNTED
    return Found(
        [listed[str(ref)] for ref in refs if str(ref) in listed],
        MOST_COUNTED if more else total,
        more,
        None if at is None else timestamp(at),
    )


def _ordered(connection: Connection, scope: Scope, wanted: Wanted, order: Order, part: Slice) -> list[int]:
    chosen = condition(connection, scope, wanted)
    if order == "alarm" or order == "-alarm":
        return refs_by_alarm(connection, scope, chosen, order == "-alarm", part)
    column = _COLUMNS[order.removeprefix("-")]
    descending = order.startswith("-")
    query = select(devices.c.ref).where(chosen)
    if column is devices.c.name:
        # Names may be alike.
        query = query.order_by(
            column.desc() if descending else column,
            devices.c.dev_eui.desc() if descending else devices.c.dev_eui,
        )
    else:
        # Words are looked for in an index of names and EUIs; an order that another index has would lure the
        # store away to the rows themselves, one by one.
        by = column if wanted.text is None or column is devices.c.dev_eui else column + 0
        query = query.order_by(by.desc() if descending else by)
    return list(connection.execute(query.limit(part.limit).offset(part.offset)).scalars())


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
