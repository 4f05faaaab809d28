"""Subscribers take turns at the workers; what hangs or breaks one is replaced and harms its own run alone."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from veldnet.decoders import Busy, DecoderPool, Limits
from veldnet.decoders import pool as module

FINE = "function decodeUplink(i) { return {data: {sum: i.bytes[0] + i.fPort}}; }"
STUCK = "function decodeUplink(i) { for (;;) {} }"
INPUTS = [{"bytes": [number % 256], "fPort": 1, "recvTime": 0, "variables": {}} for number in range(1200)]
LONGER = "the decoder ran longer than it may"


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    made = DecoderPool(Limits(0.05, 8_000_000, workers=2, waiting=8))
    yield made
    await made.close()


def processes(pool: DecoderPool) -> list[asyncio.subprocess.Process]:
    return [worker._process for worker in pool._idle if worker._process is not None]


async def test_workers_are_shared_and_replaced(pool: DecoderPool) -> None:
    answers = await asyncio.gather(
        pool.run(1, FINE, "decodeUplink", INPUTS),
        pool.run(2, STUCK, "decodeUplink", INPUTS[:3]),
        pool.run(1, FINE, "decodeUplink", INPUTS[:1]),
    )
    assert [json.loads(a.value or "")["data"]["sum"] for a in answers[0]] == [
        n % 256 + 1 for n in range(1200)
    ]
    assert {a.error for a in answers[1]} == {LONGER}
    assert answers[2][0].value == '{"data":{"sum":1}}'
    assert await pool.run(1, FINE, "decodeUplink", []) == []
    # Killed from outside, others take their place, and nobody notices.
    for process in processes(pool):
        process.kill()
    many = await asyncio.gather(*(pool.run(n, FINE, "decodeUplink", INPUTS[:1]) for n in range(6)))
    assert {found[0].value for found in many} == {'{"data":{"sum":1}}'}


async def test_c7_a_hostile_subscriber_holds_up_no_other(pool: DecoderPool) -> None:
    async def hostile() -> str:
        try:
            await pool.run(1, STUCK, "decodeUplink", INPUTS[:100])
        except Busy as busy:
            assert busy.retry_after > 0
            return "busy"
        return "done"

    calls = [asyncio.create_task(hostile()) for _ in range(12)]
    # Others have their turns while all of those go on.
    for owner in (2, 3, 2, 4):
        (found,) = await pool.run(owner, FINE, "decodeUplink", INPUTS[:1])
        assert found.value == '{"data":{"sum":1}}'
    ended = [call.result() for call in calls if call.done()]
    assert ended == ["busy"] * 4, "eight wait or have a turn, and the rest is refused at once"
    with pytest.raises(Busy):
        await pool.run(1, FINE, "decodeUplink", INPUTS[:1])
    # Whoever waits patiently is not refused, and comes behind the eight.
    patient = asyncio.create_task(pool.run(1, FINE, "decodeUplink", INPUTS[:1], patient=True))
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    # Nobody waits for those any longer, so its turn comes at once.
    assert (await patient)[0].value == '{"data":{"sum":1}}'


async def test_c7_no_subscriber_has_all_workers(pool: DecoderPool) -> None:
    for source in (STUCK, FINE):
        runs = [asyncio.create_task(pool.run(7, source, "decodeUplink", INPUTS[:5])) for _ in range(4)]
        await asyncio.sleep(0)
        assert pool._working[7] == 1
        await asyncio.gather(*runs)
    assert not pool._waiting and not pool._runs and not pool._working


async def test_c7_a_hung_worker_is_replaced(pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE", 0.3)
    # A native loop, which no limit inside the engine ends.
    hung = "function decodeUplink() { Array(4294967295).sort(); }"
    for _ in range(2):
        assert {a.error for a in await pool.run(1, hung, "decodeUplink", INPUTS[:2])} == {LONGER}
        assert (await pool.run(1, FINE, "decodeUplink", INPUTS[:1]))[0].value is not None


async def test_c7_a_crash_fails_its_own_run_alone(
    pool: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker as it is, but that it dies of a certain source."""
    program = tmp_path / "worker.py"
    program.write_text(
        textwrap.dedent(f"""
        import os, runpy, sys
        import quickjs
        ends = quickjs.Context
        class Context:
            def __init__(self): self._real = ends()
            def __getattr__(self, name): return getattr(self._real, name)
            def eval(self, text):
                given = self._real.eval(text)
                def ask(what, name, source):
                    if what == "load" and "CRASH" in source: os.abort()
                    return given(what, name, source)
                return ask
        quickjs.Context = Context
        runpy.run_path({str(module._WORKER)!r}, run_name="__main__")
        """)
    )
    monkeypatch.setattr(module, "_WORKER", program)
    runs = await asyncio.gather(
        pool.run(1, "/* CRASH */", "decodeUplink", INPUTS[:2]),
        *(pool.run(owner, FINE, "decodeUplink", INPUTS[:1]) for owner in (1, 2, 3, 2)),
    )
    assert all("broke its process" in str(found.error) for found in runs[0])
    assert [found[0].value for found in runs[1:]] == ['{"data":{"sum":1}}'] * 4


async def test_c7_a_run_ends(pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RUN", 0.5)
    sometimes = "function decodeUplink(i) { if (i.bytes[0] % 5) for (;;) {} return {}; }"
    answers = await pool.run(1, sometimes, "decodeUplink", INPUTS[:200])
    assert len(answers) == 200 and answers[0].value == "{}" and answers[-1].error == LONGER
    monkeypatch.setattr(module, "_RUN", 1000)
    answers = await pool.run(1, STUCK, "decodeUplink", INPUTS)
    assert len(answers) == 1200 and {found.error for found in answers} == {LONGER}
    monkeypatch.setattr(module, "_MOST_RESULTS", 100_000)
    large = "function decodeUplink() { return { data: 'x'.repeat(60000) }; }"
    answers = await pool.run(1, large, "decodeUplink", INPUTS[:40])
    assert answers[0].value is not None and "together larger" in str(answers[-1].error)


async def test_one_decoder_sees_nothing_of_another(pool: DecoderPool) -> None:
    leave = "globalThis.left = 7; function decodeUplink() { return {data: 1}; }"
    look = "function decodeUplink() { return {data: typeof left}; }"
    await pool.run(1, leave, "decodeUplink", INPUTS[:1])
    (answer,) = await pool.run(1, look, "decodeUplink", INPUTS[:1])
    assert answer.value == '{"data":"undefined"}'


async def test_a_worker_stays_small(pool: DecoderPool) -> None:
    """Also after decoders that use all that they may."""
    greedy = "function decodeUplink() { const a = []; for (;;) a.push(new Array(1e4).fill(7)); }"
    for source in (FINE, greedy, FINE):
        await pool.run(1, source, "decodeUplink", INPUTS[:20])
    for process in processes(pool):
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        assert pages * 4096 < 40_000_000


async def test_a_closed_pool_leaves_nobody_waiting() -> None:
    pool = DecoderPool(Limits(0.05))
    waiting = [asyncio.create_task(pool.run(n, STUCK, "decodeUplink", INPUTS[:50])) for n in (1, 2, 2)]
    await asyncio.sleep(0)
    await pool.close()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    assert not processes(pool)
