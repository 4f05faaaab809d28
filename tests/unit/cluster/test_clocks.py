"""How far the clocks of nodes are apart."""

from __future__ import annotations

import random

import pytest

from veldnet.cluster.clocks import NodeClocks


def test_delays_do_not_count_as_a_difference_of_clocks() -> None:
    clocks, rng = NodeClocks(), random.Random(1)
    found = 0.0
    for number in range(200):
        sent = 1_800_000_000.0 + number / 10
        arrives = sent + 0.0005 + (rng.random() if number % 3 else 0.0)
        found = clocks.ahead("b", sent, arrives - 3600, number / 10)
    assert found == pytest.approx(-3600, abs=0.001)


def test_clock_that_was_set_is_followed_within_a_minute() -> None:
    clocks = NodeClocks()
    assert clocks.ahead("b", 100.0, 100.0, 0.0) == 0
    # Set back by ten seconds there; nodes are told apart.
    assert clocks.ahead("b", 91.0, 101.0, 1.0) == 0
    assert clocks.ahead("c", 101.0, 101.0, 1.0) == 0
    assert clocks.ahead("b", 122.0, 132.0, 32.0) == 0
    assert clocks.ahead("b", 153.0, 163.0, 63.0) == 10
    assert clocks.ahead("b", 170.0, 160.0, 64.0) == -10
    clocks.forget("b")
    assert clocks.ahead("b", 150.0, 170.0, 70.0) == 20
    # Silence, and then a message.
    assert clocks.ahead("b", 550.0, 600.0, 500.0) == 50
