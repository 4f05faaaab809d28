"""The log of changes, read page by page from a position on."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from veldnet.inventory import changes
from veldnet.store.schema import metadata


def test_every_change_is_read_once_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_PAGE", 3)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        changes.note(connection, "rules", 0)
        here = changes.position(connection)
        for ref in range(1, 8):
            changes.note(connection, "device", ref)
        found: list[int] = []
        while True:
            page, here, more = changes.since(connection, here)
            assert len(page) <= 3
            found += [change.ref for change in page]
            assert more == (len(page) == 3), "as far as is known"
            if not more:
                break
        assert found == list(range(1, 8))
        assert changes.since(connection, here) == ([], here, False)
