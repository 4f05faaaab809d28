"""Digests of tables: the same in every order, another one for every other content."""

from __future__ import annotations

import random

import pytest

from veldnet.store.digests import TableDigest

ROWS: list[tuple[object, ...]] = [
    (1, "a", None, b"\0"),
    (2, "b", 0.5, b""),
    (3, "c", True, None),
    (3, "c", True, None),
]


def digest(rows: list[tuple[object, ...]]) -> TableDigest:
    found = TableDigest()
    found.add(rows)
    return found


def test_the_order_of_rows_and_pieces_does_not_count() -> None:
    mixed = random.Random(1).sample(ROWS, len(ROWS))
    pieces = TableDigest()
    pieces.add(mixed[:1])
    pieces.add(mixed[1:])
    assert pieces == digest(ROWS) and pieces.rows == 4 and len(str(pieces)) == 32


@pytest.mark.parametrize(
    "rows",
    [ROWS[:3], [*ROWS, ROWS[0]], [(1, "a", None, b"\1"), *ROWS[1:]], [("1", "a", None, b"\0"), *ROWS[1:]]],
)
def test_whatever_else_is_in_a_table_shows(rows: list[tuple[object, ...]]) -> None:
    assert digest(rows) != digest(ROWS)
