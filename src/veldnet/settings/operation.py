"""Settings of operation: retention, alarms, backups, mail, logs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Duration, about


class JournalSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Retention of the journal."""

    frames: Annotated[Duration, about("Retention of frame rows.")] = Duration(400 * 86_400)
    bodies: Annotated[Duration, about("Retention of record bodies and delivery results.")] = Duration(
        35 * 86_400
    )
    statistics: Annotated[
        Duration, about("Retention of hourly totals of fleets, plans and base stations.")
    ] = Duration(1095 * 86_400)
    locations: Annotated[Duration, about("Retention of the places of located devices.")] = Duration(
        400 * 86_400
    )
    audit: Annotated[Duration, about("Retention of the audit log.")] = Duration(1095 * 86_400)


class AlarmSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Alarms of devices and base stations."""

    enabled: Annotated[
        bool, about("Enables alarms, health and hourly totals; off to measure their cost.")
    ] = True
    severities: Annotated[
        tuple[str, ...],
        about("Overrides of severities, such as 10=MAJOR, or by occurrences 10=WARNING,MAJOR@50."),
    ] = ()
    inactive_after: Annotated[
        Duration,
        about("Time without an uplink after which a device without alarmThresholds is RF_CNX_ERROR."),
    ] = Duration(7 * 86_400)
    learnt_factor: Annotated[
        float,
        about(
            "Raise alarm 004 for devices without alarmThresholds after this multiple of their longest usual "
            "interval; 0 is off.",
            ge=0,
            le=1000,
        ),
    ] = 0.0
    check_interval: Annotated[
        Duration, about("How often inactive devices and base stations are checked.")
    ] = Duration(15)
    base_station_silence: Annotated[
        Duration, about("Time without a datagram after which a base station is disconnected.")
    ] = Duration(180)
    base_station_no_frames: Annotated[
        Duration, about("Time without a frame after which a connected base station raises alarm 103.")
    ] = Duration(12 * 3600)
    history: Annotated[Duration, about("Retention of cleared alarms in the history.")] = Duration(15 * 86_400)
    notification_window: Annotated[
        Duration, about("How long alarm changes are collected for one message.")
    ] = Duration(60)
    notification_interval: Annotated[
        Duration, about("Minimum interval between two messages to the same customer or operator.")
    ] = Duration(600)


class BackupSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Scheduled backups of the database."""

    directory: Annotated[
        str, about("Existing directory for scheduled backups, best on another disk; empty makes none.")
    ] = ""
    every: Annotated[Duration, about("Time between two backups, one minute at least.")] = Duration(86_400)
    daily: Annotated[int, about("Number of days of which the last backup is kept.", ge=0, le=3660)] = 7
    weekly: Annotated[int, about("Number of weeks of which the last backup is kept.", ge=0, le=520)] = 4


class MailSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Mail server for alarm notifications."""

    host: Annotated[str, about("Host name of the mail server; empty disables e-mail.")] = ""
    port: Annotated[int, about("Port of the mail server.", ge=1, le=65_535)] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        about("Transport security; none only for a server on the same machine."),
    ] = "starttls"
    sender: Annotated[str, about("Sender address.")] = "veldnet@localhost"
    username: Annotated[str, about("User name; empty for no authentication.")] = ""
    password_file: Annotated[str, about("File with the password.")] = ""
    ca_file: Annotated[str, about("File with additional trusted certificates.")] = ""


class LogSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Logs, on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], about("Minimum log level.")] = "info"
    format: Annotated[Literal["text", "json"], about("Log format: text or JSON.")] = "text"
