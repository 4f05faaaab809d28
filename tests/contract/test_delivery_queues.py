"""Deliveries that an earlier version has stored take their place in the queues of today."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from veldnet.routing.ledger import QueueName, addresses_of, decode_message, queue_of
from veldnet.routing.table import Route
from veldnet.store import SqliteStore
from veldnet.store.alembic_chain import upgrade
from veldnet.store.schema import deliveries

BLAST = ["http://a.example/", "http://b.example/", "http://c.example/"]


def stored(profile: int, as_id: str | None, fport: int | None, name: str) -> bytes:
    """A message as version 0.1.0 of before has written it."""
    return msgspec.msgpack.encode([profile, as_id, fport, "JSON", name, b"{}", "", "0" * 16, fport or 0])


def old_database(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    upgrade(store.engine, "0008")
    with store.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("INSERT INTO operators (ref, code, name) VALUES (1, 'ope', 'x')")
        run("INSERT INTO subscribers (ref, operator_ref, customer_id, name) VALUES (1, 1, '100000001', 'x')")
        for profile in (4, 5):
            run(
                "INSERT INTO routing_profiles (ref, subscriber_ref, name, is_default, is_dummy) "
                f"VALUES ({profile}, 1, 'x', 0, 0)"
            )
        routes = (
            (4, 0, "1-5,7", "SEQUENTIAL", "as.one", ["http://s.example/"]),
            (4, 1, "*", "BLAST", "as.one", BLAST),
            (5, 0, "*", "SEQUENTIAL", None, ["http://s.example/"]),
        )
        for profile, position, ports, strategy, as_id, addresses in routes:
            run(
                "INSERT INTO routes (routing_profile_ref, position, source_ports, strategy, content_type, "
                "as_id, addresses) VALUES (?, ?, ?, ?, 'JSON', ?, ?)",
                (profile, position, ports, strategy, as_id, msgspec.json.encode(addresses).decode()),
            )
        rows: tuple[tuple[int, str, bytes, int], ...] = (
            (10, "4:as.one", stored(4, "as.one", 7, "DevEUI_uplink"), 0),
            (11, "4:as.one", stored(4, "as.one", 9, "DevEUI_uplink"), 0),
            (12, "4:as.one", stored(4, "as.one", None, "DevEUI_uplink"), 0),
            # In the place of a copy.
            (13, "4:as.one", stored(4, "as.one", 10, "DevEUI_uplink"), 0),
            (14, "5:", stored(5, None, 1, "DevEUI_uplink"), 1),
            (15, "5:", stored(5, None, None, "DevEUI_notification"), 0),
            (16, "5:", stored(5, None, None, "DevEUI_downlink_Sent"), 0),
            (17, "5:", b"not a message", 0),
        )
        for number, lane, message, state in rows:
            run(
                "INSERT INTO deliveries (id, frame_id, device_ref, subscriber_ref, lane, expires_at, state, "
                "message) VALUES (?, ?, 3, 1, ?, 99, ?, ?)",
                (number, number, lane, state, message),
            )
    return store


def read(store: SqliteStore) -> list[Any]:
    with store.engine.begin() as connection:
        return list(connection.execute(select(deliveries).order_by(deliveries.c.id)))


def test_c2_stored_deliveries_move_into_queues_by_kind_and_address(tmp_path: Path) -> None:
    store = old_database(tmp_path / "old.db")
    upgrade(store.engine)
    rows = read(store)
    queues: dict[int, list[str]] = {}
    for row in rows:
        queues.setdefault(row.frame_id, []).append(row.queue)
    assert queues == {
        10: ["4:u::as.one"],
        11: [f"4:u:{position}:as.one" for position in range(3)],
        # Reports take the first route.
        12: ["4:j::as.one"],
        13: [f"4:u:{position}:as.one" for position in range(3)],
        14: ["5:u::"],
        15: ["5:n::"],
        16: ["5:s::"],
        17: ["5:n::"],
    }
    assert [row.reason for row in rows if row.frame_id == 14] == ["expired"]
    assert len({row.id for row in rows}) == len(rows) and all(row.attempts == 0 for row in rows)
    blast = Route(2, None, True, "JSON", "as.one", None, 0, tuple(BLAST))
    for row in rows:
        if row.frame_id != 17:
            message = decode_message(row.message)
            assert str(queue_of(message)) == row.queue and str(QueueName.parse(row.queue)) == row.queue
        if row.frame_id in (11, 13):
            assert addresses_of(message, blast) == (BLAST[message.position or 0],)
    for queue in {row.queue for row in rows if ":u:" in row.queue and row.queue.startswith("4:u:0")}:
        assert [row.frame_id for row in rows if row.queue == queue] == [11, 13], "their order is kept"
