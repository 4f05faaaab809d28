"""A database file that goes, or gives way to another one, while it is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.store import StoreError
from veldnet.store.database_file import DatabaseFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "veldnet.db"
    path.write_bytes(b"first")
    Path(f"{path}-wal").write_bytes(b"")
    return path


def test_an_open_file_is_the_one_that_was_opened_first(path: Path) -> None:
    file = DatabaseFile(path)
    assert file.problem is None, "nothing was opened yet"
    file.opened()
    path.write_bytes(b"more")
    file.opened()
    assert file.problem is None
    file.check()


def test_a_file_that_has_gone(path: Path) -> None:
    file = DatabaseFile(path)
    file.opened()
    path.unlink()
    assert "has gone" in str(file.problem)
    with pytest.raises(StoreError, match="has gone"):
        file.check()


def test_a_file_that_was_replaced(path: Path) -> None:
    file = DatabaseFile(path)
    file.opened()
    other = path.with_name("other.db")
    other.write_bytes(b"first")
    other.replace(path)
    file.opened()
    with pytest.raises(StoreError, match="replaced by another one"):
        file.check()


def test_a_log_that_has_gone(path: Path) -> None:
    file = DatabaseFile(path)
    file.opened()
    Path(f"{path}-wal").unlink()
    assert file.problem is None
    with pytest.raises(StoreError, match="write-ahead log"):
        file.check()
