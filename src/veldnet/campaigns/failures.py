"""Campaigns that could not be worked on: each rests for itself, and the others go on."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, func, update

from veldnet.network.shell import UnreadableGroup
from veldnet.store import StoreError
from veldnet.store.schema import campaigns
from veldnet.texts import Text

from .states import UnreadableOptions

Failure = Literal["keys", "store", "options", "group", "unexpected"]
# Milliseconds until a campaign is tried again, doubled with each failure, and the longest.
_FIRST, _LONGEST = 30_000, 1_800_000
# Columns of a campaign that works.
WORKING: dict[str, Any] = {"failure": None, "failed_at": None, "failures": 0, "retry_at": None}
_TEXTS: dict[str, Text] = {
    "keys": Text("The vault that holds the keys of the devices cannot work just now"),
    "store": Text("The database refused what was to be written"),
    "options": Text(
        "The stored options of the campaign cannot be read: what is shown of them is what a new campaign has"
    ),
    "group": Text("What is stored of the multicast group of the campaign cannot be read"),
    "unexpected": Text("Unexpected error; the log of the server tells more (campaign_failed)"),
}


class KeysUnavailable(Exception):
    """The vault of the devices cannot work just now."""


def failure_of(error: Exception) -> Failure:
    if isinstance(error, KeysUnavailable):
        return "keys"
    if isinstance(error, UnreadableOptions):
        return "options"
    if isinstance(error, UnreadableGroup):
        return "group"
    return "store" if isinstance(error, StoreError) else "unexpected"


def failure_text(failure: str) -> Text:
    return _TEXTS.get(failure, _TEXTS["unexpected"])


def rest(failures: int) -> int:
    """Milliseconds for which a campaign rests that has failed so many times running."""
    return min(_FIRST << min(max(failures - 1, 0), 16), _LONGEST)


def note_failure(connection: Connection, ref: int, failure: Failure, failures: int, now: int) -> None:
    """A campaign has failed, so many times running; it is tried again after a rest."""
    columns = campaigns.c
    connection.execute(
        update(campaigns)
        .where(columns.ref == ref)
        .values(
            failure=failure,
            failed_at=func.coalesce(columns.failed_at, now),
            failures=failures,
            retry_at=now + rest(failures),
        )
    )


def note_working(connection: Connection, refs: list[int]) -> None:
    """Campaigns work that had failed before."""
    connection.execute(update(campaigns).where(campaigns.c.ref.in_(refs)).values(WORKING))
