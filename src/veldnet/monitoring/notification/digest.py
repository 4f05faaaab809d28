"""Builds one message from many alarm changes, most severe first, with their causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import msgspec

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.alarms.words import label_of, sentence, state_of

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


def compose(events: Sequence[AlarmEvent], folded: dict[str, int], title: str) -> Message:
    """A message about changes of alarms. `folded` says of base stations that are behind silent devices how
    many of those are not listed one by one; `title` is the name of the network or customer."""
    shown = latest(events)
    causes = Counter(event.cause for event in shown if event.cause is not None)
    lines = [
        f"{_when(event.at)}  {state_of(event):<9} {event.name} ({event.subject}): {sentence(event)}"
        for event in shown
    ]
    notes = [
        f"Base station {cause} does not answer: {count + folded.get(cause, 0)} devices heard only there are "
        "silent. Others that follow are reported together when it is back."
        for cause, count in causes.items()
    ]
    notes += [
        f"Base station {cause}: {count} more devices that were heard only there changed their state."
        for cause, count in folded.items()
        if cause not in causes
    ]
    more = len(lines) - MOST_LINES
    rest = [f"... and {more} more; GET /deviceAlarms lists all"] if more > 0 else []
    text = "\n".join([title, "", *notes, *([""] if notes else []), *lines[:MOST_LINES], *rest, ""])
    return Message(_subject(shown, causes, folded), text, _html(title, notes, shown[:MOST_LINES], rest))


def _subject(shown: Sequence[AlarmEvent], causes: Counter[str], folded: dict[str, int]) -> str:
    if causes:
        cause, count = causes.most_common(1)[0]
        others = len(shown) - count
        tail = f", {others} other changes" if others else ""
        return f"Base station {cause} does not answer, {count} devices silent{tail}"
    if not shown and folded:
        return f"{sum(folded.values())} devices changed with their base station"
    if len(shown) == 1:
        event = shown[0]
        return f"{Level(event.state).name}: {label_of(event)}: {_one_line(event.name)}"
    counts = Counter(Level(event.state).name for event in shown)
    return f"{len(shown)} alarms: {', '.join(f'{n} {name.lower()}' for name, n in counts.items())}"


def _one_line(text: str) -> str:
    """Names come from customers; a header must not take a line break from them."""
    return "".join(character if character.isprintable() else " " for character in text)[:120]


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _html(title: str, notes: Sequence[str], shown: Sequence[AlarmEvent], rest: Sequence[str]) -> str:
    rows = "".join(
        f"<tr><td>{_when(event.at)}</td>"
        f"<td style='color:{_COLOURS[event.state]};font-weight:600'>{escape(state_of(event))}</td>"
        f"<td>{escape(event.name)}<br><small>{escape(event.subject)}</small></td>"
        f"<td>{escape(sentence(event))}</td></tr>"
        for event in shown
    )
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in (*notes, *rest))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<body style='font:15px/1.5 system-ui,sans-serif;color:#212529'>"
        f"<h2 style='font-size:18px'>{escape(title)}</h2>{paragraphs}"
        f"<table cellpadding='6' style='border-collapse:collapse'>{rows}</table></body></html>"
    )
