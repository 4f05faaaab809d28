"""Alarms in words, in the languages of the console."""

from __future__ import annotations

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.notification.events import AlarmEvent
from veldnet.texts import Plural, Text, unpack

from .types import BASE_STATION_TYPES, DEVICE_TYPES, MODULE_TYPES, SILENCE

_TYPES = DEVICE_TYPES | BASE_STATION_TYPES | MODULE_TYPES
_LEVELS = {
    Level.CLEARED: Text("CLEARED"),
    Level.UNCLEARED: Text("UNCLEARED"),
    Level.WARNING: Text("WARNING"),
    Level.MINOR: Text("MINOR"),
    Level.MAJOR: Text("MAJOR"),
    Level.CRITICAL: Text("CRITICAL"),
}


def label_of(event: AlarmEvent) -> Text:
    """The name of its type."""
    return label_of_type(event.type)


def label_of_type(number: int) -> Text:
    return Text(_TYPES[number].label)


def sentence(event: AlarmEvent) -> Text:
    """An alarm in words, with what it knows."""
    text = _with_infos(event, label_of(event))
    if event.occurrence <= 1:
        return text
    return Plural("{alarm}, {count} time", "{alarm}, {count} times", alarm=text, count=event.occurrence)


def _with_infos(event: AlarmEvent, label: Text) -> Text:
    infos = [unpack(info) for info in event.infos]
    if event.type == SILENCE and infos:
        if event.change == "cleared":
            return Text("{label} had lasted {hours} h", label=label, hours=infos[0])
        return Text("{label} for {hours} h", label=label, hours=infos[0])
    if infos:
        return Text("{label} ({infos})", label=label, infos=infos[0] if len(infos) == 1 else ", ".join(infos))
    return Text("{label} ({infos})", label=label, infos=event.object) if event.object else label


_COUNTED = {
    Level.CLEARED: Text("{count} cleared"),
    Level.UNCLEARED: Text("{count} uncleared"),
    Level.WARNING: Text("{count} warning"),
    Level.MINOR: Text("{count} minor"),
    Level.MAJOR: Text("{count} major"),
    Level.CRITICAL: Text("{count} critical"),
}


def count_text(state: int, count: int) -> Text:
    """How many alarms have a level."""
    return Text(_COUNTED[Level(state)].form, count=count)


def level_text(state: int) -> Text:
    return _LEVELS[Level(state)]


def state_of(event: AlarmEvent) -> Text:
    """The level after a change, and what became of the acknowledgement."""
    level = level_text(event.state)
    if event.change == "unacknowledged":
        return Text("{level}, acknowledgement withdrawn", level=level)
    return Text("{level}, acknowledged", level=level) if event.change == "acknowledged" else level
