"""Alarms in words."""

from __future__ import annotations

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.notification.events import AlarmEvent

from .types import BASE_STATION_TYPES, DEVICE_TYPES, MODULE_TYPES, SILENCE

_TYPES = DEVICE_TYPES | BASE_STATION_TYPES | MODULE_TYPES


def label_of(event: AlarmEvent) -> str:
    """The name of its type."""
    return _TYPES[event.type].label


def sentence(event: AlarmEvent) -> str:
    """An alarm in words, with what it knows."""
    label = label_of(event)
    infos = event.infos
    if event.type == SILENCE and infos:
        label = f"{label} {'for' if event.change != 'cleared' else 'had lasted'} {infos[0]} h"
    elif infos:
        label = f"{label} ({', '.join(infos)})"
    elif event.object:
        label = f"{label} ({event.object})"
    return f"{label}, {event.occurrence} times" if event.occurrence > 1 else label


def state_of(event: AlarmEvent) -> str:
    """The level after a change, and what became of the acknowledgement."""
    name = Level(event.state).name
    if event.change == "unacknowledged":
        return f"{name}, acknowledgement withdrawn"
    return f"{name}, acknowledged" if event.change == "acknowledged" else name
