"""Parity vectors F1 to F3 and the data of F5 (brocaar/lorawan, ChirpStack, LoRaMac-node recording)."""

from __future__ import annotations

import binascii

import pytest

from veldnet.lorawan.packages.parity import parity_fragment, parity_row

DATA = bytes(range(0x64))
PARTS = [DATA[start : start + 10] for start in range(0, 100, 10)]


@pytest.mark.parametrize(
    ("version", "row", "expected"),
    [
        (1, 1, "262622222e2e22222626"),
        (1, 2, "5455565758596a6b7c7d"),
        (1, 10, "22232425262718190a0b"),
        (2, 1, "686952535c5d76777071"),
        (2, 10, "00013a3b44457e7f6869"),
    ],
)
def test_parity_rows(version: int, row: int, expected: str) -> None:
    assert parity_fragment(PARTS, row, version=version).hex() == expected


def test_two_lost_fragments_come_back_after_three_parity_rows() -> None:
    """F5: fragments 3 and 7 of ten are withheld; the device rebuilt the block after parity row 3."""
    data = bytes(index & 0xFF for index in range(400))
    assert binascii.crc32(data) == 0xE0BBCAD4
    parts = [data[start : start + 40] for start in range(0, 400, 40)]
    lost = {2, 6}
    solvable = []
    for rows in (1, 2, 3):
        equations = {frozenset(lost.intersection(parity_row(row, 10))) for row in range(1, rows + 1)}
        # Two unknowns need two different non-empty equations.
        solvable.append(len(equations - {frozenset()}) >= 2)
    assert solvable == [False, False, True]
    assert len(parity_fragment(parts, 3)) == 40
