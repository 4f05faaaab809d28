"""Search over everything that a caller may see, a few hits of each kind."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.store import plan_each_time

from .device_hits import find_devices
from .hits import Hit, HitGroup, HitKind, Phrase, Sight
from .other_hits import FINDERS

__all__ = ["MOST_CHARACTERS", "Hit", "HitGroup", "HitKind", "Sight", "search"]

MOST_CHARACTERS = 100


def search(connection: Connection, sight: Sight, text: str, limit: int) -> list[HitGroup]:
    """What the text finds, devices first; kinds without hits are left out."""
    phrase = Phrase.of(text[:MOST_CHARACTERS])
    if not phrase.words:
        return []
    plan_each_time(connection)
    groups = [HitGroup.of("device", find_devices(connection, sight, phrase, limit + 1), limit)]
    for kind, find in FINDERS.items():
        groups.append(HitGroup.of(kind, find(connection, sight, phrase, limit + 1), limit))
    return [group for group in groups if group.hits]
