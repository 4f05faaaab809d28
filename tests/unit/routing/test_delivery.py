"""Delivery queues, retries and what is set aside, with a real store and real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from tests.unit.outgoing.servers import RawServer, serving
from veldnet.routing import Limits, Retry, deliver_again
from veldnet.store import Statement, StoreError
from veldnet.store.schema import deliveries

from .network import FAR, OK, Answering, Network, bodies, counters, join, report, status, uplink


@asynccontextmanager
async def application_server(answer: Answering) -> AsyncIterator[RawServer]:
    """A server whose answer depends on the message."""
    here: list[RawServer] = []
    async with serving(lambda _number: [answer(bodies(here[0])[-1])]) as server:
        here.append(server)
        yield server


def served(answer: bytes) -> AbstractAsyncContextManager[RawServer]:
    """A server that always gives the same answer."""
    return application_server(lambda _body: answer)


def well_formed(body: dict[str, Any]) -> bytes:
    """As the published examples: anything but an uplink with a payload is an error of the program."""
    return OK if "FCntUp" in body and "payload_hex" in body else status(500)


def _taken(server: RawServer) -> list[int]:
    return [body["FCntUp"] for body in bodies(server) if well_formed(body) == OK]


# C1: kinds and refusals.


@pytest.mark.parametrize("code", [500, 405, 400, 404, 501, 302, 429, 503])
async def test_c1_uplinks_do_not_wait_behind_messages_of_other_kinds(tmp_path: Path, code: int) -> None:
    network = await Network.open(tmp_path, retry=Retry(60, 60))
    async with application_server(lambda body: OK if "FCntUp" in body else status(code)) as server:
        await network.profile(server.address)
        await network.send(join(), report(0), report(1, "DevEUI_downlink_Sent"))
        for number in range(20):
            await network.send(uplink(number), report(number, "DevEUI_downlink_Rejected"))
        await network.until(lambda: len(counters(server)) == 20)
        assert counters(server) == list(range(20))
        await network.close()


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451])
async def test_c1_an_answer_that_says_never_sets_the_message_aside(tmp_path: Path, code: int) -> None:
    network = await Network.open(tmp_path, retry=Retry(60, 60))
    async with application_server(lambda body: status(code) if body["FCntUp"] == 1 else OK) as server:
        await network.profile(server.address)
        for number in range(4):
            await network.send(uplink(number))
        await network.until(lambda: len(counters(server)) == 4)
        (aside,) = await network.until_listed(lambda listed: len(listed) == 1)
        assert (aside.state, aside.reason, aside.attempts) == ("undelivered", "refused", 1)
        assert aside.last_error == f"HTTP status {code}" and aside.address == server.address
        assert aside.last_attempt_at is not None and aside.next_attempt_at is None
        await network.close()


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 307])
async def test_c1_temporary_failures_are_retried_in_order(tmp_path: Path, code: int) -> None:
    network = await Network.open(tmp_path, retry=Retry(0.01, 0.05, 50))
    left = [5]

    def answer(body: dict[str, Any]) -> bytes:
        left[0] -= body["FCntUp"] == 1
        return OK if body["FCntUp"] != 1 or left[0] < 0 else status(code)

    async with application_server(answer) as server:
        await network.profile(server.address)
        for number in range(4):
            await network.send(uplink(number))
        await network.until(lambda: len(counters(server)) == 9)
        assert counters(server) == [0, 1, 1, 1, 1, 1, 1, 2, 3]
        # The server has the last one before its answer is here.
        await network.until_listed(lambda listed: not listed)
        await network.close()


async def test_c1_servers_like_the_published_examples_get_all_their_uplinks(tmp_path: Path) -> None:
    """One device, and messages in between which the example cannot read, in the queue of the uplinks, too."""
    network = await Network.open(tmp_path)
    async with application_server(well_formed) as server:
        await network.profile(server.address)
        await network.send(join(), report(0))
        for number in range(12):
            payload: dict[str, Any] = {} if number % 4 == 1 else {"payload_hex": "00"}
            await network.send(uplink(number, **payload), report(number))
        wanted = [number for number in range(12) if number % 4 != 1]
        await network.until(lambda: len(_taken(server)) == len(wanted))
        assert _taken(server) == wanted
        listed = await network.until_listed(
            lambda listed: all(item.reason for item in listed if item.message == "DevEUI_uplink")
        )
        aside = [item for item in listed if item.reason is not None]
        assert {item.reason for item in aside} == {"refusedRepeatedly"}
        assert all(item.last_error == "HTTP status 500" and item.attempts >= 1 for item in aside)
        await network.close()


async def test_c1_a_refused_message_is_set_aside_while_other_devices_are_served(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, devices=2)
    async with application_server(lambda body: status(500) if body["FCntUp"] == 7 else OK) as server:
        await network.profile(server.address)
        await network.send(uplink(7))
        for number in range(100, 150):
            await network.send(uplink(number, 2), device=2)
            await asyncio.sleep(0.01)
        (aside,) = await network.until_listed(
            lambda listed: len(listed) == 1 and listed[0].reason is not None
        )
        assert aside.reason == "refusedRepeatedly" and aside.attempts >= 3
        assert counters(server).count(7) == aside.attempts
        await network.close()


async def test_c1_nothing_is_set_aside_while_the_server_takes_nothing(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, devices=3)
    broken = [True]
    async with application_server(lambda _body: status(500) if broken[0] else OK) as server:
        await network.profile(server.address)
        for number in range(5):
            for device in (1, 2, 3):
                await network.send(uplink(number, device), device=device)
        await network.until(lambda: len(server.requests) > 100)
        assert {item.state for item in await network.listed()} == {"pending"}
        # Not between a message and those behind it: it would have been refused while one of them was taken.
        await network.until(lambda: network.deliveries.under_way == 0)
        before = len(server.requests)
        broken[0] = False
        await network.until(lambda: len(server.requests) >= before + 15)
        await network.until_listed(lambda listed: not listed)
        by_device: dict[str, list[int]] = {}
        for body in bodies(server)[before + 3 :]:
            by_device.setdefault(body["DevEUI"], []).append(body["FCntUp"])
        assert all(numbers == sorted(numbers) for numbers in by_device.values())
        await network.close()


async def test_c1_accepted_reports_do_not_say_that_uplinks_are_accepted(tmp_path: Path) -> None:
    """The server cannot store uplinks just now, but takes everything else: uplinks wait."""
    network = await Network.open(tmp_path)
    async with application_server(lambda body: status(500) if "FCntUp" in body else OK) as server:
        await network.profile(server.address)
        await network.send(uplink(1), uplink(2))
        for number in range(40):
            await network.send(report(number))
            await asyncio.sleep(0.01)
        await network.until(lambda: counters(server).count(1) > 6)
        assert [item.state for item in await network.listed()] == ["pending", "pending"]
        await network.close()


async def test_c1_retry_after_is_honoured_within_bounds(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, retry=Retry(0.01, 0.3))
    answers = [status(429, "Retry-After: 86400"), status(503, "Retry-After: 0"), OK]
    times: list[float] = []

    def answer(_body: dict[str, Any]) -> bytes:
        times.append(asyncio.get_running_loop().time())
        return answers[len(times) - 1]

    async with application_server(answer) as server:
        await network.profile(server.address)
        await network.send(uplink(1))
        await network.until(lambda: len(times) == 3)
        assert 0.25 < times[1] - times[0] < 2 and times[2] - times[1] < 0.25
        await network.close()


async def test_c1_a_message_that_expires_is_undelivered(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, limits=Limits(retention=0.0))
    await network.profile("http://127.0.0.1:9/")
    await network.send(uplink(1), uplink(2))
    listed = await network.until_listed(lambda listed: all(item.reason for item in listed))
    assert [(item.reason, item.attempts) for item in listed] == [("expired", 1), ("expired", 1)]
    assert listed[0].last_error == "no connection: Connection refused"
    await network.close()


# C2: strategies.


async def test_c2_each_address_of_blast_has_a_queue_of_its_own(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, retry=Retry(0.5, 1))
    async with (
        served(OK) as good,
        application_server(lambda _b: status(500)) as bad,
    ):
        await network.profile(good.address, "http://127.0.0.1:9/", bad.address, strategy="BLAST")
        for number in range(10):
            await network.send(uplink(number))
        await network.until(lambda: len(good.requests) == 10)
        listed = await network.until_listed(lambda listed: len(listed) == 20)
        assert counters(good) == list(range(10)) and set(counters(bad)) == {0}
        waiting = {item.address for item in listed if item.state == "pending"}
        assert waiting == {"http://127.0.0.1:9/", bad.address}
        # A corrected address gets what waits for it, and nobody else gets it again.
        async with served(OK) as mended:
            await network.profile(good.address, mended.address, bad.address, strategy="BLAST")
            await network.until(lambda: len(mended.requests) == 10)
            assert counters(mended) == list(range(10)) and len(good.requests) == 10
        # One that was removed gets nothing any more.
        await network.profile(good.address, strategy="BLAST")
        listed = await network.until_listed(lambda listed: all(item.reason for item in listed))
        assert {item.reason for item in listed} == {"noRoute"} and len(listed) == 10
        assert len(good.requests) == 10
        await network.close()


async def test_c2_sequential_remembers_which_address_answered(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    async with (
        application_server(lambda _b: status(500)) as first,
        application_server(lambda _b: OK) as second,
    ):
        await network.profile(first.address, second.address)
        for number in range(10):
            await network.send(uplink(number))
        await network.until(lambda: len(second.requests) == 10)
        assert counters(second) == list(range(10)) and counters(first) == [0]
        await network.close()


async def test_c2_a_refused_first_address_does_not_keep_the_second_from_its_messages(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    async with served(OK) as second:
        await network.profile("http://127.0.0.1\\@example.org/x", second.address)
        await network.send(uplink(1), uplink(2))
        await network.until(lambda: len(second.requests) == 2)
        assert counters(second) == [1, 2]
        await network.close()


async def test_a7_an_address_that_cannot_be_used_sets_messages_aside_with_the_reason(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    await network.profile("http://127.0.0.1\\@example.org/x")
    await network.send(uplink(1), uplink(2))
    listed = await network.until_listed(lambda listed: all(item.reason for item in listed))
    assert {item.reason for item in listed} == {"addressRefused"} and len(listed) == 2
    assert listed[0].last_error is not None and "backslash" in listed[0].last_error
    await network.close()


async def test_a6_private_destinations_are_refused_when_they_are_used(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, allow_private=False)
    async with served(OK) as server:
        await network.profile(server.address)
        await network.send(uplink(1))
        (aside,) = await network.until_listed(lambda listed: listed[0].reason is not None)
        assert aside.reason == "addressRefused" and not server.requests
        (trial,) = await network.deliveries.try_out(1, 1)
        assert "not a public address" in trial.outcomes[0].error and not server.requests
        await network.close()


# A1: ownership.


async def test_a1_messages_are_never_sent_over_the_profile_of_another_subscriber(tmp_path: Path) -> None:
    """The number of a routing profile is somebody else's now."""
    network = await Network.open(tmp_path, retry=Retry(0.05, 0.05))
    await network.profile("http://127.0.0.1:9/")
    await network.send(uplink(1), uplink(2))
    await network.until_listed(lambda listed: listed[0].attempts > 0)
    await network.store.write(
        lambda c: c.execute(
            text("INSERT INTO subscribers (ref, operator_ref, customer_id, name) VALUES (2, 1, '2', 'B')")
        )
    )
    async with served(OK) as theirs:
        await network.profile(theirs.address, subscriber=2)
        listed = await network.until_listed(lambda listed: all(item.reason for item in listed))
        assert {item.reason for item in listed} == {"profileDeleted"} and not theirs.requests
        # Nor when they are delivered again, nor when they are new, nor as a trial.
        queues = await network.store.write(lambda c: deliver_again(c, 1, 0, FAR, FAR))
        for queue in queues:
            network.deliveries.requeue(queue)
        await network.until_listed(lambda listed: all(item.reason for item in listed))
        await network.send(uplink(3), owner=1)
        assert await network.deliveries.try_out(1, 1) == []
        assert not theirs.requests and len(await network.deliveries.try_out(1, 2)) == 1
        assert len(theirs.requests) == 1 and bodies(theirs)[0]["Type"] == "test"
        await network.close()


async def test_a1_messages_of_a_deleted_device_are_set_aside(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, devices=2, retry=Retry(30, 30))
    await network.profile("http://127.0.0.1:9/")
    for device in (1, 2):
        await network.send(uplink(1, device), uplink(2, device), device=device)
    await network.until(lambda: network.deliveries.retrying == 2)
    await network.store.write(lambda c: c.execute(text("DELETE FROM devices WHERE ref = 1")))
    network.deliveries.device_removed(1)
    listed = await network.until_listed(lambda listed: sum(item.reason is not None for item in listed) == 2)
    assert [item.reason for item in listed] == ["deviceDeleted", "deviceDeleted", None, None]
    # The DevEUI of the message, whoever has it or the number next; and nothing to deliver again.
    assert [item.dev_eui for item in listed][:2] == [f"{1:016X}"] * 2
    assert await network.store.write(lambda c: deliver_again(c, None, 0, FAR, FAR)) == []
    await network.stop()
    # A process that starts later finds the device gone as well.
    await network.store.write(lambda c: c.execute(text("DELETE FROM devices WHERE ref = 2")))
    network.begin()
    await network.deliveries.start()
    listed = await network.until_listed(lambda listed: all(item.reason for item in listed))
    assert {item.reason for item in listed} == {"deviceDeleted"}
    await network.close()


# C5: what is said of messages that wait.


async def test_c5_waiting_messages_tell_of_their_attempts(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, retry=Retry(20, 20))
    async with served(status(503)) as server:
        await network.profile(server.address)
        await network.send(uplink(1), uplink(2))
        first, behind = await network.until_listed(lambda listed: listed[0].attempts > 0)
        assert (first.state, first.attempts, first.last_error) == ("pending", 1, "HTTP status 503")
        assert first.address == server.address and first.reason is None
        assert first.last_attempt_at is not None and first.next_attempt_at is not None
        assert 15_000 < first.next_attempt_at - first.last_attempt_at < 25_000
        # What waits behind it shows the same, without attempts of its own.
        assert (behind.attempts, behind.last_error) == (0, "HTTP status 503")
        assert behind.next_attempt_at == first.next_attempt_at
        await network.close()


async def test_c5_attempts_cost_no_commit_each_and_are_counted_on_after_a_restart(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, devices=40)
    await network.profile("http://127.0.0.1:9/")
    for device in range(1, 41):
        await network.send(uplink(1, device), device=device)
    before, counted = network.commits, network.deliveries.counters.attempts
    enough = counted["Error"] + 400
    await network.until(lambda: counted["Error"] > enough)
    assert network.commits - before < 20
    await network.stop()
    attempts = {item.id: item.attempts for item in await network.listed()}
    assert min(attempts.values()) > 3
    network.begin(retry=Retry(60, 60))
    await network.deliveries.start()
    await network.until(lambda: network.deliveries.retrying == 40)
    assert {i.id: i.attempts for i in await network.listed()} == {i: n + 1 for i, n in attempts.items()}
    await network.close()


# B2: what fails is not stranded.


async def test_b2_a_store_that_fails_strands_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = await Network.open(tmp_path)
    await network.profile("http://127.0.0.1:9/")
    for number in range(20):
        await network.send(uplink(number))
    await network.stop()
    fetch = network.store.pending_deliveries
    failures: list[Exception] = [StoreError("disk"), RuntimeError("a defect"), StoreError("disk")]

    async def failing(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return await fetch(*arguments)

    monkeypatch.setattr(network.store, "pending_deliveries", failing)
    async with served(OK) as server:
        await network.profile(server.address)
        network.begin()
        await network.deliveries.start()
        await network.until(lambda: len(server.requests) == 20)
        assert counters(server) == list(range(20)) and not failures
        await network.close()


async def test_b2_a_stored_message_that_cannot_be_read_holds_up_none(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    await network.profile("http://127.0.0.1:9/")
    for number in range(3):
        await network.send(uplink(number))
    await network.stop()
    first = select(func.min(deliveries.c.id)).scalar_subquery()
    damage = update(deliveries).where(deliveries.c.id == first).values(message=b"\xc1damaged")
    await network.store.write(lambda connection: connection.execute(damage))
    async with served(OK) as server:
        await network.profile(server.address)
        network.begin()
        await network.deliveries.start()
        await network.until(lambda: len(server.requests) == 2)
        (aside,) = await network.until_listed(
            lambda listed: len(listed) == 1 and listed[0].state != "pending"
        )
        assert (aside.reason, aside.message) == ("unreadable", "unreadable")
        assert counters(server) == [1, 2]
        await network.close()


async def test_b2_a_defect_in_the_sender_holds_up_one_message(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    async with served(OK) as server:
        await network.profile(server.address)
        send: Callable[..., Any] = network.deliveries._attempts._sender.send

        async def broken(attempt: Any) -> Any:
            if b'"FCntUp":1}' in attempt.message.body:
                raise KeyError("a defect")
            return await send(attempt)

        network.deliveries._attempts._sender.send = broken
        for number in range(4):
            await network.send(uplink(number))
        await network.until(lambda: len(server.requests) == 3)
        (aside,) = await network.until_listed(
            lambda listed: len(listed) == 1 and listed[0].state != "pending"
        )
        assert aside.reason == "refusedRepeatedly" and aside.last_error == "internal error: KeyError"
        assert counters(server) == [0, 2, 3]
        await network.close()


async def test_queues_longer_than_memory_keep_their_order(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, limits=Limits(in_memory=10))
    answers = [status(503)] * 2
    async with application_server(lambda _body: answers.pop() if answers else OK) as server:
        await network.profile(server.address)
        for number in range(350):
            await network.send(uplink(number))
        await network.until(lambda: len(server.requests) == 352, 60)
        assert list(dict.fromkeys(counters(server))) == list(range(350))
        await network.until_listed(lambda listed: not listed)
        await network.close()


@pytest.mark.parametrize("refusals", [0, 1])
async def test_what_the_store_shows_before_its_commit_is_heard_of_goes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """It may have ended by then, or wait for its next attempt."""
    network = await Network.open(tmp_path)
    commit = network.store.commit
    answers = [status(503)] * refusals
    async with application_server(lambda _body: answers.pop() if answers else OK) as server:
        await network.profile(server.address)
        taken = 0

        async def commit_and_deliver(rows: Any) -> None:
            """Before the commit is reported, a queue that asks the store finds what it has written."""
            nonlocal taken
            rows = list(rows)
            await commit(rows)
            if Statement.INSERT_DELIVERY in [statement for statement, _values in rows]:
                (row,) = next(values for statement, values in rows if statement is Statement.INSERT_DELIVERY)
                network.deliveries.requeue((row.device_ref, row.queue))
                taken += 1
                await network.until(lambda: len(server.requests) >= taken)

        monkeypatch.setattr(network.store, "commit", commit_and_deliver)
        for number in range(3):
            await network.send(uplink(number))
        monkeypatch.undo()
        await network.until_listed(lambda listed: not listed)
        assert counters(server) == [0] * refusals + [0, 1, 2]
        await network.close()
