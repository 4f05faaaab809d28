"""Searching the journal finds what a plain look through all frames would find, page by page."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert

from veldnet.monitoring.logger import Query, Whose, search
from veldnet.monitoring.logger import search as search_function
from veldnet.store import FrameRow, SqliteStore, Statement, first_id_at, migrate
from veldnet.store.schema import (
    base_stations,
    device_profiles,
    device_states,
    devices,
    operators,
    subscribers,
)

NOW = 1_790_000_000_000
DAY = 86_400_000
DEVICES = 12
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def _inventory(connection: Connection) -> None:
    for operator in (1, 2):
        connection.execute(insert(operators).values(ref=operator, code=f"o{operator}", name="x"))
        connection.execute(
            insert(device_profiles).values(
                ref=operator, operator_ref=operator, id="p", name="x", type_mac="LoRaMAC", settings="{}"
            )
        )
        connection.execute(
            insert(base_stations).values(
                ref=operator,
                operator_ref=operator,
                id=f"FF00000{operator}",
                gateway_eui=f"{operator:016X}",
                name="x",
            )
        )
    for subscriber in (1, 2, 3):
        connection.execute(
            insert(subscribers).values(
                ref=subscriber, operator_ref=1 + subscriber // 3, customer_id=f"{subscriber:09}", name="x"
            )
        )
    for ref in range(1, DEVICES + 1):
        connection.execute(
            insert(devices).values(
                ref=ref,
                subscriber_ref=1 + ref % 3,
                dev_eui=f"{0x0059AC00EE000000 + ref:016X}",
                name=f"d{ref}",
                activation_type="OTAA",
                device_class="A",
                profile_ref=1,
                details="{}",
                created_at=0,
                updated_at=0,
                updated_by="x",
            )
        )
        connection.execute(insert(device_states).values(device_ref=ref, dev_addr=0x01000000 + ref))


# Identifier, device, kind, station.
Frame = tuple[int, int, int, int]


def _frames(rng: random.Random, count: int) -> list[Frame]:
    made: set[int] = set()
    while len(made) < count:
        # Most are new, some very old.
        age = int(rng.choice((3_600_000, DAY, 30 * DAY)) * rng.random())
        made.add(first_id_at(NOW - age) + rng.randrange(1000))
    return [
        (
            identifier,
            rng.choice((0, *range(1, DEVICES + 1))),
            rng.choice((0, 0, 0, 1, 2, 5)),
            rng.randint(1, 2),
        )
        for identifier in sorted(made)
    ]


def _row(frame: Frame) -> FrameRow:
    identifier, device, kind, station = frame
    subscriber = None if device == 0 else 1 + device % 3
    row = FrameRow(
        identifier, device, kind, "accepted", 1, 2, 3, -900, 50, 5, 0xFF000000 + station, 1, None, 0
    )
    return replace(row, sf=7, subscriber_ref=subscriber, plan_ref=1)


_KINDS = {"UPLINK_DATA": 0, "DOWNLINK_DATA": 1, "UPLINK_JOIN": 2, "REFUSED": 5}


def _expected(frames: list[Frame], whose: Whose, wanted: Query) -> list[str]:
    def fits(frame: Frame) -> bool:
        identifier, device, kind, station = frame
        subscriber = 0 if device == 0 else 1 + device % 3
        if whose.subscriber_ref is not None:
            mine = subscriber == whose.subscriber_ref
        elif device == 0:
            mine = station == whose.operator_ref and not wanted.by_device
        else:
            mine = 1 + subscriber // 3 == whose.operator_ref
        eui = f"{0x0059AC00EE000000 + device:016X}"
        return (
            mine
            and first_id_at(wanted.start) <= identifier < first_id_at(wanted.end)
            and (not wanted.dev_euis or any(eui.endswith(p.lstrip("*")) for p in wanted.dev_euis))
            and (not wanted.dev_addrs or any(f"{0x01000000 + device:08X}" == p for p in wanted.dev_addrs))
            and (wanted.device_ref is None or device == wanted.device_ref)
            and (not wanted.base_stations or 0xFF000000 + station in wanted.base_stations)
            and (not wanted.packet_types or kind in {_KINDS[name] for name in wanted.packet_types})
        )

    return [str(frame[0]) for frame in reversed(frames) if fits(frame)]


@pytest.mark.parametrize("few", [0, 2000], ids=["reading backwards", "device by device"])
@pytest.mark.parametrize("seed", range(8 if LONG else 2))
async def test_pages_hold_what_a_plain_look_finds(
    seed: int, few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = search_function.__globals__
    monkeypatch.setitem(module, "_FEW", few)
    # So small that searches stop on their way and must go on.
    monkeypatch.setitem(module, "_STEPS", (7, 11, 20))
    rng = random.Random(seed)
    store = SqliteStore(tmp_path / "test.db")
    migrate(store.engine, store.path)
    await store.write(_inventory)
    frames = _frames(rng, 300)
    await store.commit([(Statement.INSERT_FRAME, [_row(frame) for frame in frames])])
    for _ in range(25):
        whose = rng.choice((Whose(1), Whose(2), Whose(1, 1), Whose(1, 2), Whose(2, 3)))
        wanted = Query(
            dev_euis=rng.choice(((), (), ("*00003",), ("*5", "*00000A"))),
            dev_addrs=rng.choice(((), (), ("01000004",))),
            device_ref=rng.choice((None, None, 6)),
            base_stations=rng.choice(((), (), (0xFF000001,))),
            packet_types=frozenset(rng.choice(((), (), ("UPLINK_DATA",), ("UPLINK_JOIN", "REFUSED")))),
            start=rng.choice((0, NOW - 2 * DAY)),
            end=rng.choice((1 << 42, NOW - DAY)),
        )
        found: list[str] = []
        before = None
        for _page in range(400):
            page = await store.read(
                lambda c, w=whose, q=wanted, before=before: search(c, w, q, before, 10, lambda _station: None)  # type: ignore[misc]
            )
            assert len(page.frames) <= 10
            found += [line.id for line in page.frames]
            if page.next is None:
                break
            assert before is None or int(page.next) < before, "each page goes further back"
            before = int(page.next)
        else:
            pytest.fail("the search never ends")
        assert found == _expected(frames, whose, wanted), (whose, wanted)
    await store.close()
