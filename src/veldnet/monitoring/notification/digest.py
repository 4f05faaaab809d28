"""Builds one message from many alarm changes, most severe first, with their causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import msgspec

from veldnet.domain.alarm_levels import Level
from veldnet.inventory.names import printable
from veldnet.monitoring.alarms.advice import ADVICE
from veldnet.monitoring.alarms.types import MODULE_TYPES
from veldnet.monitoring.alarms.words import (
    count_text,
    label_of,
    label_of_type,
    level_text,
    sentence,
    state_of,
)
from veldnet.texts import Language, Plural, Text, in_language

from .events import AlarmEvent

# Lines of one message; the rest is counted.
MOST_LINES = 50
_COLOURS = {1: "#2f9e44", 2: "#7048e8", 3: "#1c7ed6", 4: "#e6b800", 5: "#f76707", 6: "#e03131"}


class Message(msgspec.Struct, frozen=True):
    """An e-mail's subject, and its body as text and as HTML."""

    subject: str
    text: str
    html: str


def latest(events: Sequence[AlarmEvent]) -> list[AlarmEvent]:
    """Of each alarm its newest change, the gravest first."""
    newest = {(event.subject, event.type, event.object): event for event in events}
    return sorted(newest.values(), key=lambda event: (-event.state, event.subject, event.type))


def compose(
    events: Sequence[AlarmEvent], folded: dict[str, int], title: Text, language: Language = "en"
) -> Message:
    """A message about changes of alarms. `folded` says of base stations that are behind silent devices how
    many of those are not listed one by one; `title` is what the alarms are of."""
    shown = latest(events)
    causes = Counter(event.cause for event in shown if event.cause is not None)
    notes = [_silent(cause, count + folded.get(cause, 0)) for cause, count in causes.items()]
    notes += [_changed(cause, count) for cause, count in folded.items() if cause not in causes]
    listed, more = shown[:MOST_LINES], len(shown) - MOST_LINES
    kinds = dict.fromkeys(event.type for event in listed if event.state > int(Level.CLEARED))
    page = _Page(
        in_language(title, language),
        [in_language(note, language) for note in notes],
        [_row(event, language) for event in listed],
        [in_language(Text("... and {more} more; the alarms page lists all", more=more), language)]
        if more > 0
        else [],
        [
            f"{in_language(label_of_type(kind), language)}: {in_language(ADVICE[kind], language)}"
            for kind in kinds
        ],
        in_language(Text("What to do"), language),
    )
    subject = in_language(_subject(shown, causes, folded), language)
    return Message(subject, page.text(), page.html(language))


def _silent(cause: str, count: int) -> Text:
    return Plural(
        "Base station {cause} does not answer: {count} device heard only there is silent. Others that follow "
        "are reported together when it is back.",
        "Base station {cause} does not answer: {count} devices heard only there are silent. Others that "
        "follow are reported together when it is back.",
        cause=cause,
        count=count,
    )


def _changed(cause: str, count: int) -> Text:
    return Plural(
        "Base station {cause}: {count} more device that was heard only there changed its state.",
        "Base station {cause}: {count} more devices that were heard only there changed their state.",
        cause=cause,
        count=count,
    )


def _subject(shown: Sequence[AlarmEvent], causes: Counter[str], folded: dict[str, int]) -> Text:
    if causes:
        cause, count = causes.most_common(1)[0]
        silent = Plural("{count} device silent", "{count} devices silent", count=count)
        text = Text("Base station {cause} does not answer, {silent}", cause=cause, silent=silent)
        others = len(shown) - count
        if not others:
            return text
        return Plural(
            "{text}, {count} other change", "{text}, {count} other changes", text=text, count=others
        )
    if not shown and folded:
        return Plural(
            "{count} device changed with its base station",
            "{count} devices changed with their base station",
            count=sum(folded.values()),
        )
    if len(shown) == 1:
        event = shown[0]
        return Text(
            "{level}: {alarm}: {name}",
            level=level_text(event.state),
            alarm=label_of(event),
            name=_name(event),
        )
    counts = Counter(event.state for event in shown)
    levels: Text | None = None
    for state, count in counts.items():
        one = count_text(state, count)
        levels = one if levels is None else Text("{first}, {second}", first=levels, second=one)
    return Plural("{count} alarm: {levels}", "{count} alarms: {levels}", count=len(shown), levels=levels)


def one_line(text: str) -> str:
    """A name as it may stand in a mail. It comes from a customer, and a header must not take a line break
    from it."""
    return printable(text)[:120]


def _name(event: AlarmEvent) -> str:
    """The name that people gave, or ours for a part of the installation."""
    return Text(event.name) if event.type in MODULE_TYPES else one_line(event.name)


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


class _Row(msgspec.Struct, frozen=True):
    at: str
    colour: str
    state: str
    name: str
    subject: str
    alarm: str


def _row(event: AlarmEvent, language: Language) -> _Row:
    return _Row(
        _when(event.at),
        _COLOURS[event.state],
        in_language(state_of(event), language),
        in_language(_name(event), language),
        event.subject,
        in_language(sentence(event), language),
    )


class _Page(msgspec.Struct, frozen=True):
    """What a message says, in a language."""

    title: str
    notes: list[str]
    rows: list[_Row]
    rest: list[str]
    advice: list[str]
    advice_title: str

    def text(self) -> str:
        rows = [f"{row.at}  {row.state:<9} {row.name} ({row.subject}): {row.alarm}" for row in self.rows]
        notes = [*self.notes, ""] if self.notes else []
        advice = ["", f"{self.advice_title}:", *(f"- {line}" for line in self.advice)] if self.advice else []
        return "\n".join([self.title, "", *notes, *rows, *self.rest, *advice, ""])

    def html(self, language: Language) -> str:
        rows = "".join(
            f"<tr><td>{row.at}</td>"
            f"<td style='color:{row.colour};font-weight:600'>{escape(row.state)}</td>"
            f"<td>{escape(row.name)}<br><small>{escape(row.subject)}</small></td>"
            f"<td>{escape(row.alarm)}</td></tr>"
            for row in self.rows
        )
        paragraphs = "".join(f"<p>{escape(note)}</p>" for note in (*self.notes, *self.rest))
        advice = "".join(f"<li>{escape(line)}</li>" for line in self.advice)
        return (
            f"<!doctype html><html lang='{language}'><meta charset='utf-8'>"
            "<body style='font:15px/1.5 system-ui,sans-serif;color:#212529'>"
            f"<h2 style='font-size:18px'>{escape(self.title)}</h2>{paragraphs}"
            f"<table cellpadding='6' style='border-collapse:collapse'>{rows}</table>"
            + (f"<p>{escape(self.advice_title)}:</p><ul>{advice}</ul>" if advice else "")
            + "</body></html>"
        )
