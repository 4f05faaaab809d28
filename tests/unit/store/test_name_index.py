"""The index of names finds what reading every name finds, whatever was changed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.devices.search import Wanted, condition
from veldnet.inventory.sandbox import create_sandbox
from veldnet.inventory.search import Sight
from veldnet.inventory.search.device_hits import find_devices
from veldnet.inventory.search.hits import Phrase
from veldnet.lorawan import GatewayEui
from veldnet.store import SqliteStore, index_names, migrate, name_index
from veldnet.store.schema import devices

NAMES = (
    *(
        "Pump north",
        'PUMP "south" 100%',
        "Écluse 7",
        "écluse 8",
        "a",
        "",
        "pump",
        "umpire",
        "Pump_1",
        "Pump-1",
    ),
    *("水位計 東", "<b>Valve</b>", "x' OR 1", "tab\there", "Pum p", "0059AC", "back\\slash", "emoji 🚰🚰🚰"),
)
TEXTS = (
    *("pump", "PUMP", "ump", "um", "p", '"south"', "100%", "écluse", "Écluse", "luse 8", "水位計", "位計 東"),
    *("<b>", "x' OR", "\there", "0059AC", "00-59-AC", "00:00", "00-00-0", "F", "back\\s", "🚰🚰", "🚰🚰🚰"),
    *("nowhere", "pump nor", "* OR a", "name:pump", 'pump"', "000000000000001", "0000000000000011", "a\0b"),
    "Pump_",
    *("q", "ab", "水位", "É", "Éc", "é", "µ", "x'", "%", "7"),
)


def add(connection: Connection, ref: int, name: str, subscriber: int = 1) -> None:
    connection.execute(
        insert(devices).values(
            ref=ref, subscriber_ref=subscriber, dev_eui=f"{ref:016X}", name=name, activation_type="OTAA",
            device_class="A", profile_ref=1, plan_ref=1, details="{}", created_at=0, updated_at=0,
            updated_by="x",
        )
    )  # fmt: skip


def found(connection: Connection, scope: Scope, words: str) -> tuple[set[int], list[str]]:
    """What the list of devices and the search over everything find."""
    listed = select(devices.c.ref).where(condition(connection, scope, Wanted(text=words)))
    sight = Sight(scope.operator_ref, scope.subscriber_ref)
    phrase = Phrase.of(words)
    hits = find_devices(connection, sight, phrase, 100) if phrase.words else []
    return set(connection.execute(listed).scalars()), sorted(hit.ref for hit in hits)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = SqliteStore(tmp_path / "names.db")
    migrate(opened.engine, opened.path)
    yield opened
    opened.engine.dispose()


def test_the_index_finds_what_reading_names_finds(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(11)
    used = []
    original = name_index.named

    with store.engine.begin() as connection:
        for name in "ab":
            create_sandbox(connection, name, "unused", GatewayEui(ord(name)))
        scope = accounts.scope_of_user(connection, 1)
        assert scope is not None
        for ref, name in enumerate(NAMES, 1):
            add(connection, ref, name)
        add(connection, 40, "Pump of others", subscriber=2)

    def check() -> None:
        with store.engine.begin() as connection:
            for words in TEXTS:
                with pytest.MonkeyPatch.context() as patch:
                    for place in ("devices.search", "search.device_hits"):
                        patch.setattr(f"veldnet.inventory.{place}.named", lambda *_given, **_options: None)
                    expected = found(connection, scope, words)
                assert found(connection, scope, words) == expected, words
                used.append(original(connection, [words]) is not None)

    check()
    assert not any(used), "there is none yet"
    with store.engine.begin() as connection:
        assert index_names(connection, most=10)
    check()
    with store.engine.begin() as connection:
        assert index_names(connection, most=10) is False
        assert index_names(connection) is False
    used.clear()
    check()
    assert sum(used) > 20
    # Names change, devices go and come, one of them below the end of the index, others behind it.
    with store.engine.begin() as connection:
        for ref in range(1, 19):
            change = rng.choice(("rename", "delete", "eui", "leave"))
            mine = devices.c.ref == ref
            if change == "delete":
                connection.execute(delete(devices).where(mine))
            elif change != "leave":
                values = (
                    {"name": rng.choice(NAMES)} if change == "rename" else {"dev_eui": f"{ref + 999:016X}"}
                )
                connection.execute(update(devices).where(mine).values(**values))
        add(connection, 30, "Pump below")
        add(connection, 50, "Pump behind")
    check()
    with store.engine.begin() as connection:
        index_names(connection)
        connection.execute(text("INSERT INTO device_names (device_names) VALUES ('integrity-check')"))
        connection.execute(delete(devices))
        for each in ("pum", "lus", "000"):
            left = text("SELECT count(*) FROM device_names WHERE device_names MATCH :words")
            assert connection.execute(left, {"words": f'"{each}"'}).scalar() == 0, "nothing is left behind"


def test_common_words_and_long_tails_are_left_to_reading_names(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.engine.begin() as connection:
        create_sandbox(connection, "", "unused", GatewayEui(1))
        for ref in range(1, 9):
            add(connection, ref, f"Pump {ref}")
        index_names(connection)
        assert name_index.named(connection, ["pump"]) is not None
        monkeypatch.setattr(name_index, "_MOST_MATCHES", 7)
        assert name_index.named(connection, ["pump"]) is None
        assert name_index.named(connection, ["pump 3"]) is not None
        monkeypatch.setattr(name_index, "_LONGEST_TAIL", 5)
        add(connection, 14, "Pump far")
        assert name_index.named(connection, ["pump 3"]) is None
