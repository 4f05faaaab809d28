"""Lists of a subscriber's devices, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, Select, func, select

from veldnet.domain.health import HEALTH
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
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


def _chosen(connection: Connection, scope: Scope, wanted: Filter) -> Select[int]:
    """Refs of the devices that a filter lets through, one page of them: from indexes of `devices` alone."""
    query = select(devices.c.ref).where(devices.c.subscriber_ref == scope.subscriber_ref)
    if wanted.dev_eui is not None:
        query = query.where(devices.c.dev_eui == wanted.dev_eui.upper())
    if wanted.health_state is not None:
        query = query.where(devices.c.health == HEALTH.index(wanted.health_state))
    if wanted.connectivity_plan_id == "_NOCP":
        query = query.where(devices.c.plan_ref.is_(None))
    elif wanted.connectivity_plan_id == "_CP":
        query = query.where(devices.c.plan_ref.is_not(None))
    elif wanted.connectivity_plan_id is not None:
        plans = select(connectivity_plans.c.ref).where(
            connectivity_plans.c.operator_ref == scope.operator_ref,
            connectivity_plans.c.id == wanted.connectivity_plan_id,
        )
        query = query.where(devices.c.plan_ref.in_(plans))
    query = query.order_by(devices.c.ref)
    if wanted.page_index is not None:
        offset = (wanted.page_index - 1) * PAGE
        if wanted.dev_eui is None and wanted.connectivity_plan_id is None:
            blocks = devices_by_block(connection, scope, wanted.health_state)
            first, offset = place_in(blocks, offset)
            query = query.where(devices.c.ref >= first)
        query = query.limit(PAGE).offset(offset)
    return query


def list_devices(
    connection: Connection, scope: Scope, wanted: Filter, observed: Observed | None = None
) -> list[Device]:
    """Devices of the subscriber in order of their refs; pages hold 100."""
    query = device_query().where(devices.c.ref.in_(_chosen(connection, scope, wanted)))
    build = minimal if wanted.view == "minimal" else configuration
    listed = []
    for row in device_records(connection, query):
        device = build(row, Device)
        if wanted.statistics:
            device.statistics = statistics_of(row, observed)
        if wanted.commercial_details:
            device.commercialDetails = commercial_details(row)
        listed.append(device)
    return listed


def refs_of(connection: Connection, scope: Scope, dev_euis: Sequence[str]) -> dict[str, int]:
    """The numbers of the subscriber's devices among some DevEUIs."""
    rows = connection.execute(
        select(devices.c.dev_eui, devices.c.ref).where(
            devices.c.subscriber_ref == scope.subscriber_ref, devices.c.dev_eui.in_(dev_euis)
        )
    )
    return {row.dev_eui: row.ref for row in rows}


def refs_of_all(connection: Connection, scope: Scope, most: int) -> list[int]:
    """The numbers of the subscriber's devices, so many at most."""
    query = select(devices.c.ref).where(devices.c.subscriber_ref == scope.subscriber_ref).limit(most)
    return list(connection.execute(query.order_by(devices.c.ref)).scalars())


def count_devices(connection: Connection) -> int:
    """The devices of all subscribers of the installation."""
    return connection.execute(select(func.count()).select_from(devices)).scalar_one()


def count_without_routing(connection: Connection, scope: Scope, most: int) -> int:
    """The subscriber's devices whose messages go nowhere; at most so many are counted."""
    found = select(devices.c.ref).where(
        devices.c.subscriber_ref == scope.subscriber_ref, devices.c.routing_profile_ref.is_(None)
    )
    return connection.execute(select(func.count()).select_from(found.limit(most).subquery())).scalar_one()


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
