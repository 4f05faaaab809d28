"""Helpers for inserted primary keys and refs given by clients."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult


def inserted_ref(result: CursorResult[Any]) -> int:
    """The reference that the store gave a new row."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


# A ref that matches no row.
NO_REF = -1


def ref_of(text: str) -> int:
    """The number of a reference as customers write it; `NO_REF` for what is none, or too long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else NO_REF
