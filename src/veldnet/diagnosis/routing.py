"""What keeps the messages of a device from its application servers: no routing, or refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from veldnet.domain.documents import decode_plan
from veldnet.store import read_timeline
from veldnet.store.schema import connectivity_plans, deliveries, routes, routing_profiles

# Milliseconds after which a message counts as waiting.
_PATIENCE = 60_000
_MOST_COUNTED = 1000
_PENDING, _UNDELIVERED = 0, 1
_DAY = 86_400_000


class RoutingFinding(NamedTuple):
    """As a finding of a device."""

    level: str
    text: str
    next: str | None


def routing_findings(connection: Connection, device: Row[Any], now: float) -> Iterator[RoutingFinding]:
    """What is wrong with the way of a device's messages; `device` is its row, `now` in Unix seconds."""
    yield from _without_routing(connection, device)
    yield from _waiting(connection, device, int(now * 1000))


def _without_routing(connection: Connection, device: Row[Any]) -> Iterator[RoutingFinding]:
    if device.routing_profile_ref is None:
        # Without a strategy, too, the device may not transmit at all: its configuration says so.
        if device.processing_strategy is not None:
            yield RoutingFinding(
                "problem",
                "The device has no routing profile, so its messages are not delivered.",
                "Assign a routing profile to the device.",
            )
        return
    profile = connection.execute(
        select(routing_profiles.c.is_dummy, func.count(routes.c.routing_profile_ref).label("routes"))
        .join(routes, routes.c.routing_profile_ref == routing_profiles.c.ref, isouter=True)
        .where(routing_profiles.c.ref == device.routing_profile_ref)
        .group_by(routing_profiles.c.ref)
    ).first()
    if profile is not None and not profile.routes:
        yield RoutingFinding(
            "note" if profile.is_dummy else "problem",
            "The routing profile of the device has no routes, so its messages are not delivered.",
            None if profile.is_dummy else "Add a route with the address of your application server.",
        )
    plan = connection.execute(
        select(connectivity_plans.c.settings).where(connectivity_plans.c.ref == device.plan_ref)
    ).scalar()
    if plan is not None and not decode_plan(plan).thirdPartyAppServersRouting:
        yield RoutingFinding(
            "problem",
            "The connectivity plan of the device does not include routing to application servers.",
            "Choose a connectivity plan with thirdPartyAppServersRouting.",
        )


def _waiting(connection: Connection, device: Row[Any], now_ms: int) -> Iterator[RoutingFinding]:
    mine = (deliveries.c.device_ref == device.ref) & (deliveries.c.subscriber_ref == device.subscriber_ref)
    timeline = read_timeline(connection)
    before = timeline.first_id_at(now_ms - _PATIENCE)
    overdue = mine & (deliveries.c.state == _PENDING) & (deliveries.c.id < before)
    count = _count(connection, overdue)
    if count:
        oldest = connection.execute(select(func.min(deliveries.c.id)).where(overdue)).scalar_one()
        words = f"{_messages(count)} waiting since {_time(timeline.millis_of(oldest))}"
        yield RoutingFinding(
            "problem",
            f"{words}; {_last_answer(connection, mine & (deliveries.c.state == _PENDING))}",
            "Check the application server; messages are retried until they expire.",
        )
    since = timeline.first_id_at(now_ms - _DAY)
    lately = mine & (deliveries.c.state == _UNDELIVERED) & (deliveries.c.id >= since)
    count = _count(connection, lately)
    if count:
        yield RoutingFinding(
            "problem",
            f"{_messages(count)} of the last 24 hours undelivered; {_last_answer(connection, lately)}",
            "Correct the cause, then deliver them again (Undelivered messages).",
        )


def _count(connection: Connection, chosen: Any) -> int:
    counted = select(deliveries.c.id).where(chosen).limit(_MOST_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(counted)).scalar_one())


def _messages(count: int) -> str:
    if count == 1:
        return "1 message"
    return f"{count} messages" if count < _MOST_COUNTED else f"{count} or more messages"


def _last_answer(connection: Connection, chosen: Any) -> str:
    last = connection.execute(
        select(deliveries)
        .where(chosen, deliveries.c.last_error.is_not(None))
        .order_by(deliveries.c.last_attempt_at.desc())
        .limit(1)
    ).first()
    if last is None:
        return "not attempted yet."
    words = f"last answer: {last.last_error}"
    if last.address is not None:
        words += f" from {last.address}"
    if last.last_attempt_at is not None:
        words += f" at {_time(last.last_attempt_at)}"
    if last.next_attempt_at is not None:
        words += f", next attempt at {_time(last.next_attempt_at)}"
    return f"{words}."


def _time(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
