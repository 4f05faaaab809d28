"""Joins that wait for a vault: turns, urgency, lateness, bounds; and the queues of several vaults."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from veldnet.network.shell.join_queue import MOST_OF_DEVICE, JoinQueue, Waiting


def waiting(
    name: str, *, device: int, customer: int = 1, deadline: float = 10.0, urgent: bool = True
) -> Waiting[str]:
    return Waiting(name, device, customer, deadline, urgent)


def names(taken: list[Waiting[str]]) -> list[str]:
    return [each.order for each in taken]


def test_customers_take_turns_and_each_is_served_in_order() -> None:
    queue: JoinQueue[str] = JoinQueue()
    for number in range(100):
        assert queue.put(waiting(f"storm-{number}", device=number, customer=1))
    for number in range(2):
        assert queue.put(waiting(f"few-{number}", device=1000 + number, customer=2))
    taken, late = queue.take(6, 0.0)
    assert names(taken) == ["storm-0", "few-0", "storm-1", "few-1", "storm-2", "storm-3"]
    assert not late and len(queue) == 96


def test_who_is_cut_off_goes_first() -> None:
    queue: JoinQueue[str] = JoinQueue()
    queue.put(waiting("again", device=1, urgent=False))
    queue.put(waiting("cut off", device=2))
    assert names(queue.take(2, 0.0)[0]) == ["cut off", "again"]


def test_what_is_too_late_costs_the_vault_nothing() -> None:
    queue: JoinQueue[str] = JoinQueue()
    for number in range(5):
        queue.put(waiting(str(number), device=number, deadline=float(number)))
    taken, late = queue.take(2, 2.5)
    assert names(late) == ["0", "1", "2"] and names(taken) == ["3", "4"]
    assert len(queue) == 0


def test_a_device_and_the_queue_have_bounds() -> None:
    queue: JoinQueue[str] = JoinQueue(most=10, crowded=2)
    assert [queue.put(waiting(str(n), device=7)) for n in range(6)] == [True] * MOST_OF_DEVICE + [False] * 2
    assert [queue.put(waiting(str(n), device=n)) for n in range(100, 108)] == [True] * 6 + [False] * 2
    queue.take(1, 0.0)
    assert queue.put(waiting("7", device=7)), "there is room again, for the queue and the device"


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.floats(0, 10), st.booleans()), max_size=60),
    st.lists(st.integers(1, 7), min_size=1, max_size=40),
    st.floats(0, 10),
)
def test_nothing_is_lost_or_served_twice(
    orders: list[tuple[int, int, float, bool]], sizes: list[int], now: float
) -> None:
    queue: JoinQueue[str] = JoinQueue()
    accepted = [
        str(position)
        for position, (device, customer, deadline, urgent) in enumerate(orders)
        if queue.put(
            waiting(str(position), device=device, customer=customer, deadline=deadline, urgent=urgent)
        )
    ]
    seen: list[str] = []
    for size in [*sizes, *[100] * 2]:
        taken, late = queue.take(size, now)
        assert len(taken) <= size
        assert all(each.deadline >= now for each in taken) and all(each.deadline < now for each in late)
        seen += names(taken) + names(late)
    assert sorted(seen) == sorted(accepted) and len(queue) == 0
