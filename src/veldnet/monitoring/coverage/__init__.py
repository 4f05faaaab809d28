"""Coverage from real traffic: which base station hears what, which devices depend on it, what it is worth."""

from .cells import (
    Box,
    CellStation,
    CoverageCell,
    FailureCell,
    HeardStation,
    cell_stations,
    coverage_cells,
    failure_cells,
    heard_by,
)
from .hearing import DependentDevice, DependentPage, DeviceStation, dependents, stations_of_device
from .intake import take_coverage
from .reports import (
    CoverageReport,
    ReportSummary,
    StationReport,
    list_reports,
    make_reports,
    read_recipients,
    read_report,
    send_reports,
    write_recipients,
)
from .worth import StationWorth, list_worth, roll_up_worth

__all__ = [
    "Box",
    "CellStation",
    "CoverageCell",
    "CoverageReport",
    "DependentDevice",
    "DependentPage",
    "DeviceStation",
    "FailureCell",
    "HeardStation",
    "ReportSummary",
    "StationReport",
    "StationWorth",
    "cell_stations",
    "coverage_cells",
    "dependents",
    "failure_cells",
    "heard_by",
    "list_reports",
    "list_worth",
    "make_reports",
    "read_recipients",
    "read_report",
    "roll_up_worth",
    "send_reports",
    "stations_of_device",
    "take_coverage",
    "write_recipients",
]
