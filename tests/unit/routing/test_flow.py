"""How many messages go at once: windows that open and close, and turns."""

from __future__ import annotations

import asyncio
import heapq
import random

from veldnet.routing.flow import Scheduler, Window


def through(*, rate: float, answer: float, parallel: int, seconds: float) -> tuple[list[float], int]:
    """Messages arrive at a rate; a server answers each after `answer` seconds, so many at once. Returns how
    long each took from its arrival to its answer, and the widest window."""
    now, waits, widest = 0.0, [], 0
    events: list[tuple[float, int, str, float]] = []
    order = 0
    free: list[float] = [0.0] * parallel

    def start(arrived: float) -> None:
        nonlocal order
        begin = max(heapq.heappop(free), now)
        done = begin + answer
        heapq.heappush(free, done)
        order += 1
        started[order] = now
        heapq.heappush(events, (done, order, "answered", arrived))

    started: dict[int, float] = {}
    scheduler: Scheduler[float] = Scheduler(start, most_each=256, most=4096)
    for number in range(int(rate * seconds)):
        heapq.heappush(events, (number / rate, -number, "arrived", number / rate))
    while events:
        now, key, what, arrived = heapq.heappop(events)
        if what == "arrived":
            scheduler.submit("as", arrived)
            continue
        scheduler.window("as").answered(now - started.pop(key), now)
        widest = max(widest, int(scheduler.window("as").limit))
        waits.append(now - arrived)
        scheduler.release("as")
    assert len(waits) == int(rate * seconds)
    return waits, widest


def test_c15_a_slow_server_that_works_in_parallel_keeps_up() -> None:
    """Answers after 2 s, 100 messages a second: 200 are under way at once."""
    waits, widest = through(rate=100, answer=2.0, parallel=1000, seconds=120)
    settled = sorted(waits[len(waits) // 2 :])
    assert settled[len(settled) // 2] < 2.1 and settled[-1] < 3 and widest >= 200


def test_c15_a_server_that_does_one_thing_at_a_time_is_not_flooded() -> None:
    """More at once would only wait inside of it."""
    _waits, widest = through(rate=100, answer=0.05, parallel=2, seconds=60)
    assert widest < 64


def test_c15_the_window_closes_when_nothing_is_answered_and_opens_again() -> None:
    window = Window(256)
    for now in range(100):
        window.failed(float(now))
    closed = window.limit
    assert closed < 10
    window.active = 256
    for number in range(100):
        window.active = int(window.limit)
        window.answered(0.01, 100 + number / 10)
    assert window.limit > 2 * closed
    # Many failures at one time are one event.
    for _failure in range(50):
        window.failed(1000.0)
    assert window.limit > closed


def test_all_destinations_together_have_a_bound_and_take_turns() -> None:
    running: list[tuple[str, int]] = []
    scheduler: Scheduler[tuple[str, int]] = Scheduler(running.append, most_each=10, most=12)
    for number in range(30):
        for name in ("a", "b", "c"):
            scheduler.submit(name, (name, number))
    assert len(running) == 12 == scheduler.active
    rng = random.Random(3)
    served: list[str] = []
    while running:
        name, _number = running.pop(rng.randrange(len(running)))
        served.append(name)
        scheduler.release(name)
        assert scheduler.active <= 12 and all(scheduler.window(n).active <= 10 for n in "abc")
    assert {name: served.count(name) for name in "abc"} == {"a": 30, "b": 30, "c": 30}
    assert scheduler.active == 0


async def test_an_item_that_ends_at_once_gives_its_place_back() -> None:
    done: list[int] = []

    def run(item: int) -> None:
        async def work() -> None:
            done.append(item)
            scheduler.release("x")

        tasks.append(asyncio.get_running_loop().create_task(work()))

    tasks: list[asyncio.Task[None]] = []
    scheduler: Scheduler[int] = Scheduler(run, most_each=2, most=2)
    for item in range(50):
        scheduler.submit("x", item)
    while len(done) < 50:
        await asyncio.sleep(0)
    assert done == list(range(50))
