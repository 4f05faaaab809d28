"""What base stations are worth, what happens if one fails, and the weekly reports on that."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import PageSize, Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.api.v1.coverage import Area
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.rows import ref_of
from veldnet.monitoring import coverage
from veldnet.monitoring.coverage import (
    CoverageReport,
    DependentPage,
    FailureCell,
    ReportSummary,
    StationWorth,
)
from veldnet.monitoring.logger import Whose


class NamedWorth(StationWorth):
    """What a base station is worth, with its name and place."""

    name: str
    latitude: float | None
    longitude: float | None


class After(msgspec.Struct, frozen=True):
    """A page of a long list."""

    after: Annotated[str | None, Parameter("`next` of the page before.")] = None
    limit: PageSize = 100


class ReportRecipients(msgspec.Struct):
    """Who gets the weekly report by e-mail: at most 20 addresses."""

    recipients: list[str]


@OPERATOR.get(
    "/baseStations/worth", "listStationWorth", "Operator", "What each base station adds to coverage."
)
async def list_station_worth(services: Services, operator: OperatorScope) -> list[NamedWorth]:
    """How many devices go dark without each base station, and which base stations add nothing. Counted every
    few minutes, in a large network every hour, from the uplinks of the last 35 days, the last ones above
    all."""

    def read(connection: Connection) -> list[NamedWorth]:
        own = {
            station.id: station
            for station in base_stations.list_base_stations(connection)
            if station.operator_ref == operator.operator_ref
        }
        return [
            NamedWorth(
                **msgspec.structs.asdict(one),
                name=own[one.id].name,
                latitude=own[one.id].latitude,
                longitude=own[one.id].longitude,
            )
            for one in coverage.list_worth(connection, operator.operator_ref, own)
            if one.id in own
        ]

    return await services.read(read)


@OPERATOR.get(
    "/baseStations/{stationId}/dependentDevices",
    "listDependentDevices",
    "Operator",
    "Devices that go dark if a base station fails.",
)
async def list_dependent_devices(
    station_id: str, services: Services, operator: OperatorScope, query: After
) -> DependentPage:
    """Devices that no other base station hears, or others too seldom or too faintly: less than a tenth of the
    frames, or less than 5 dB above what the slowest data rate needs. As of the uplinks taken up so far."""
    after = 0 if query.after is None else ref_of(query.after)

    def read(connection: Connection) -> DependentPage:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        whose = Whose(operator.operator_ref)
        return coverage.dependents(connection, whose, int(station_id, 16), after, query.limit)

    return await services.read(read)


@OPERATOR.get(
    "/baseStations/{stationId}/failureCells",
    "listFailureCells",
    "Operator",
    "What the map loses if a base station fails.",
)
async def list_failure_cells(
    station_id: str, services: Services, operator: OperatorScope, query: Area
) -> list[FailureCell]:
    """The cells of the map that a base station hears, with the level of the best other one."""

    def read(connection: Connection) -> list[FailureCell]:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        whose, station = Whose(operator.operator_ref), int(station_id, 16)
        return coverage.failure_cells(connection, whose, query.box, query.cell, station)

    return await services.read(read)


@OPERATOR.get("/coverageReports", "listCoverageReports", "Operator", "The weekly reports on base stations.")
async def list_coverage_reports(services: Services, operator: OperatorScope) -> list[ReportSummary]:
    """The reports of the last two years, the last first. Each is of a week from Monday to Sunday in UTC."""
    return await services.read(lambda c: coverage.list_reports(c, operator.operator_ref))


@OPERATOR.get(
    "/coverageReports/recipients",
    "getReportRecipients",
    "Operator",
    "Who gets the weekly report by e-mail.",
)
async def get_report_recipients(services: Services, operator: OperatorScope) -> ReportRecipients:
    found = await services.read(lambda c: coverage.read_recipients(c, operator.operator_ref))
    return ReportRecipients(found)


@OPERATOR.put(
    "/coverageReports/recipients",
    "setReportRecipients",
    "Operator",
    "Change who gets the weekly report by e-mail.",
    status=204,
)
async def put_report_recipients(services: Services, operator: OperatorScope, body: ReportRecipients) -> None:
    mail = services.platform.monitoring.mailer is not None
    await services.change(
        lambda c: coverage.write_recipients(c, operator.operator_ref, body.recipients, mail=mail),
        by=operator,
        action="coverageReport.recipients",
        what="recipients of the weekly report",
        details=body,
    )


@OPERATOR.get(
    "/coverageReports/{reportRef}", "getCoverageReport", "Operator", "A weekly report on base stations."
)
async def get_coverage_report(report_ref: str, services: Services, operator: OperatorScope) -> CoverageReport:
    """A report by the day it begins, as 2026-11-16."""
    return await services.read(lambda c: coverage.read_report(c, operator.operator_ref, report_ref))
