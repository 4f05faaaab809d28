"""The weekly report as a message, in the language of who gets it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from veldnet.monitoring.notification.digest import Message, one_line
from veldnet.texts import Language, Plural, Text, in_language

if TYPE_CHECKING:
    from .reports import CoverageReport, StationReport

# Base stations of one message; the rest is counted.
_MOST_LINES = 40


def compose_report(report: CoverageReport, language: Language) -> Message:
    """A message with a line for each base station on which devices depend, that was away, or that adds
    nothing."""
    begin = report.begin[:10]
    title = in_language(
        Text("Base stations, week of {begin} to {end}", begin=begin, end=report.end[:10]), language
    )
    notes = [in_language(note, language) for note in _notes(report)]
    found = [station for station in report.stations if _worth_telling(station)]
    shown = [(station, _words(station, language)) for station in found[:_MOST_LINES]]
    if len(found) > _MOST_LINES:
        rest = Text(
            "... and {count} more; GET /api/v1/operator/coverageReports/{begin} has all",
            count=len(found) - _MOST_LINES,
            begin=begin,
        )
        tail = [in_language(rest, language)]
    else:
        tail = []
    subject = Plural(
        "Base stations: {count} device depends on a single one, week of {begin}",
        "Base stations: {count} devices depend on a single one, week of {begin}",
        count=report.dependent,
        begin=begin,
    )
    lines = [f"{one_line(station.name)} ({station.id}): {words}" for station, words in shown]
    text = "\n".join([title, "", " ".join(notes), "", *lines, *tail, ""])
    return Message(
        in_language(subject, language), text, _html(title, [" ".join(notes), *tail], shown, language)
    )


def _notes(report: CoverageReport) -> list[Text]:
    return [
        Plural("{count} base station.", "{count} base stations.", count=len(report.stations)),
        Plural(
            "{count} device goes dark if a single base station fails.",
            "{count} devices go dark if a single base station fails.",
            count=report.dependent,
        ),
        Plural(
            "{count} base station adds nothing: no device depends on it or is heard better there.",
            "{count} base stations add nothing: no device depends on them or is heard better there.",
            count=report.idle,
        ),
    ]


def _worth_telling(station: StationReport) -> bool:
    return bool(station.only or station.weak or station.outages or station.addsNothing)


def _words(station: StationReport, language: Language) -> str:
    parts: list[Text] = []
    if station.only or station.weak:
        parts.append(
            Plural(
                "{count} device heard only there, {weak} hardly elsewhere",
                "{count} devices heard only there, {weak} hardly elsewhere",
                count=station.only,
                weak=station.weak,
            )
        )
    if station.connected is not None:
        parts.append(
            Plural(
                "connected {share:.2f}%, {count} outage",
                "connected {share:.2f}%, {count} outages",
                share=station.connected * 100,
                count=station.outages,
            )
        )
    if station.addsNothing:
        parts.append(Text("adds nothing"))
    parts.append(Plural("{count} uplink", "{count} uplinks", count=station.uplinks))
    return "; ".join(in_language(part, language) for part in parts)


def _html(title: str, notes: list[str], shown: list[tuple[StationReport, str]], language: Language) -> str:
    rows = "".join(
        f"<tr><td>{escape(one_line(station.name))}<br><small>{escape(station.id)}</small></td><td>{escape(words)}</td></tr>"
        for station, words in shown
    )
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        f"<!doctype html><html lang='{language}'><meta charset='utf-8'>"
        "<body style='font:15px/1.5 system-ui,sans-serif;color:#212529'>"
        f"<h2 style='font-size:18px'>{escape(title)}</h2>{paragraphs}"
        f"<table cellpadding='6' style='border-collapse:collapse'>{rows}</table></body></html>"
    )
