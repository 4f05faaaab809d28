"""Rows in the order of what they lock, each once: two writers never wait for each other in a circle, and no
statement changes a row twice, which PostgreSQL refuses or leaves open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from veldnet.store.rows import HourlyRow, Row, Statement

# What a row is about. The rows of other statements are new and have their own identifiers.
_KEYS: dict[Statement, Callable[[Any], Any]] = {
    Statement.UPDATE_STATE: attrgetter("device_ref"),
    Statement.UPDATE_JOIN_MEMORY: attrgetter("device_ref"),
    Statement.UPDATE_CHECK: attrgetter("device_ref"),
    Statement.UPDATE_LOCATION: attrgetter("device_ref"),
    Statement.UPDATE_HEALTH: attrgetter("ref"),
    Statement.DELETE_DELIVERY: attrgetter("id"),
    Statement.NOTE_ATTEMPT: attrgetter("id"),
    Statement.SET_DELIVERY_ASIDE: attrgetter("id"),
    Statement.INSERT_DELIVERY_RESULT: attrgetter("frame_id", "delivery_id"),
    Statement.ADD_HOURLY: attrgetter("scope", "scope_ref", "hour"),
    Statement.PUT_ALARM: attrgetter("device_ref", "type", "object"),
    Statement.ACKNOWLEDGE_ALARM: attrgetter("device_ref", "type", "object"),
    Statement.MUTE_ALARM: attrgetter("device_ref", "type", "object"),
    Statement.PUT_DOWNLINK: attrgetter("id"),
    Statement.ANSWER_DOWNLINK: attrgetter("id"),
}


def in_order(statement: Statement, rows: Sequence[Row]) -> Sequence[Row]:
    """Of several rows about the same the last one counts; of totals their sum."""
    key = _KEYS.get(statement)
    if key is None or len(rows) < 2:
        return rows
    found: dict[Any, Row] = {}
    for row in rows:
        about = key(row)
        before = found.get(about)
        if isinstance(before, HourlyRow) and isinstance(row, HourlyRow):
            found[about] = before.plus(row)
        else:
            found[about] = row
    return [found[about] for about in sorted(found)]
