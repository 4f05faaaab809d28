"""The file of a database, as long as it is open: what is written after it was removed or replaced is lost,
for it goes into a file that nobody can open any more."""

from __future__ import annotations

from pathlib import Path

from veldnet.texts import Text

from .interface import StoreError


class DatabaseFile:
    """A file by its identity. Its log stands beside it and belongs to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = Path(f"{path}-wal")
        self._identity: tuple[int, int] | None = None

    def opened(self) -> None:
        """A connection has opened the file; the first one says which file that is."""
        if self._identity is None:
            self._identity = _identity(self._path)

    def found(self) -> tuple[int, int]:
        """Device and inode of the file. Raises `StoreError` where there is none."""
        found = _identity(self._path)
        if found is None:
            raise StoreError(f"the database file {self._path} has gone")
        return found

    @property
    def problem(self) -> str | None:
        """What happened to the file, in words; None where it is the one that was opened."""
        if self._identity is None:
            return None
        found = _identity(self._path)
        if found == self._identity:
            return None
        if found is None:
            return Text("the database file {path} has gone", path=str(self._path))
        return Text("the database file {path} has been replaced by another one", path=str(self._path))

    def check(self) -> None:
        """Within a transaction. Raises `StoreError` where the file is not the one that was opened, or its log
        has gone, in which the newest commits are."""
        problem = self.problem
        if problem is None and not self._log.exists():
            problem = f"the write-ahead log {self._log} has gone"
        if problem is not None:
            raise StoreError(problem)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
