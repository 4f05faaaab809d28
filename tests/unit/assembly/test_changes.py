"""Changes of the inventory are taken up in their order, many at once where that is cheaper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import pytest
from sqlalchemy import Connection, create_engine

from veldnet.assembly import changes as applied
from veldnet.assembly.changes import ChangeApplier
from veldnet.inventory import changes
from veldnet.store import Store, StoreError
from veldnet.store.schema import metadata
from veldnet.supervision import Supervisor

T = TypeVar("T")


class OneConnection:
    """What the applier needs of a store."""

    def __init__(self) -> None:
        engine = create_engine("sqlite://")
        metadata.create_all(engine)
        self.connection = engine.connect()
        self.reads = 0

    async def read(self, query: Callable[[Connection], T]) -> T:
        self.reads += 1
        return query(self.connection)


class Scene:
    def __init__(self, refused: Sequence[int] = ()) -> None:
        self.store = OneConnection()
        self.heard: list[tuple[str, list[int]]] = []
        self.refused = set(refused)
        self.supervisor = Supervisor()
        self.applier = ChangeApplier(
            cast("Store", self.store), self.supervisor, {"rules": self.one}, {"device": self.many}
        )

    async def one(self, ref: int) -> None:
        self.heard.append(("rules", [ref]))

    async def many(self, refs: Sequence[int]) -> None:
        if self.refused & set(refs):
            raise RuntimeError("a defect")
        self.heard.append(("device", list(refs)))

    def note(self, kind: changes.Kind, *refs: int) -> None:
        changes.note_all(self.store.connection, kind, refs)


async def test_changes_of_a_kind_that_follow_each_other_are_taken_up_together() -> None:
    scene = Scene()
    scene.note("device", 1, 2, 1)
    scene.note("rules", 0)
    scene.note("device", 3)
    await scene.applier.apply()
    assert scene.heard == [("device", [1, 2]), ("rules", [0]), ("device", [3])]
    assert scene.store.reads == 1, "what comes meanwhile is taken up by those who write it"
    await scene.applier.apply()
    assert len(scene.heard) == 3


async def test_those_who_ask_while_others_are_served_are_served_together() -> None:
    scene = Scene()
    began, go_on = asyncio.Event(), asyncio.Event()
    heard = scene.many

    async def slow(refs: Sequence[int]) -> None:
        began.set()
        await go_on.wait()
        await heard(refs)

    scene.applier._many = {"device": slow}
    scene.note("device", 1)
    asked = [asyncio.ensure_future(scene.applier.apply())]
    await began.wait()
    # Behind what is being read.
    for ref in range(2, 7):
        scene.note("device", ref)
        asked.append(asyncio.ensure_future(scene.applier.apply()))
    await asyncio.sleep(0)
    assert not any(task.done() for task in asked)
    go_on.set()
    await asyncio.gather(*asked)
    assert scene.heard == [("device", [1]), ("device", [2, 3, 4, 5, 6])]
    assert scene.store.reads == 2


async def test_who_is_served_with_others_that_fail_asks_again() -> None:
    scene = Scene()
    read, failures = scene.store.read, [StoreError("no"), StoreError("no")]

    async def failing(query: Callable[[Connection], T]) -> T:
        await asyncio.sleep(0)
        if failures:
            raise failures.pop()
        return await read(query)

    scene.store.read = failing  # type: ignore[method-assign]
    scene.note("device", 1)
    found = await asyncio.gather(*(scene.applier.apply() for _ in range(4)), return_exceptions=True)
    assert [type(one) for one in found] == [StoreError, StoreError, type(None), type(None)]
    assert scene.heard == [("device", [1])]


async def test_an_import_is_taken_up_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_PAGE", 5)
    monkeypatch.setattr(applied, "_TOGETHER", 2)
    scene = Scene()
    scene.note("device", *range(12))
    await scene.applier.apply()
    assert [refs for _kind, refs in scene.heard] == [[0, 1], [2, 3], [4], [5, 6], [7, 8], [9], [10, 11]]


async def test_one_device_that_fails_holds_up_no_other_and_is_tried_again() -> None:
    scene = Scene(refused=[2])
    scene.note("device", 1, 2, 3)
    await scene.applier.apply()
    assert scene.heard == [("device", [1]), ("device", [3])] and scene.supervisor.failures
    scene.refused.clear()
    await scene.applier.apply()
    assert scene.heard[2:] == [("device", [2])]
