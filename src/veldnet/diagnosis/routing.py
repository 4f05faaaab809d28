"""Findings about delivery: no routing, or refusals by application servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import decode_plan
from veldnet.store import read_timeline
from veldnet.store.schema import connectivity_plans, deliveries, routes, routing_profiles
from veldnet.texts import unpack

from .findings import Found, Text, found
from .stored import StoredDevice

# Milliseconds after which a message counts as waiting, unless it failed or is behind one that did.
_OVERDUE = 60_000
_MOST_COUNTED = 1000
_PENDING, _UNDELIVERED = 0, 1
_DAY = 86_400_000


def routing_findings(connection: Connection, device: StoredDevice, now: float) -> Iterator[Found]:
    """What is wrong with the way of a device's messages; `now` in Unix seconds."""
    yield from _without_routing(connection, device)
    yield from _waiting(connection, device, int(now * 1000))


def _without_routing(connection: Connection, device: StoredDevice) -> Iterator[Found]:
    if device.routing_profile_ref is None:
        # Without a strategy, too, the device may not transmit at all: its configuration says so.
        if device.processing_strategy == SHADOW:
            yield found("note", "routing.shadow")
        elif device.processing_strategy is not None:
            yield found("problem", "routing.none")
        return
    profile = connection.execute(
        select(routing_profiles.c.is_dummy, func.count(routes.c.routing_profile_ref).label("routes"))
        .join(routes, routes.c.routing_profile_ref == routing_profiles.c.ref, isouter=True)
        .where(routing_profiles.c.ref == device.routing_profile_ref)
        .group_by(routing_profiles.c.ref)
    ).first()
    if profile is not None and not profile.routes:
        yield found("note", "routing.dummy") if profile.is_dummy else found("problem", "routing.no_routes")
    plan = connection.execute(
        select(connectivity_plans.c.settings).where(connectivity_plans.c.ref == device.plan_ref)
    ).scalar()
    if plan is not None and not decode_plan(plan).thirdPartyAppServersRouting:
        yield found("problem", "routing.plan")


def _waiting(connection: Connection, device: StoredDevice, now_ms: int) -> Iterator[Found]:
    mine = (deliveries.c.device_ref == device.ref) & (deliveries.c.subscriber_ref == device.subscriber_ref)
    timeline = read_timeline(connection)
    before = timeline.first_id_at(now_ms - _OVERDUE)
    pending = mine & (deliveries.c.state == _PENDING)
    failing = select(deliveries.c.queue).where(pending, deliveries.c.attempts > 0).distinct()
    waiting = pending & ((deliveries.c.id < before) | deliveries.c.queue.in_(failing))
    count = _count(connection, waiting)
    if count:
        oldest = connection.execute(select(func.min(deliveries.c.id)).where(waiting)).scalar_one()
        answer = _last_answer(connection, pending)
        since = _time(timeline.millis_of(oldest))
        yield found("problem", "routing.waiting", messages=_messages(count), since=since, answer=answer)
    yesterday = timeline.first_id_at(now_ms - _DAY)
    lately = mine & (deliveries.c.state == _UNDELIVERED) & (deliveries.c.id >= yesterday)
    count = _count(connection, lately)
    if count:
        answer = _last_answer(connection, lately)
        yield found("problem", "routing.undelivered", messages=_messages(count), answer=answer)


def _count(connection: Connection, chosen: Any) -> int:
    counted = select(deliveries.c.id).where(chosen).limit(_MOST_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(counted)).scalar_one())


def _messages(count: int) -> Text:
    return Text("messages" if count < _MOST_COUNTED else "messages.many", {"count": count})


def _last_answer(connection: Connection, chosen: Any) -> Text:
    last = connection.execute(
        select(deliveries)
        .where(chosen, deliveries.c.last_error.is_not(None))
        .order_by(deliveries.c.last_attempt_at.desc().nulls_last())
        .limit(1)
    ).first()
    if last is None:
        return Text("answer.none")
    answer = Text("answer.last", {"error": unpack(last.last_error)})
    if last.address is not None:
        answer = Text("answer.from", {"answer": answer, "address": last.address})
    if last.last_attempt_at is not None:
        answer = Text("answer.at", {"answer": answer, "time": _time(last.last_attempt_at)})
    if last.next_attempt_at is not None:
        answer = Text("answer.next", {"answer": answer, "time": _time(last.next_attempt_at)})
    return answer


def _time(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
