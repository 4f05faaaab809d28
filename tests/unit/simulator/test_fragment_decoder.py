"""Blocks rebuilt from what came of their fragments."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.lorawan.packages.parity import parity_fragment
from veldnet.simulator.fragment_decoder import FragmentDecoder, OutOfMemory


def parts_of(rng: random.Random, number: int, size: int) -> list[bytes]:
    return [rng.randbytes(size) for _ in range(number)]


@given(st.integers(1, 60), st.integers(1, 30), st.randoms(use_true_random=False), st.sampled_from([1, 2]))
def test_what_is_rebuilt_is_the_block(number: int, size: int, rng: random.Random, version: int) -> None:
    parts = parts_of(rng, number, size)
    decoder = FragmentDecoder(number, size, memory=number, version=version)
    lost = set(rng.sample(range(number), number // 3))
    for index, part in enumerate(parts):
        if index not in lost:
            decoder.add(index + 1, part)
            decoder.add(index + 1, part)
    assert decoder.missing == len(lost) and (decoder.block() is None) == bool(lost)
    for row in range(1, 4 * number + 20):
        if not decoder.missing:
            break
        decoder.add(number + row, parity_fragment(parts, row, version=version))
    if not decoder.missing:
        assert decoder.block() == b"".join(parts)
    else:
        # A single fragment has parity that combines none of them.
        assert number == 1 or version == 1


@pytest.mark.parametrize(("surplus", "share"), [(0, 0.2), (1, 0.45), (3, 0.85), (8, 0.99)])
def test_surplus_fragments_make_it_likely(surplus: int, share: float) -> None:
    """With a random matrix 1 - 2^-k of the blocks are rebuilt by k fragments more than were lost."""
    rng = random.Random(4)
    rebuilt = 0
    for _ in range(200):
        parts = parts_of(rng, 32, 1)
        decoder = FragmentDecoder(32, 1, memory=32)
        lost = set(rng.sample(range(32), 8))
        for index, part in enumerate(parts):
            if index not in lost:
                decoder.add(index + 1, part)
        for row in rng.sample(range(1, 400), 8 + surplus):
            decoder.add(32 + row, parity_fragment(parts, row))
        rebuilt += decoder.missing == 0
    assert rebuilt >= share * 200
    assert surplus or rebuilt < 100


def test_a_device_repairs_no_more_than_it_has_room_for() -> None:
    decoder = FragmentDecoder(10, 1, memory=2)
    for number in range(1, 8):
        decoder.add(number, b"x")
    with pytest.raises(OutOfMemory):
        decoder.add(11, b"x")


def test_fragments_of_another_size_are_left_out() -> None:
    decoder = FragmentDecoder(2, 3, memory=2)
    decoder.add(1, b"ab")
    decoder.add(0, b"abc")
    assert decoder.received == 0 and decoder.missing == 2
