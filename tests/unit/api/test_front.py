"""Which connection is closed for which; how HTTP's work is spread over turns of the loop."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.api.front import Connections, Limits, Pace, Paced
from veldnet.api.front.connections import State, group_of


class Held:
    """A connection without a network."""

    def __init__(self, group: str, state: State = State.NEW) -> None:
        self.group, self.state = group, state
        self.probes_only = self.closed = False

    def evict(self) -> None:
        self.closed = True

    def enforce_timeouts(self, now: float) -> None:
        raise AssertionError("not asked for")


LIMITS = Limits(connections=10, per_address=4, reserve=3)


def test_c6_idle_connections_make_room() -> None:
    connections = Connections(LIMITS)
    idle = [Held("") for _ in range(10)]
    for each in idle:
        assert connections.enter(each)
    connections.move(idle[0], State.KEPT)
    new = Held("")
    assert connections.enter(new) and not new.probes_only
    assert [each.closed for each in idle] == [False, True] + [False] * 8, "what has been served stays longer"


def test_c6_busy_connections_leave_the_reserve_for_probes() -> None:
    connections = Connections(LIMITS)
    for _ in range(10):
        busy = Held("")
        assert connections.enter(busy)
        connections.move(busy, State.WORKING)
    for _ in range(3):
        probe = Held("")
        assert connections.enter(probe) and probe.probes_only
        connections.move(probe, State.WORKING)
    assert not connections.enter(Held("")) and connections.refused == 1


def test_c6_an_address_has_its_share() -> None:
    connections = Connections(LIMITS)
    for _ in range(4):
        busy = Held("a")
        assert connections.enter(busy)
        connections.move(busy, State.WORKING)
    assert not connections.enter(Held("a"))
    assert connections.enter(Held("b"))
    connections.leave(busy)
    assert connections.enter(Held("a"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(State)), st.booleans()), max_size=80))
def test_c6_the_limits_hold_whatever_comes(events: list[tuple[str, State, bool]]) -> None:
    connections, here = Connections(LIMITS), list[Held]()
    for group, state, leaves in events:
        if leaves and here:
            connections.leave(here.pop(0))
        held = Held(group)
        if connections.enter(held):
            here.append(held)
            connections.move(held, state)
        here = [each for each in here if not each.closed]
        assert len(connections) == len(here) <= LIMITS.connections + LIMITS.reserve
        assert all(sum(each.group == one for each in here) <= LIMITS.per_address for one in "abc")


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("127.0.0.2", "127.0.0.2"),
        ("somewhere", "somewhere"),
    ],
)
def test_c6_whom_a_connection_is_counted_for(address: str, group: str) -> None:
    assert group_of(address, Limits().trusted) == group


def test_whole_networks_may_be_trusted() -> None:
    trusted = (ip_network("10.1.0.0/16"), ip_network("2001:db8::/32"))
    assert [group_of(address, trusted) for address in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::9")] == [
        ""
    ] * 3
    assert group_of("10.2.0.1", trusted) == "10.2.0.1"


async def test_c6_a_crowd_of_requests_leaves_the_loop_to_others() -> None:
    """Three hundred requests of 1 ms each, in two steps, are not done in one turn."""
    loop = asyncio.get_running_loop()
    pace, done = Pace(loop), list[str]()

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        for _ in range(2):
            end = loop.time() + 0.001
            while loop.time() < end:
                pass
            await asyncio.sleep(0)
        done.append(scope["path"])

    paced = Paced(application, pace)
    tasks = [
        loop.create_task(paced({"type": "http", "path": f"/{number}"}, None, None)) for number in range(300)
    ]
    await asyncio.sleep(0)
    probe = loop.create_task(paced({"type": "http", "path": "/healthz"}, None, None))
    turns = 0
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        turns += 1
        if probe.done() and "probe" not in done:
            done.append("probe")
    assert turns >= 50 and len(done) == 302
    assert done.index("probe") < 30, "probes do not wait behind the crowd"


async def test_c6_paced_work_sees_results_errors_and_cancellation() -> None:
    loop = asyncio.get_running_loop()
    pace, seen = Pace(loop), list[str]()

    async def application(scope: Any, receive: Any, _send: Any) -> None:
        seen.append(await receive())
        try:
            await asyncio.wait_for(loop.create_future(), 0.01)
        except TimeoutError:
            seen.append("time-out")
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def receive() -> str:
        await asyncio.sleep(0.001)
        return "received"

    task = loop.create_task(Paced(application, pace)({"type": "http", "path": "/"}, receive, None))
    while len(seen) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["received", "time-out", "cancelled"]

    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(0)
        raise LookupError("as it was raised")

    with pytest.raises(LookupError, match="as it was raised"):
        await Paced(failing, pace)({"type": "http", "path": "/"}, None, None)
