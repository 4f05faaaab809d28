"""Devices in the order of their worst alarms: those that have one, by an index of alarms that nobody has
acknowledged, and the others."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from veldnet.domain.scope import Scope
from veldnet.store.schema import alarms, devices


class Slice(msgspec.Struct, frozen=True):
    """Which of the devices found; where `offset` is not 0, `total` is how many there are."""

    offset: int
    limit: int
    total: int


def refs_by_alarm(
    connection: Connection, scope: Scope, chosen: ColumnElement[bool], worst_first: bool, part: Slice
) -> list[int]:
    """The refs of a slice of devices, those with the most severe alarms first or last."""
    worst = func.max(alarms.c.state)
    unacknowledged = alarms.c.subscriber_ref == scope.subscriber_ref, alarms.c.acked.is_(False)
    by_device = (
        select(alarms.c.device_ref, worst.label("worst"))
        .where(*unacknowledged)
        .group_by(alarms.c.device_ref)
        .subquery()
    )
    order = by_device.c.worst.desc() if worst_first else by_device.c.worst
    alarmed = (
        select(devices.c.ref)
        .join(by_device, by_device.c.device_ref == devices.c.ref)
        .where(chosen)
        .order_by(order, devices.c.ref)
    )
    calm = (
        select(devices.c.ref)
        .where(chosen, devices.c.ref.not_in(select(alarms.c.device_ref).where(*unacknowledged)))
        .order_by(devices.c.ref)
    )
    first, second = (alarmed, calm) if worst_first else (calm, alarmed)
    refs = list(connection.execute(first.limit(part.limit).offset(part.offset)).scalars())
    missing = part.limit - len(refs)
    if missing == 0:
        return refs
    before = part.offset + len(refs)
    if not refs and part.offset:
        # The slice begins within the second part, or at its end.
        counted = select(func.count()).select_from(alarmed.order_by(None).subquery())
        with_alarm = connection.execute(counted).scalar_one()
        before = with_alarm if worst_first else part.total - with_alarm
    rest = second.limit(missing).offset(max(part.offset - before, 0))
    return refs + list(connection.execute(rest).scalars())
