"""The weekly report on base stations: stored for reading, and mailed to those who subscribe.

A report is of a week from Monday to Sunday in UTC, made once it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.errors import InvalidField, NotFound
from veldnet.domain.resources import timestamp
from veldnet.inventory import accounts
from veldnet.monitoring.base_station_history import Hour
from veldnet.monitoring.notification.events import (
    REPORTS,
    NotificationSettings,
    check_settings,
    read_settings,
    write_settings,
)
from veldnet.monitoring.notification.mail import Mailer, MailFailed
from veldnet.monitoring.statistics.rollups import BASE_STATION, HOUR
from veldnet.store import Store
from veldnet.store.expressions import total
from veldnet.store.schema import (
    base_station_hours,
    base_station_outages,
    base_stations,
    coverage_reports,
    hourly_statistics,
    operators,
)
from veldnet.texts import Language

from .report_mail import compose_report
from .worth import StationWorth, list_worth

log = structlog.get_logger(__name__)

WEEK = 7 * 86_400_000
# The first Monday of 1970 at 00:00 UTC.
_MONDAY = 4 * 86_400_000
# Weeks for which reports are kept.
_KEPT = 105
_MOST_STATIONS = 2000


class StationReport(msgspec.Struct):
    """A base station in a week: the share of the time for which it was there, how often it was away, uplinks
    and refused downlinks; and what it is worth."""

    id: str
    name: str
    connected: float | None
    outages: int
    uplinks: int
    downlinksFailed: int
    devices: int
    only: int
    weak: int
    improved: int
    addsNothing: bool


class CoverageReport(msgspec.Struct):
    """A week of an operator's base stations, those on which most depends first. `dependent` devices go dark
    with a single base station."""

    begin: str
    end: str
    made: str
    dependent: int
    idle: int
    stations: list[StationReport]


class ReportSummary(msgspec.Struct):
    """A report in the list; `ref` is the day it begins."""

    ref: str
    begin: str
    end: str
    made: str
    mailed: str | None
    dependent: int
    idle: int
    stations: int


_decoder = msgspec.json.Decoder(CoverageReport)


def last_week(now: int) -> int:
    """The Monday with which the last whole week began."""
    return (now - _MONDAY) // WEEK * WEEK + _MONDAY - WEEK


def _make(connection: Connection, operator_ref: int, begin: int, now: int) -> CoverageReport | None:
    """The report of a week; None for an operator whose base stations were not there yet."""
    rows = connection.execute(
        select(base_stations.c.id, base_stations.c.name)
        .where(base_stations.c.operator_ref == operator_ref)
        .order_by(base_stations.c.id)
        .limit(_MOST_STATIONS)
    ).all()
    names = {row.id: row.name for row in rows}
    if not names:
        return None
    hours, outages = _history(connection, begin)
    if not any(int(number, 16) in hours for number in names):
        # Nobody watched them in that week.
        return None
    worth = [one for one in list_worth(connection, operator_ref, names) if one.id in names]
    columns = hourly_statistics.c
    frames = {
        row.scope_ref: row
        for row in connection.execute(
            select(
                columns.scope_ref,
                total(columns.uplinks).label("uplinks"),
                total(columns.downlinks_failed).label("failed"),
            )
            .where(
                columns.scope == BASE_STATION,
                columns.scope_ref.in_([int(one.id, 16) for one in worth]),
                columns.hour.between(begin // HOUR, (begin + WEEK) // HOUR - 1),
            )
            .group_by(columns.scope_ref)
        )
    }

    def station(one: StationWorth) -> StationReport:
        number = int(one.id, 16)
        share, counted = hours[number].connected if number in hours else None, frames.get(number)
        return StationReport(
            one.id,
            names[one.id],
            None if share is None else round(share, 6),
            outages.get(number, 0),
            0 if counted is None else counted.uplinks,
            0 if counted is None else counted.failed,
            one.devices,
            one.only,
            one.weak,
            one.improved,
            one.addsNothing,
        )

    return CoverageReport(
        timestamp(begin),
        timestamp(begin + WEEK),
        timestamp(now),
        sum(one.only + one.weak for one in worth),
        sum(one.addsNothing for one in worth),
        [station(one) for one in worth],
    )


def _history(connection: Connection, begin: int) -> tuple[dict[int, Hour], dict[int, int]]:
    """How long base stations were there in a week, and how often they were away."""
    columns = base_station_hours.c
    hours = connection.execute(
        select(
            columns.base_station,
            total(columns.observed).label("observed"),
            total(columns.down).label("down"),
        )
        .where(columns.hour.between(begin // HOUR, (begin + WEEK) // HOUR - 1))
        .group_by(columns.base_station)
    )
    away = base_station_outages.c
    outages = connection.execute(
        select(away.base_station, func.count().label("outages"))
        .where(away.began_at >= begin, away.began_at < begin + WEEK)
        .group_by(away.base_station)
    )
    return (
        {row.base_station: Hour(row.observed, row.down) for row in hours},
        {row.base_station: row.outages for row in outages},
    )


async def make_reports(store: Store, clock: Callable[[], float]) -> int:
    """Make the reports of the last week that are not made yet; returns how many."""
    now = round(clock() * 1000)
    begin = last_week(now)
    made = 0
    for operator_ref in await store.read(lambda c: _without(c, begin)):
        report = await store.read(partial(_make, operator_ref=operator_ref, begin=begin, now=now))
        if report is not None:
            await store.write(partial(_put, operator_ref=operator_ref, begin=begin, now=now, report=report))
            made += 1
    return made


def _without(connection: Connection, begin: int) -> list[int]:
    """Operators that have no report of a week."""
    columns = coverage_reports.c
    done = select(columns.operator_ref).where(columns.begin_at == begin)
    return list(connection.execute(select(operators.c.ref).where(operators.c.ref.not_in(done))).scalars())


def _put(connection: Connection, operator_ref: int, begin: int, now: int, report: CoverageReport) -> None:
    columns = coverage_reports.c
    connection.execute(
        insert(coverage_reports).values(
            operator_ref=operator_ref, begin_at=begin, made_at=now, body=msgspec.json.encode(report)
        )
    )
    connection.execute(delete(coverage_reports).where(columns.begin_at < begin - _KEPT * WEEK))


class _Unsent(NamedTuple):
    """A report that is not mailed to everybody yet: who is to get it still, and who has it."""

    operator_ref: int
    body: bytes
    addresses: dict[Language, list[str]]
    reached: list[str]


async def send_reports(store: Store, mailer: Mailer | None, clock: Callable[[], float]) -> int:
    """Mail the reports of the last week to those who subscribe; returns how many everybody has got. Whom the
    mail server does not take is tried again the next time, and nobody else."""
    if mailer is None:
        return 0
    begin, sent = last_week(round(clock() * 1000)), 0
    for unsent in await store.read(lambda c: _unsent(c, begin)):
        report, reached = _decoder.decode(unsent.body), list(unsent.reached)
        for language, those in unsent.addresses.items():
            try:
                await mailer.send(those, compose_report(report, language))
            except MailFailed as error:
                log.warning("report_not_mailed", operator=unsent.operator_ref, error=str(error))
                continue
            reached += those
            await store.write(
                partial(_reached, operator_ref=unsent.operator_ref, begin=begin, reached=reached)
            )
        if len(reached) == len(unsent.reached) + sum(map(len, unsent.addresses.values())):
            now = round(clock() * 1000)
            await store.write(partial(_sent, operator_ref=unsent.operator_ref, begin=begin, now=now))
            sent += 1
    return sent


def _unsent(connection: Connection, begin: int) -> list[_Unsent]:
    columns = coverage_reports.c
    rows = connection.execute(
        select(columns.operator_ref, columns.body, columns.mailed_to).where(
            columns.begin_at == begin, columns.mailed_at.is_(None)
        )
    ).all()
    found = []
    for row in rows:
        reached = msgspec.json.decode(row.mailed_to, type=list[str])
        addresses = _by_language(connection, row.operator_ref, reached)
        if addresses or reached:
            found.append(_Unsent(row.operator_ref, row.body, addresses, reached))
    return found


def _by_language(connection: Connection, operator_ref: int, reached: list[str]) -> dict[Language, list[str]]:
    """Who is to get the report still, by the language that the operator's user of the address has chosen;
    English for others."""
    found: dict[Language, list[str]] = {}
    for address in read_recipients(connection, operator_ref):
        if address in reached:
            continue
        language = accounts.language_of_address(connection, operator_ref, address)
        found.setdefault(language or "en", []).append(address)
    return found


def _reached(connection: Connection, operator_ref: int, begin: int, reached: list[str]) -> None:
    columns = coverage_reports.c
    connection.execute(
        update(coverage_reports)
        .where(columns.operator_ref == operator_ref, columns.begin_at == begin)
        .values(mailed_to=msgspec.json.encode(reached).decode())
    )


def _sent(connection: Connection, operator_ref: int, begin: int, now: int) -> None:
    columns = coverage_reports.c
    connection.execute(
        update(coverage_reports)
        .where(columns.operator_ref == operator_ref, columns.begin_at == begin)
        .values(mailed_at=now)
    )


def list_reports(connection: Connection, operator_ref: int) -> list[ReportSummary]:
    """The reports of an operator, the last first."""
    columns = coverage_reports.c
    rows = connection.execute(
        select(columns.begin_at, columns.mailed_at, columns.body)
        .where(columns.operator_ref == operator_ref)
        .order_by(columns.begin_at.desc())
        .limit(_KEPT)
    )
    found = []
    for row in rows:
        report = _decoder.decode(row.body)
        mailed = None if row.mailed_at is None else timestamp(row.mailed_at)
        found.append(
            ReportSummary(
                report.begin[:10],
                report.begin,
                report.end,
                report.made,
                mailed,
                report.dependent,
                report.idle,
                len(report.stations),
            )
        )
    return found


def read_report(connection: Connection, operator_ref: int, ref: str) -> CoverageReport:
    """A report by the day it begins. Raises `NotFound`."""
    columns = coverage_reports.c
    rows = connection.execute(
        select(columns.begin_at, columns.body).where(columns.operator_ref == operator_ref)
    )
    body = next((row.body for row in rows if timestamp(row.begin_at)[:10] == ref), None)
    if body is None:
        raise NotFound("CoverageReport", ref)
    return _decoder.decode(body)


def read_recipients(connection: Connection, operator_ref: int) -> list[str]:
    """Who gets the report of an operator by e-mail."""
    return read_settings(connection, REPORTS, operator_ref).recipients


def write_recipients(connection: Connection, operator_ref: int, recipients: list[str], *, mail: bool) -> None:
    """Change who gets the report of an operator by e-mail. Raises `InvalidField`."""
    if len(recipients) > 20:
        raise InvalidField("recipients holds more than 20 addresses")
    if recipients and not mail:
        raise InvalidField("recipients must be empty: this server sends no e-mail, mail.host is not set")
    settings = NotificationSettings(mode="BASIC" if recipients else "OFF", recipients=recipients)
    check_settings(settings, mail=mail)
    write_settings(connection, REPORTS, operator_ref, settings)
