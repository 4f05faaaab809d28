"""Lists of a subscriber's devices, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, Connection, bindparam, func, select

from veldnet.domain.health import HEALTH
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.store import Prepared
from veldnet.store.schema import connectivity_plans, devices

from .blocks import devices_by_block, place_in
from .view import (
    Observed,
    commercial_details,
    configuration,
    device_query,
    device_records,
    minimal,
    statistics_of,
)

PAGE = 100
View = Literal["minimal", "configuration"]


class Filter(msgspec.Struct, frozen=True):
    """Which devices a list holds, and what it says of them."""

    dev_eui: str | None = None
    health_state: str | None = None
    connectivity_plan_id: str | None = None
    page_index: int | None = None
    view: View = "minimal"
    statistics: bool = False
    commercial_details: bool = False


_OWN = devices.c.subscriber_ref == bindparam("subscriber")
_MOST = bindparam("most", type_=BigInteger)
_PLANS = select(connectivity_plans.c.ref).where(
    connectivity_plans.c.operator_ref == bindparam("operator"), connectivity_plans.c.id == bindparam("plan")
)
_CHOSEN = {
    "dev_eui": devices.c.dev_eui == bindparam("dev_eui"),
    "health": devices.c.health == bindparam("health"),
    "without_plan": devices.c.plan_ref.is_(None),
    "with_plan": devices.c.plan_ref.is_not(None),
    "plan": devices.c.plan_ref.in_(_PLANS),
    "first": devices.c.ref >= bindparam("first"),
}


@cache
def _page(*wanted: str) -> Prepared:
    """Devices for which those of `_CHOSEN` that are named hold, and of these one page where that is wanted:
    found in indexes of `devices` alone."""
    chosen = [_CHOSEN[name] for name in wanted if name in _CHOSEN]
    refs = select(devices.c.ref).where(_OWN, *chosen).order_by(devices.c.ref)
    if "offset" in wanted:
        refs = refs.limit(PAGE).offset(bindparam("offset", type_=BigInteger))
    return Prepared(device_query().where(devices.c.ref.in_(refs)))


def _wanted(connection: Connection, scope: Scope, wanted: Filter) -> dict[str, Any]:
    """What `_page` is made of, with its values."""
    values: dict[str, Any] = {}
    if wanted.dev_eui is not None:
        values["dev_eui"] = wanted.dev_eui.upper()
    if wanted.health_state is not None:
        values["health"] = HEALTH.index(wanted.health_state)
    if wanted.connectivity_plan_id == "_NOCP":
        values["without_plan"] = None
    elif wanted.connectivity_plan_id == "_CP":
        values["with_plan"] = None
    elif wanted.connectivity_plan_id is not None:
        values["plan"] = wanted.connectivity_plan_id
    if wanted.page_index is not None:
        offset = (wanted.page_index - 1) * PAGE
        if wanted.dev_eui is None and wanted.connectivity_plan_id is None:
            blocks = devices_by_block(connection, scope, wanted.health_state)
            values["first"], offset = place_in(blocks, offset)
        values["offset"] = offset
    return values


def list_devices(
    connection: Connection, scope: Scope, wanted: Filter, observed: Observed | None = None
) -> list[Device]:
    """Devices of the subscriber in order of their refs; pages hold 100."""
    values = _wanted(connection, scope, wanted)
    query = _page(*values)
    values |= {"subscriber": scope.subscriber_ref, "operator": scope.operator_ref}
    build = minimal if wanted.view == "minimal" else configuration
    listed = []
    for row in device_records(connection, query, values):
        device = build(row, Device)
        if wanted.statistics:
            device.statistics = statistics_of(row, observed)
        if wanted.commercial_details:
            device.commercialDetails = commercial_details(row)
        listed.append(device)
    return listed


def refs_of(connection: Connection, scope: Scope, dev_euis: Sequence[str]) -> dict[str, int]:
    """The numbers of the subscriber's devices among some DevEUIs."""
    values = {"subscriber": scope.subscriber_ref, "dev_euis": list(dev_euis)}
    return dict(_REFS.columns(connection, values))


def dev_euis_of(connection: Connection, scope: Scope, refs: Sequence[int]) -> dict[int, str]:
    """The DevEUIs of the subscriber's devices among some numbers."""
    return dict(_DEV_EUIS.columns(connection, {"subscriber": scope.subscriber_ref, "refs": list(refs)}))


def refs_of_all(connection: Connection, scope: Scope, most: int) -> list[int]:
    """The numbers of the subscriber's devices, so many at most."""
    return [
        ref for (ref,) in _ALL_REFS.columns(connection, {"subscriber": scope.subscriber_ref, "most": most})
    ]


_REFS = Prepared(
    select(devices.c.dev_eui, devices.c.ref).where(
        _OWN, devices.c.dev_eui.in_(bindparam("dev_euis", expanding=True))
    )
)
_DEV_EUIS = Prepared(
    select(devices.c.ref, devices.c.dev_eui).where(_OWN, devices.c.ref.in_(bindparam("refs", expanding=True)))
)
_ALL_REFS = Prepared(select(devices.c.ref).where(_OWN).order_by(devices.c.ref).limit(_MOST))
_WITHOUT_ROUTING = select(devices.c.ref).where(_OWN, devices.c.routing_profile_ref.is_(None)).limit(_MOST)
_COUNT_WITHOUT_ROUTING = Prepared(select(func.count()).select_from(_WITHOUT_ROUTING.subquery()))


def count_devices(connection: Connection) -> int:
    """The devices of all subscribers of the installation."""
    return connection.execute(select(func.count()).select_from(devices)).scalar_one()


def count_without_routing(connection: Connection, scope: Scope, most: int) -> int:
    """The subscriber's devices whose messages go nowhere; at most so many are counted."""
    found = _COUNT_WITHOUT_ROUTING.scalar(connection, {"subscriber": scope.subscriber_ref, "most": most})
    return int(found)


def registered(connection: Connection, dev_euis: Sequence[str]) -> set[str]:
    """Which of the DevEUIs are registered, whoever has them."""
    found: set[str] = set()
    for start in range(0, len(dev_euis), 500):
        part = dev_euis[start : start + 500]
        found.update(
            row.dev_eui
            for row in connection.execute(select(devices.c.dev_eui).where(devices.c.dev_eui.in_(part)))
        )
    return found
