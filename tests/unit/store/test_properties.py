"""What a database says of itself."""

from __future__ import annotations

from pathlib import Path

from tests.installation import sandbox
from veldnet.store import SqliteStore, read_property, write_property


async def test_a_property_is_written_once_and_changed(tmp_path: Path) -> None:
    sandbox(tmp_path / "data")
    store = SqliteStore(tmp_path / "data" / "veldnet.db", inline=True)
    assert await store.read(lambda c: read_property(c, "colour")) is None
    for value in ("blue", "", "red"):
        await store.write(lambda c, value=value: write_property(c, "colour", value))  # type: ignore[misc]
        assert await store.read(lambda c: read_property(c, "colour")) == value
    await store.close()
