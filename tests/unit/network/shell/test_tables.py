"""Every effect of the core and every change of the inventory has somebody who does it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import get_args

import pytest

from tests.unit.network.builders import device
from tests.unit.network.quiet import QuietNetwork
from veldnet.inventory import changes
from veldnet.network.core.events import Answer, Effect, SubmissionRefusal
from veldnet.network.shell.answers import PendingAnswers
from veldnet.network.shell.entries import Entry, new_entry
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError


def test_every_type_of_effect_and_every_kind_of_change_is_in_its_table(tmp_path: Path) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        assert set(world.network._effects._table) == set(get_args(Effect))
        applier = world.server.platform._changes
        assert {*applier._table, *applier._many} == set(get_args(changes.Kind))
        await world.close()

    run_virtually(story())


def _entry() -> Entry:
    return new_entry(device())


async def test_answers_find_who_waits_by_their_token_in_any_order() -> None:
    answers = PendingAnswers()
    first, second = answers.expect(1), answers.expect(2)
    refusal = SubmissionRefusal(121, "Token bucket limit reached")
    answers.give(_entry(), Answer(2, refusal))
    answers.give(_entry(), Answer(3, refusal))
    answers.give(_entry(), Answer(1, None))
    assert await first is None and await second is refusal


async def test_answers_of_a_failed_commit_are_errors_and_whoever_no_longer_waits_is_forgotten() -> None:
    answers = PendingAnswers()
    failed = answers.expect(1)
    answers.fail()
    with pytest.raises(StoreError, match="could not be made durable"):
        await failed

    async def wait() -> SubmissionRefusal | None:
        return await answers.expect(2)

    waiting = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert not answers._pending
