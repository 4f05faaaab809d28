"""What every writer of rows needs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult


def inserted_ref(result: CursorResult[Any]) -> int:
    """The reference that the store gave a new row."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])
