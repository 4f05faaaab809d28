"""How the network is doing: alarms, statistics and health of devices and base stations, who is notified,
retention."""

from veldnet.domain.alarm_levels import Level

from . import health
from .alarms.of_groups import GroupAlarms
from .alarms.silence import SilenceRules
from .alarms.types import (
    BACKUP,
    BASE_STATION_TYPES,
    CERTIFICATE,
    DEVICE_TYPES,
    AlarmType,
    SeverityError,
    with_severities,
)
from .base_stations import BaseStationMonitor, Facts, Limits
from .modules import Module, ModuleMonitor
from .monitor import AlarmPolicy, Monitor
from .notification.events import (
    NotificationSettings,
    Recipients,
    check_settings,
    read_all,
    read_settings,
    write_settings,
)
from .notification.mail import Mailer, MailFailed, MailSettings, SmtpMailer
from .notification.notifier import Notifier, Pace, Post, SecretUnreadable, Ways
from .retention import Retention, prune
from .subscriptions import Feed, Subscription, TooManyStreams

__all__ = [
    "BACKUP",
    "BASE_STATION_TYPES",
    "CERTIFICATE",
    "DEVICE_TYPES",
    "AlarmPolicy",
    "AlarmType",
    "BaseStationMonitor",
    "Facts",
    "Feed",
    "GroupAlarms",
    "Level",
    "Limits",
    "MailFailed",
    "MailSettings",
    "Mailer",
    "Module",
    "ModuleMonitor",
    "Monitor",
    "NotificationSettings",
    "Notifier",
    "Pace",
    "Post",
    "Recipients",
    "Retention",
    "SecretUnreadable",
    "SeverityError",
    "SilenceRules",
    "SmtpMailer",
    "Subscription",
    "TooManyStreams",
    "Ways",
    "alarms",
    "backtest",
    "base_station_history",
    "base_stations",
    "battery",
    "check_settings",
    "coverage",
    "device_order",
    "downlinks",
    "health",
    "locations",
    "logger",
    "notification",
    "observed",
    "prune",
    "read_all",
    "read_settings",
    "statistics",
    "subscriptions",
    "timeline",
    "unknown_devices",
    "with_severities",
    "write_settings",
]
