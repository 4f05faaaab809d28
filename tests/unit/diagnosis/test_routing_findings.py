"""The diagnosis of a device speaks of messages that do not arrive, and of missing routing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import insert, text, update

from tests.contract.test_store import fleet, open_sqlite
from veldnet.diagnosis import explain_device
from veldnet.lorawan import DevEui
from veldnet.store import SqliteStore
from veldnet.store.schema import connectivity_plans, deliveries, devices, routes, routing_profiles

NOW = 1_800_000_000.0
DEVICE = DevEui.parse(f"{1:016X}")


def delivery(age: float, number: int, **more: Any) -> dict[str, Any]:
    """A message that is so many seconds old."""
    row = {
        "id": (int((NOW - age) * 1000) << 20) + number,
        "frame_id": number,
        "device_ref": 1,
        "subscriber_ref": 1,
        "queue": "1:u::",
        "expires_at": 1,
        "state": 0,
        "message": b"",
    }
    return row | more


def findings(store: SqliteStore, *, levels: tuple[str, ...] = ("problem",)) -> str:
    with store.engine.begin() as connection:
        found = explain_device(connection, DEVICE, NOW).findings
    return "\n".join(finding.text for finding in found if finding.level in levels)


async def routed(directory: Path) -> SqliteStore:
    store = open_sqlite(directory)
    await fleet(store, 1)
    with store.engine.begin() as connection:
        for ref, dummy in ((1, False), (2, False), (3, True)):
            connection.execute(
                insert(routing_profiles).values(
                    ref=ref, subscriber_ref=1, name="x", is_default=False, is_dummy=dummy
                )
            )
        connection.execute(
            insert(routes).values(
                routing_profile_ref=1,
                position=0,
                source_ports="*",
                strategy="SEQUENTIAL",
                content_type="JSON",
                addresses="[]",
            )
        )
        connection.execute(update(devices).values(routing_profile_ref=1))
    return store


async def test_c5_the_diagnosis_speaks_of_messages_that_wait(tmp_path: Path) -> None:
    store = await routed(tmp_path)
    assert "message" not in findings(store)
    with store.engine.begin() as connection:
        connection.execute(insert(deliveries).values(delivery(30, 0)))
    assert "message" not in findings(store), "half a minute is no news"
    tried = {
        "attempts": 7,
        "last_error": "HTTP status 503",
        "last_attempt_at": int(NOW * 1000) - 5000,
        "next_attempt_at": int(NOW * 1000) + 60_000,
        "address": "http://as.example/x",
    }
    with store.engine.begin() as connection:
        connection.execute(insert(deliveries).values(delivery(480, 1, **tried)))
        for number in range(2, 30):
            connection.execute(insert(deliveries).values(delivery(470 - number, number)))
        # Not its own: the number of the device is all they share.
        connection.execute(insert(deliveries).values(delivery(9000, 31, subscriber_ref=2)))
    said = findings(store)
    assert "30 messages waiting since 2027-01-15 07:52:00 UTC" in said
    assert "HTTP status 503 from http://as.example/x at 2027-01-15 07:59:55 UTC" in said
    assert "next attempt at 2027-01-15 08:01:00 UTC" in said
    await store.close()


async def test_c5_the_diagnosis_speaks_of_messages_that_were_set_aside(tmp_path: Path) -> None:
    store = await routed(tmp_path)
    aside = {"state": 1, "reason": "refused", "last_error": "HTTP status 404", "attempts": 1}
    with store.engine.begin() as connection:
        connection.execute(insert(deliveries).values(delivery(100, 1, **aside)))
        connection.execute(insert(deliveries).values(delivery(3 * 86_400, 2, **aside)))
    assert "1 message of the last 24 hours undelivered; last answer: HTTP status 404" in findings(store)
    await store.close()


async def test_c5_a_device_without_routing_has_a_warning(tmp_path: Path) -> None:
    store = await routed(tmp_path)

    def change(**values: Any) -> None:
        with store.engine.begin() as connection:
            connection.execute(update(devices).values(**values))

    assert "routing" not in findings(store)
    change(routing_profile_ref=None, processing_strategy="DATAFLOW")
    assert "has no routing profile" in findings(store)
    change(routing_profile_ref=None, processing_strategy=None)
    assert findings(store).count("routing profile") == 1
    change(routing_profile_ref=2, processing_strategy=None)
    assert "has no routes" in findings(store)
    # NOAS was chosen: a note, no problem.
    change(routing_profile_ref=3, processing_strategy="NOAS")
    assert "no routes" not in findings(store) and "no routes" in findings(store, levels=("note",))
    change(routing_profile_ref=1)
    with store.engine.begin() as connection:
        connection.execute(
            update(connectivity_plans).values(settings=text("'{\"thirdPartyAppServersRouting\": false}'"))
        )
    assert "does not include routing to application servers" in findings(store)
    await store.close()
