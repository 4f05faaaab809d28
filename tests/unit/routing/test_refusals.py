"""How often a message is refused until it is at fault itself, and not its server."""

from __future__ import annotations

import random

import pytest

from veldnet.routing.delivery_queue import DeliveryQueue, Destination
from veldnet.routing.ledger import UPLINK


def destination(*accepted_after: int) -> Destination:
    """One that has accepted messages after so many refusals each."""
    known = Destination()
    for refusals in accepted_after:
        known.count(UPLINK, refusals)
    return known


@pytest.mark.parametrize(
    ("accepted_after", "needed"),
    [
        # Nothing is known, or whatever is refused is never accepted.
        ([], 5),
        ([0] * 500, 5),
        # One request in ten fails, half of them, nine in ten.
        ([0] * 8 + [1], 5),
        ([0, 0, 1, 3], 14),
        ([9] * 10, 50),
        # An outage is forgotten with what is accepted after it.
        ([9] * 10 + [0] * 900, 5),
    ],
)
def test_refusals_needed(accepted_after: list[int], needed: int) -> None:
    assert destination(*accepted_after).refusals_needed(5) == needed


def test_a_server_that_fails_half_of_its_requests_loses_hardly_a_message() -> None:
    rng, known, lost, total = random.Random(4), destination(0, 1, 2), 0, 20_000
    for _ in range(total):
        refusals = 0
        while rng.random() < 0.5 and refusals < known.refusals_needed(5):
            refusals += 1
        if refusals >= known.refusals_needed(5):
            lost += 1
        else:
            known.count(UPLINK, refusals)
    assert lost <= total / 2000, "with five refusals it would be one in 32"


def test_a_destination_resumes_its_queues_at_most_every_ten_seconds() -> None:
    known, queue = Destination(), DeliveryQueue((1, "1:u::"), 0)
    known.waiting.add(queue)
    assert known.to_wake(100.0) == [queue] and not known.waiting
    known.waiting.add(queue)
    assert known.to_wake(105.0) == [] and known.waiting
    assert known.to_wake(110.0) == [queue]
