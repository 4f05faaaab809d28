"""Acquires a data directory for a server, also by taking it over from a running one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from veldnet.assembly.data_directory.lock import DataDirectoryError, DirectoryInUse, DirectoryLock
from veldnet.settings import Settings

# How long a server that was taken over may need to stop: it notices with its next beat, and finishes
# requests.
_TIME_TO_STOP = 15.0


@contextmanager
def holding(settings: Settings, *, take_over: bool = False) -> Iterator[DirectoryLock]:
    """The lock of the data directory, which is made where there is none. Raises `DirectoryInUse`."""
    path = Path(settings.data)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(f"cannot use {path} as data directory: {error.strerror}") from None
    try:
        lock = DirectoryLock.take(path, "serve")
    except DirectoryInUse as error:
        if not take_over:
            raise DirectoryInUse(f"{error}; stop it, or take over with --take-over") from None
        if settings.cluster.nats:
            raise DirectoryInUse(f"{error}; a node is not taken over: stop it") from None
        _take_lease(settings)
        lock = _take_lock(path)
    try:
        yield lock
    finally:
        lock.release()


def _take_lease(settings: Settings) -> None:
    """Have the server that runs write nothing from now on, and stop."""
    # Loaded here only: a server that starts opens its ports first.
    import asyncio

    from veldnet.assembly.data_directory.directory import DataDirectory

    async def take() -> None:
        data = await DataDirectory.open(settings, vaults=False)
        try:
            await data.store.take_leases()
        finally:
            await data.close()

    asyncio.run(take())


def _take_lock(path: Path) -> DirectoryLock:
    try:
        return DirectoryLock.take(path, "serve", wait=_TIME_TO_STOP)
    except DirectoryInUse:
        # It hangs, or is paused. It cannot write any more.
        return DirectoryLock.replace(path, "serve")
