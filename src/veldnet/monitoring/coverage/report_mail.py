"""The weekly report as a message."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from veldnet.monitoring.notification.digest import Message

if TYPE_CHECKING:
    from .reports import CoverageReport, StationReport

# Base stations of one message; the rest is counted.
_MOST_LINES = 40


def compose_report(report: CoverageReport) -> Message:
    """A message with a line for each base station on which devices depend, that was away, or that adds
    nothing."""
    days = f"{report.begin[:10]} to {_last_day(report)}"
    title = f"Base stations, week of {days}"
    notes = [
        f"{len(report.stations)} base stations. {report.dependent} devices go dark if a single base station "
        f"fails. {report.idle} base stations add nothing: no device depends on them or is heard better there."
    ]
    shown = [station for station in report.stations if _worth_telling(station)]
    more = len(shown) - _MOST_LINES
    rest = [f"... and {more} more; GET /api/v1/operator/coverageReports/{report.begin[:10]} has all"]
    lines = [_line(station) for station in shown[:_MOST_LINES]]
    tail = rest if more > 0 else []
    text = "\n".join([title, "", *notes, "", *lines, *tail, ""])
    return Message(
        f"Base stations: {report.dependent} devices depend on a single one, week of {report.begin[:10]}",
        text,
        _html(title, [*notes, *tail], shown[:_MOST_LINES]),
    )


def _last_day(report: CoverageReport) -> str:
    return report.end[:10]


def _worth_telling(station: StationReport) -> bool:
    return bool(station.only or station.weak or station.outages or station.addsNothing)


def _line(station: StationReport) -> str:
    return f"{station.name} ({station.id}): {_words(station)}"


def _words(station: StationReport) -> str:
    parts = []
    if station.only or station.weak:
        parts.append(f"{station.only} devices heard only there, {station.weak} hardly elsewhere")
    if station.connected is not None:
        parts.append(f"connected {station.connected:.2%}, {station.outages} outages")
    if station.addsNothing:
        parts.append("adds nothing")
    return "; ".join([*parts, f"{station.uplinks} uplinks"])


def _html(title: str, notes: list[str], shown: list[StationReport]) -> str:
    rows = "".join(
        f"<tr><td>{escape(station.name)}<br><small>{station.id}</small></td><td>{escape(_words(station))}</td></tr>"
        for station in shown
    )
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<body style='font:15px/1.5 system-ui,sans-serif;color:#212529'>"
        f"<h2 style='font-size:18px'>{escape(title)}</h2>{paragraphs}"
        f"<table cellpadding='6' style='border-collapse:collapse'>{rows}</table></body></html>"
    )
