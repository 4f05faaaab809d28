"""The oldest messages of an operator are found by the index of subscribers, whatever others have."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from tests.contract.test_query_plans import plans
from veldnet.routing import (
    PENDING,
    UNDELIVERED,
    UndeliveredQuery,
    Whose,
    count_undelivered,
    list_undelivered,
    waiting_destinations,
)
from veldnet.routing.oldest import EVER, oldest_messages
from veldnet.store import SqliteStore, migrate
from veldnet.store.schema import deliveries, operators, subscribers

BOTH = (PENDING, UNDELIVERED)
# Of subscribers, by operator: the first has nearly all messages, the last one none at all.
SUBSCRIBERS = {1: [1], 2: list(range(2, 42)), 3: [42, 43], 4: []}
MESSAGES = 3000


def _message(number: int, chance: random.Random) -> dict[str, Any]:
    # One subscriber of the second operator has more than the others together.
    others = SUBSCRIBERS[2] + [5] * 50 + SUBSCRIBERS[3][:1]
    subscriber = 1 if chance.random() < 0.7 else chance.choice(others)
    now = int(time.time() * 1000)
    return {
        "id": (now - 3_600_000 + number * 100) << 20, "frame_id": number, "device_ref": number % 7,
        "subscriber_ref": subscriber, "queue": f"{subscriber}:uplink:0:AS", "expires_at": now * 2,
        "state": chance.choice(BOTH), "message": b"\x90", "attempts": int(number % 9 == 0),
    }  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    opened = SqliteStore(Path(tmp_path_factory.mktemp("oldest")) / "messages.db", inline=True)
    migrate(opened.engine, opened.path)
    chance = random.Random(7)
    with opened.engine.begin() as connection:
        for operator, own in SUBSCRIBERS.items():
            connection.execute(insert(operators).values(ref=operator, code=f"o{operator}", name="x"))
            for ref in own:
                customer = {"ref": ref, "operator_ref": operator, "customer_id": f"{ref}", "name": "x"}
                connection.execute(insert(subscribers).values(customer))
        connection.execute(insert(deliveries), [_message(number, chance) for number in range(MESSAGES)])
    yield opened
    opened.engine.dispose()


def _expected(
    connection: Connection, whose: Whose, states: tuple[int, ...], within: tuple[int, int], most: int
) -> list[int]:
    query = (
        select(deliveries.c.id)
        .join(subscribers, subscribers.c.ref == deliveries.c.subscriber_ref)
        .where(
            whose.condition,
            deliveries.c.state.in_(states),
            deliveries.c.id >= within[0],
            deliveries.c.id < within[1],
        )
    )
    return list(connection.execute(query.order_by(deliveries.c.id).limit(most)).scalars())


@pytest.mark.parametrize("most", [1, 3, 100, 250, 10_000])
@pytest.mark.parametrize("states", [(PENDING,), (UNDELIVERED,), BOTH], ids=["pending", "undelivered", "both"])
@pytest.mark.parametrize(
    "whose",
    [*(Whose(operator_ref=operator) for operator in (*SUBSCRIBERS, 9)), Whose(5), Whose(43)],
    ids=lambda whose: f"{whose.operator_ref}-{whose.subscriber_ref}",
)
def test_the_oldest_are_found(store: SqliteStore, whose: Whose, states: tuple[int, ...], most: int) -> None:
    with store.engine.begin() as connection:
        ids = connection.execute(select(func.min(deliveries.c.id), func.max(deliveries.c.id))).one()
        third = (ids[1] - ids[0]) // 3
        for within in (EVER, (ids[0] + third, ids[1] - third), (ids[0], ids[1]), (5, 5)):
            found = oldest_messages(connection, whose, states, within, most)
            assert found == _expected(connection, whose, states, within, most), within


def test_messages_of_other_operators_are_not_gone_through(store: SqliteStore) -> None:
    now, everything = int(time.time() * 1000), UndeliveredQuery(0, 1 << 42, 200, pending=True)
    listed: dict[Whose, list[str]] = {}
    with store.engine.begin() as connection, plans(connection) as found:
        for whose in (Whose(operator_ref=operator) for operator in SUBSCRIBERS):
            waiting_destinations(connection, whose, now, most=1000)
            listed[whose] = [each.id for each in list_undelivered(connection, everything, whose)]
            count_undelivered(connection, whose, 1000)
    with store.engine.begin() as connection:
        for whose, ids in listed.items():
            assert ids == [str(each) for each in _expected(connection, whose, BOTH, EVER, 200)]
    steps = [step for plan in found for step in plan.split("; ") if " deliveries" in step]
    assert steps, "messages were looked for"
    wrong = [step for step in steps if step.startswith("SCAN") or "ix_deliveries_state_id" in step]
    assert wrong == []
