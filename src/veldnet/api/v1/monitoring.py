"""Alarm history and thresholds, totals, notification settings and the audit log."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import Parameter, time
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.resources import AlarmThreshold, Device, timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import audit, changes, devices
from veldnet.inventory.audit import AuditEntry
from veldnet.inventory.offers import sole_plan
from veldnet.inventory.routing_profiles import check_address
from veldnet.keys import labels
from veldnet.monitoring import NotificationSettings, check_settings, read_settings, write_settings
from veldnet.monitoring.alarms.listing import PastAlarm, list_history
from veldnet.monitoring.battery import battery_levels
from veldnet.monitoring.notification import events
from veldnet.monitoring.notification.events import read_secret
from veldnet.monitoring.statistics import totals
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.totals import Totals

_DAY = 86_400_000
_MOST_DAYS = 400
_MOST = 1000


class Thresholds(msgspec.Struct):
    """At most two steps of alarm 004; an empty list takes them away."""

    alarmThresholds: list[AlarmThreshold]


class StoredNotificationSettings(NotificationSettings, frozen=True, forbid_unknown_fields=False):
    """The settings, and in the answer that made it the secret of the webhook's signature."""

    webhookSecret: str | None = None


@SUBSCRIBER.get(
    "/devices/{deviceRef}/alarmHistory", "listAlarmHistory", "Alarm", "Cleared alarms of a device."
)
async def get_history(
    device_ref: str, services: Services, scope: Scope, query: HistoryLimit
) -> list[PastAlarm]:
    """Alarms of a device that were cleared, the last first."""

    def read(connection: Connection) -> list[PastAlarm]:
        return list_history(connection, devices.device_ref(connection, scope, device_ref), query.limit)

    return await services.read(read)


@SUBSCRIBER.put(
    "/devices/{deviceRef}/alarmThresholds",
    "setAlarmThresholds",
    "Alarm",
    "Change the inactivity thresholds (alarm 004) of a device.",
)
async def put_thresholds(device_ref: str, services: Services, scope: Scope, body: Thresholds) -> Device:
    """Change when alarm 004 is raised for a device; it takes effect at once."""
    devices.check_thresholds(body.alarmThresholds)
    return await services.change(
        lambda c: devices.set_thresholds(c, scope, device_ref, body.alarmThresholds),
        by=scope,
        action="device.thresholds",
        what=f"device {device_ref}",
        details=body,
    )


class Days(msgspec.Struct, frozen=True):
    """A time range of whole days, the last seven without any."""

    startDate: Annotated[int | None, time("Start of the time range, ISO 8601.")] = None
    duration: Annotated[int, Parameter("Days; 7 without it.", least=1, most=_MOST_DAYS, format="int32")] = 7

    def span(self, services: Services) -> Span:
        length = self.duration * _DAY
        now = round(services.platform.clock() * 1000)
        begin = now - length if self.startDate is None else self.startDate
        return Span(begin, begin + length)


class Slots(Days, frozen=True):
    """A time range in slots of some hours."""

    aggregationStep: Annotated[int, Parameter("Hours of a slot.", least=1, most=24, format="int32")] = 1


class HistoryLimit(msgspec.Struct, frozen=True):
    limit: Annotated[int, Parameter("Entries at most.", least=1, most=_MOST)] = 100


class AuditPart(msgspec.Struct, frozen=True):
    """Which entries of the audit log."""

    limit: Annotated[int, Parameter("Entries at most.", least=1, most=_MOST)] = 100
    before: Annotated[int | None, time("Only earlier entries, ISO 8601.")] = None


@SUBSCRIBER.get(
    "/devices/{deviceRef}/statistics", "deviceStatistics", "Statistics", "All statistics of a device."
)
async def device_statistics(device_ref: str, services: Services, scope: Scope, query: Slots) -> list[Totals]:
    """All that is counted of a device, by slots of hours."""
    span, hours = query.span(services), query.aggregationStep

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


@SUBSCRIBER.get(
    "/devices/{deviceRef}/battery", "batteryHistory", "Statistics", "Battery level of a device over time."
)
async def battery_history(
    device_ref: str, services: Services, scope: Scope, query: Days
) -> list[BatteryLevel]:
    """The battery of a device over a time range, as reported in DevStatusAns; the newest 5,000 of them."""
    span = query.span(services)

    def read(connection: Connection) -> list[BatteryLevel]:
        ref = devices.device_ref(connection, scope, device_ref)
        return [
            BatteryLevel(timestamp(level.time), level.battery, level.percent, level.margin)
            for level in battery_levels(connection, ref, span.start, span.end)
        ]

    return await services.read(read)


@SUBSCRIBER.get("/statistics", "fleetStatistics", "Statistics", "All statistics of all devices together.")
async def fleet_statistics(services: Services, scope: Scope, query: Slots) -> list[Totals]:
    """All that is counted of the subscriber's devices together, by slots of hours."""
    span, hours = query.span(services), query.aggregationStep
    return await services.read(lambda c: totals.of_scope(c, 1, scope.subscriber_ref, span, hours))


@SUBSCRIBER.get(
    "/connectivityPlans/{connectivityPlanRef}/statistics",
    "planStatistics",
    "Statistics",
    "All statistics of a connectivity plan.",
)
async def plan_statistics(
    connectivity_plan_ref: str, services: Services, scope: Scope, query: Slots
) -> list[Totals]:
    """All that is counted of a plan. A plan that other customers have too answers 404: its totals are theirs
    as well."""
    span, hours = query.span(services), query.aggregationStep
    return await services.read(
        lambda c: totals.of_scope(c, 2, sole_plan(c, scope, connectivity_plan_ref), span, hours)
    )


@SUBSCRIBER.get("/notificationSettings", "getNotificationSettings", "Alarm", "Who is notified of alarms.")
async def get_notifications(services: Services, scope: Scope) -> StoredNotificationSettings:
    """Who is notified of the alarms of the subscriber's devices; the webhook's secret is not shown again."""
    found = await services.read(lambda c: read_settings(c, events.SUBSCRIBER, scope.subscriber_ref))
    return StoredNotificationSettings(**msgspec.structs.asdict(found))


@SUBSCRIBER.put(
    "/notificationSettings",
    "setNotificationSettings",
    "Alarm",
    "Change who is notified of alarms; the response contains the secret of a new webhook.",
)
async def put_notifications(
    services: Services, scope: Scope, body: NotificationSettings
) -> StoredNotificationSettings:
    """Change who is notified; a new webhook gets a secret, which is in this answer only."""
    platform = services.platform
    check_settings(body, mail=bool(platform.settings.mail.host))
    before = await services.read(lambda c: read_settings(c, events.SUBSCRIBER, scope.subscriber_ref))
    sealed = await services.read(lambda c: read_secret(c, events.SUBSCRIBER, scope.subscriber_ref))
    secret = None
    if body.webhook is None:
        sealed = None
    elif body.webhook != before.webhook or sealed is None:
        allow_private = platform.settings.routing.allow_private_destinations
        check_address(body.webhook, "webhook", allow_private=allow_private)
        secret = secrets.token_hex(32)
        sealed = await platform.vault.seal(labels.ALARM_WEBHOOK, secret.encode())

    def write(connection: Connection) -> None:
        write_settings(connection, events.SUBSCRIBER, scope.subscriber_ref, body, sealed)
        changes.note(connection, "recipients", scope.subscriber_ref)

    await services.change(
        write, by=scope, action="notifications.changed", what="notification settings", details=body
    )
    return StoredNotificationSettings(**msgspec.structs.asdict(body), webhookSecret=secret)


@SUBSCRIBER.get("/audit", "listAudit", "Audit", "Audit log, newest first.")
async def list_audit(services: Services, scope: Scope, query: AuditPart) -> list[AuditEntry]:
    """Who changed what of the subscriber's, the newest first; `before` is a time, ISO 8601."""
    return await services.read(
        lambda c: audit.list_entries(c, scope.subscriber_ref, query.limit, query.before)
    )
