"""Alarm history and thresholds, totals, notification settings and the audit log."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from litestar import Request, get, put
from sqlalchemy import Connection, select

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import AlarmThreshold, Device, timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import audit, changes, devices
from veldnet.inventory.audit import AuditEntry
from veldnet.inventory.routing_profiles import check_address
from veldnet.inventory.rows import ref_of
from veldnet.keys import labels
from veldnet.monitoring import NotificationSettings, check_settings, read_settings, write_settings
from veldnet.monitoring.alarms.listing import PastAlarm, list_history
from veldnet.monitoring.notification.events import SUBSCRIBER, read_secret
from veldnet.monitoring.statistics import totals
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.totals import Totals
from veldnet.store import millis_of, read_timeline
from veldnet.store.schema import connectivity_plans, frames, plan_grants

_DAY = 86_400_000
_MOST_DAYS = 400
_MOST = 1000


class Thresholds(msgspec.Struct):
    """At most two steps of alarm 004; an empty list takes them away."""

    alarmThresholds: list[AlarmThreshold]


class StoredNotificationSettings(NotificationSettings, frozen=True, forbid_unknown_fields=False):
    """The settings, and in the answer that made it the secret of the webhook's signature."""

    webhookSecret: str | None = None


@get("/devices/{device_ref:str}/alarmHistory")
async def get_history(
    device_ref: str, request: Request[Any, Any, Any], services: Services
) -> list[PastAlarm]:
    """Alarms of a device that were cleared, the last first."""
    scope = await require_scope(request, services)
    limit = query.whole(request, "limit", least=1, most=_MOST) or 100

    def read(connection: Connection) -> list[PastAlarm]:
        return list_history(connection, devices.device_ref(connection, scope, device_ref), limit)

    return await services.read(read)


@put("/devices/{device_ref:str}/alarmThresholds")
async def put_thresholds(device_ref: str, request: Request[Any, Any, Any], services: Services) -> Device:
    """Change when alarm 004 is raised for a device; it takes effect at once."""
    scope = await require_scope(request, services)
    body = await read_resource(request, Thresholds, services.settings.max_body)
    devices.check_thresholds(body.alarmThresholds)
    return await services.change(
        lambda c: devices.set_thresholds(c, scope, device_ref, body.alarmThresholds),
        by=scope,
        action="device.thresholds",
        what=f"device {device_ref}",
        details=body,
    )


def span_of(request: Request[Any, Any, Any], services: Services) -> tuple[Span, int]:
    """The time range of `startDate` and `duration`, the last seven days without them, and the step."""
    days = query.whole(request, "duration", least=1, most=_MOST_DAYS) or 7
    hours = query.whole(request, "aggregationStep", least=1, most=24) or 1
    start = query.text(request, "startDate")
    now = round(services.platform.clock() * 1000)
    begin = now - days * _DAY if start is None else query.moment(start, "startDate")
    return Span(begin, begin + days * _DAY), hours


@get("/devices/{device_ref:str}/statistics")
async def device_statistics(
    device_ref: str, request: Request[Any, Any, Any], services: Services
) -> list[Totals]:
    """All that is counted of a device, by slots of hours."""
    scope = await require_scope(request, services)
    span, hours = span_of(request, services)

    def read(connection: Connection) -> list[Totals]:
        return totals.of_device(connection, devices.device_ref(connection, scope, device_ref), span, hours)

    return await services.read(read)


class BatteryLevel(msgspec.Struct):
    """What a DevStatusAns said: battery 1 to 254, 0 for external power, 255 for unknown; `percent` where it
    is a level; `margin` in dB."""

    time: str
    battery: int
    percent: int | None
    margin: int | None


@get("/devices/{device_ref:str}/battery")
async def battery_history(
    device_ref: str, request: Request[Any, Any, Any], services: Services
) -> list[BatteryLevel]:
    """The battery of a device over a time range, as it told in DevStatusAns; the newest 5,000 of them."""
    scope = await require_scope(request, services)
    span, _hours = span_of(request, services)

    def read(connection: Connection) -> list[BatteryLevel]:
        ref = devices.device_ref(connection, scope, device_ref)
        columns, timeline = frames.c, read_timeline(connection)
        rows = connection.execute(
            select(columns.id, columns.at, columns.battery, columns.margin)
            .where(
                columns.device_ref == ref,
                columns.id >= timeline.first_id_at(span.start),
                columns.id < timeline.first_id_at(span.end),
                columns.battery.is_not(None),
            )
            .order_by(columns.id.desc())
            .limit(5000)
        ).all()
        return [
            BatteryLevel(
                timestamp(millis_of(row.id) if row.at is None else row.at),
                row.battery,
                round(row.battery * 100 / 254) if 1 <= row.battery <= 254 else None,
                row.margin,
            )
            for row in reversed(rows)
        ]

    return await services.read(read)


@get("/statistics")
async def fleet_statistics(request: Request[Any, Any, Any], services: Services) -> list[Totals]:
    """All that is counted of the subscriber's devices together, by slots of hours."""
    scope = await require_scope(request, services)
    span, hours = span_of(request, services)
    return await services.read(lambda c: totals.of_scope(c, 1, scope.subscriber_ref, span, hours))


@get("/connectivityPlans/{plan_ref:str}/statistics")
async def plan_statistics(plan_ref: str, request: Request[Any, Any, Any], services: Services) -> list[Totals]:
    """All that is counted of a plan. A plan that other customers have too answers 404: its totals are theirs
    as well."""
    scope = await require_scope(request, services)
    span, hours = span_of(request, services)
    return await services.read(
        lambda c: totals.of_scope(c, 2, _plan_of_its_own(c, scope, plan_ref), span, hours)
    )


def _plan_of_its_own(connection: Connection, scope: Scope, ref: str) -> int:
    number = ref_of(ref)
    holders = connection.execute(
        select(plan_grants.c.subscriber_ref)
        .join(connectivity_plans, connectivity_plans.c.ref == plan_grants.c.plan_ref)
        .where(plan_grants.c.plan_ref == number)
    ).scalars()
    if list(holders) != [scope.subscriber_ref]:
        raise NotFound("ConnectivityPlan", ref)
    return number


@get("/notificationSettings")
async def get_notifications(
    request: Request[Any, Any, Any], services: Services
) -> StoredNotificationSettings:
    """Who is told of the alarms of the subscriber's devices; the webhook's secret is not shown again."""
    scope = await require_scope(request, services)
    found = await services.read(lambda c: read_settings(c, SUBSCRIBER, scope.subscriber_ref))
    return StoredNotificationSettings(**msgspec.structs.asdict(found))


@put("/notificationSettings")
async def put_notifications(
    request: Request[Any, Any, Any], services: Services
) -> StoredNotificationSettings:
    """Change who is told; a new webhook gets a secret, which is in this answer only."""
    scope = await require_scope(request, services)
    body = await read_resource(request, NotificationSettings, services.settings.max_body)
    platform = services.platform
    check_settings(body, mail=bool(platform.settings.mail.host))
    before = await services.read(lambda c: read_settings(c, SUBSCRIBER, scope.subscriber_ref))
    sealed = await services.read(lambda c: read_secret(c, SUBSCRIBER, scope.subscriber_ref))
    secret = None
    if body.webhook is None:
        sealed = None
    elif body.webhook != before.webhook or sealed is None:
        allow_private = platform.settings.routing.allow_private_destinations
        check_address(body.webhook, "webhook", allow_private=allow_private)
        secret = secrets.token_hex(32)
        sealed = await platform.vault.seal(labels.ALARM_WEBHOOK, secret.encode())

    def write(connection: Connection) -> None:
        write_settings(connection, SUBSCRIBER, scope.subscriber_ref, body, sealed)
        changes.note(connection, "recipients", scope.subscriber_ref)

    await services.change(
        write, by=scope, action="notifications.changed", what="notification settings", details=body
    )
    return StoredNotificationSettings(**msgspec.structs.asdict(body), webhookSecret=secret)


@get("/audit")
async def list_audit(request: Request[Any, Any, Any], services: Services) -> list[AuditEntry]:
    """Who changed what of the subscriber's, the newest first; `before` is a time, ISO 8601."""
    scope = await require_scope(request, services)
    limit = query.whole(request, "limit", least=1, most=_MOST) or 100
    before = query.text(request, "before")
    moment = None if before is None else query.moment(before, "before")
    return await services.read(lambda c: audit.list_entries(c, scope.subscriber_ref, limit, moment))


HANDLERS = [
    get_history,
    put_thresholds,
    device_statistics,
    battery_history,
    fleet_statistics,
    plan_statistics,
    get_notifications,
    put_notifications,
    list_audit,
]
