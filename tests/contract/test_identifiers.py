"""Identifiers of a store rise strictly over restarts, clock steps and processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Table, func, insert, select

from veldnet.monitoring import Retention, prune
from veldnet.monitoring.statistics import totals
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.store import (
    BodyRow,
    DeliveredRow,
    FrameRow,
    LeaseLost,
    NewDeliveryRow,
    NotificationRow,
    SqliteStore,
    Statement,
    migrate,
    read_timeline,
)
from veldnet.store.marks import _COLUMNS
from veldnet.store.schema import (
    deliveries,
    delivery_results,
    frame_bodies,
    frames,
    id_steps,
    notifications,
)

HOUR, YEAR = 3600.0, 365 * 86_400.0
NOW = 1_800_000_000.0


async def started(directory: Path) -> SqliteStore:
    """A process on the database of a directory."""
    store = SqliteStore(directory / "ids.db")
    migrate(store.engine, store.path)
    await store.take_leases()
    return store


def frame_row(identifier: int, at: float) -> FrameRow:
    millis = int(at * 1000)
    row = FrameRow(identifier, 1, 0, "accepted", 1, 2, 3, -900, 50, 5, 1, 1, millis, 0)
    return replace(row, subscriber_ref=1)


async def hear(store: SqliteStore, clock: float, count: int = 20) -> list[int]:
    """Frames with their bodies; each is followed by a delivery, which succeeds, and a notification, which is
    sent."""
    given = []
    for number in range(count):
        now = clock + number / 1000
        frame, delivery, notification = (store.ids.next(now) for _ in range(3))
        await store.commit(
            [
                (Statement.INSERT_FRAME, [frame_row(frame, now)]),
                (Statement.INSERT_BODY, [BodyRow(frame, 0, b"body")]),
                (
                    Statement.INSERT_DELIVERY,
                    [NewDeliveryRow(delivery, frame, 1, 1, "1:as", 5, 0, None, b"m")],
                ),
                (Statement.INSERT_NOTIFICATION, [NotificationRow(notification, 1, 1, b"event")]),
            ]
        )
        await store.commit([(Statement.DELETE_DELIVERY, [DeliveredRow(delivery)])])
        await store.write(lambda c: c.execute(notifications.delete()))
        given += [frame, delivery, notification]
    return given


@pytest.mark.parametrize(
    "clocks",
    [
        (0.0, -HOUR, -HOUR + 30),
        (0.0, 10 * YEAR, 60.0, 120.0),
        (0.0, 0.0, 0.0),
        (0.0, -0.005, -0.010),
        (0.0, -NOW, HOUR),
        (0.0, -10 * YEAR, -20 * YEAR, 300 * YEAR, 0.0),
    ],
)
async def test_b1_identifiers_rise_over_restarts_whatever_the_clock_says(
    clocks: Sequence[float], tmp_path: Path
) -> None:
    given: list[int] = []
    for clock in clocks:
        store = await started(tmp_path)
        given += await hear(store, max(NOW + clock, 0.0))
        await store.close()
    assert given == sorted(set(given)) and given[-1] < 1 << 63


async def test_b1_identifiers_rise_when_the_clock_is_set_back_while_a_server_runs(tmp_path: Path) -> None:
    store = await started(tmp_path)
    given = [i for clock in (0.0, -HOUR, 10 * YEAR, 5.0) for i in await hear(store, NOW + clock)]
    await store.close()
    store = await started(tmp_path)
    given += await hear(store, NOW + 10)
    assert given == sorted(set(given))
    kept = await store.read(lambda c: c.execute(select(frames.c.id).order_by(frames.c.id)).scalars().all())
    assert kept == given[::3]
    await store.close()


async def test_b1_an_identifier_is_not_given_again_when_its_row_is_gone(tmp_path: Path) -> None:
    """The highest that a store has is not the highest that it had: delivered messages and sent notifications
    leave no row."""
    store = await started(tmp_path)
    notification = store.ids.next(NOW + HOUR)
    await store.write(
        lambda c: c.execute(insert(notifications).values(id=notification, scope=1, scope_ref=1, event=b""))
    )
    await store.write(lambda c: c.execute(notifications.delete()))
    await store.close()
    again = await started(tmp_path)
    assert again.ids.next(NOW) > notification
    await again.close()


async def test_b1_a_process_without_the_lease_gives_no_identifiers(tmp_path: Path) -> None:
    server = await started(tmp_path)
    command = SqliteStore(server.path)
    with pytest.raises(RuntimeError, match="lease"):
        command.ids.next(NOW)
    # One that takes over gives others than the one before, though they know the same.
    before = server.ids.next(NOW)
    await command.take_leases()
    assert command.ids.next(NOW) not in (before, server.ids.next(NOW))
    with pytest.raises(LeaseLost):
        await hear(server, NOW, 1)
    assert await hear(command, NOW, 1)
    await command.close()
    await server.close()


@pytest.mark.parametrize(
    ("table", "name", "values"),
    [
        (frames, "id", {"device_ref": 1, "kind": 0, "outcome": "x", "size": 1, "copies": 1}),
        (frame_bodies, "frame_id", {"part": 0, "body": b""}),
        (delivery_results, "frame_id", {"delivery_id": 1, "result": b""}),
        (notifications, "id", {"scope": 1, "scope_ref": 1, "event": b""}),
        (
            deliveries,
            "id",
            {
                **{"frame_id": 1, "device_ref": 1, "subscriber_ref": 1, "queue": "x", "expires_at": 1},
                **{"state": 0, "message": b""},
            },
        ),
    ],
)
async def test_b1_a_database_of_before_goes_on_above_its_highest(
    table: Table, name: str, values: dict[str, object], tmp_path: Path
) -> None:
    """It has no mark yet; every table that has identifiers counts."""
    store = await started(tmp_path)
    highest = 1 << 61
    await store.write(lambda c: c.execute(insert(table).values({name: highest} | values)))
    await store.close()
    again = await started(tmp_path)
    assert again.ids.next(NOW) > highest
    await again.close()


async def test_b1_where_to_go_on_is_looked_up_in_indexes(tmp_path: Path) -> None:
    """A start takes no longer the more there is."""
    store = await started(tmp_path)
    for column in _COLUMNS:
        query = str(select(func.max(column)).compile(store.engine))

        def plan(connection: Connection, query: str = query) -> str:
            return " ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}"))

        assert "SCAN" not in await store.read(plan) or column.table.name == "id_marks", query
    await store.close()


@pytest.mark.parametrize("ahead", [HOUR * 5, 10 * YEAR])
async def test_b1_searches_and_retention_go_by_the_clock_after_it_was_set_back(
    ahead: float, tmp_path: Path
) -> None:
    store = await started(tmp_path)
    old = await hear(store, NOW - 100 * 86_400, 3)
    wrong = await hear(store, NOW + ahead, 3)
    right = await hear(store, NOW, 3)

    def seen(connection: Connection, start: float, end: float) -> list[int]:
        timeline = read_timeline(connection)
        first, last = (timeline.first_id_at(int(moment * 1000)) for moment in (start, end))
        return list(connection.execute(select(frames.c.id).where(frames.c.id.between(first, last))).scalars())

    assert await store.read(lambda c: seen(c, NOW, NOW + 60)) == [*wrong[::3], *right[::3]]
    assert await store.read(lambda c: seen(c, NOW + 0.001, NOW + 60)) == right[3::3]
    assert await store.read(lambda c: seen(c, NOW - 101 * 86_400, NOW - 99 * 86_400)) == old[::3]
    # Totals go by the time that the frames themselves have.
    around = Span(int((NOW - HOUR) * 1000), int((NOW + HOUR) * 1000))
    slots = await store.read(lambda c: totals.of_device(c, 1, around, 1))
    assert [slot.uplinks for slot in slots] == [3]
    day = 86_400.0
    keep = Retention(frames=30 * day, bodies=30 * day, statistics=YEAR, alarms=YEAR, audit=YEAR)
    kept = select(frames.c.id).order_by(frames.c.id)
    await prune(store, NOW + day, keep)
    assert (await store.read(lambda c: c.execute(kept).scalars().all())) == [*wrong[::3], *right[::3]]
    # What was heard under the wrong clock is no older and no younger than what followed.
    await prune(store, NOW + 31 * day, keep)
    assert (await store.read(lambda c: c.execute(kept).scalars().all())) == []
    later = await hear(store, NOW + 32 * day, 1)
    timeline = await store.read(read_timeline)
    assert abs(timeline.millis_of(later[0]) - (NOW + 32 * day) * 1000) <= 2
    steps = await store.read(lambda c: c.execute(select(func.count()).select_from(id_steps)).scalar())
    assert steps in (1, 2), "those that only say of frames that are gone are gone, too"
    await store.close()
