"""Locks of a data directory: one server at a time, and commands beside it.

A server, and a command that replaces or upgrades the database, holds a lock of the operating system on
`veldnet.lock`. The lock ends with the process, whatever ended it, and asks no clock. Everybody who opens the
database shares a second lock, on the directory itself, which only a restore holds alone.

Not every file system has such locks. So a server also writes into the database who it is, and counts a beat
there (`veldnet.assembly.data_directory.lease`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

# What a file system answers that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
_POLL = 0.05


class DataDirectoryError(Exception):
    """The data directory cannot be used as it is."""


class StorageError(DataDirectoryError):
    """The data directory cannot be read or written now: a full disk, a failing one, missing rights."""


class DirectoryInUse(DataDirectoryError):
    """Another process works on the data directory, so this one must not."""


class DirectoryLock:
    """The lock of the only server on a data directory. `exclusive` is false where the file system has no
    locks."""

    def __init__(self, path: Path, descriptor: int, exclusive: bool) -> None:
        self.path = path
        self.exclusive = exclusive
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path, purpose: str, *, wait: float = 0.0) -> DirectoryLock:
        """Take the lock, or wait so many seconds for it. Error messages of others name the `purpose`. Raises
        `DirectoryInUse`, or `DataDirectoryError` where the directory cannot be written."""
        path = directory / "veldnet.lock"
        deadline = time.monotonic() + wait
        while True:
            descriptor = _open(path)
            try:
                exclusive = _flock(descriptor, fcntl.LOCK_EX)
            except BlockingIOError:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
                os.close(descriptor)
                if time.monotonic() < deadline:
                    time.sleep(_POLL)
                    continue
                who = f" ({holder})" if holder else ""
                raise DirectoryInUse(f"another process{who} holds the data directory {directory}") from None
            if _is_at(descriptor, path):
                break
            # Replaced meanwhile by a server that took over.
            os.close(descriptor)
        lock = cls(path, descriptor, exclusive)
        lock._sign(purpose)
        return lock

    @classmethod
    def replace(cls, directory: Path, purpose: str) -> DirectoryLock:
        """Take the lock from a process that does not let go of it, by a lock file in place of its own."""
        path = directory / "veldnet.lock"
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return cls.take(directory, purpose)

    def _sign(self, purpose: str) -> None:
        """Say in the file who holds it; a full disk is no reason not to hold it."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{purpose}, process {os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextlib.contextmanager
def sharing(directory: Path) -> Iterator[None]:
    """Use the database beside others. Raises `DirectoryInUse` while it is being replaced."""
    with _directory_lock(directory, fcntl.LOCK_SH, "its database is being replaced"):
        yield


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Nobody else has the database open. Raises `DirectoryInUse`."""
    with _directory_lock(directory, fcntl.LOCK_EX, "another command uses its database"):
        yield


@contextlib.contextmanager
def _directory_lock(directory: Path, how: int, otherwise: str) -> Iterator[None]:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise DataDirectoryError(f"cannot use {directory} as data directory: {error.strerror}") from None
    try:
        try:
            _flock(descriptor, how)
        except BlockingIOError:
            raise DirectoryInUse(f"the data directory {directory} is in use: {otherwise}") from None
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write to the data directory {path.parent}: {error.strerror}"
        ) from None
    give_to_owner(path)
    return descriptor


def _flock(descriptor: int, how: int) -> bool:
    """Whether the lock is held; false where there are none. Raises `BlockingIOError`."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at its path."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def give_to_owner(path: Path) -> None:
    """Let a file that the superuser makes belong to the owner of its directory, who runs the server."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        with contextlib.suppress(OSError):
            os.chown(path, owner.st_uid, owner.st_gid)
