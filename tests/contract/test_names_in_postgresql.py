"""The index of names in PostgreSQL finds what reading every name finds, whatever was changed."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, delete, text, update

from tests import postgresql
from tests.unit.store.test_name_index import NAMES, TEXTS, add, found
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.store.schema import devices


def check(connection: Connection, scope: Scope) -> None:
    for words in TEXTS:
        with pytest.MonkeyPatch.context() as patch:
            for place in ("devices.search", "search.device_hits"):
                patch.setattr(f"veldnet.inventory.{place}.named", lambda *_given, **_options: None)
            expected = found(connection, scope, words)
        assert found(connection, scope, words) == expected, words


def test_the_index_finds_what_reading_names_finds() -> None:
    with postgresql.database() as url:
        store = postgresql.open_store(url, inline=True)
        with store.engine.begin() as connection:
            for name in "ab":
                create_sandbox(connection, name, "unused", GatewayEui(ord(name)))
            scope = accounts.scope_of_user(connection, 1)
            assert scope is not None
            for ref, name in enumerate(NAMES, 1):
                add(connection, ref, name)
            add(connection, 40, "Pump of others", subscriber=2)
            check(connection, scope)
            connection.execute(update(devices).where(devices.c.ref == 1).values(name="Écluse q"))
            connection.execute(update(devices).where(devices.c.ref == 2).values(dev_eui="00000000000003E9"))
            connection.execute(update(devices).where(devices.c.ref == 3).values(health=2))
            connection.execute(delete(devices).where(devices.c.ref.in_((4, 5))))
            check(connection, scope)
            held = connection.execute(text("SELECT ref FROM device_names ORDER BY ref")).scalars().all()
            assert held == [1, 2, 3, *range(6, len(NAMES) + 1), 40]
        store.dispose()
