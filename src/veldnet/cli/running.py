"""How commands get their settings, their data directory and an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import getpass
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from veldnet.data_directory import DataDirectory, DataDirectoryError, StorageError
from veldnet.directory_lock import DirectoryInUse
from veldnet.inventory import audit
from veldnet.inventory.errors import Refusal
from veldnet.settings import Settings, SettingsError, load_settings
from veldnet.store import LeaseLost, StoreError

from .exits import Exit
from .output import fail

T = TypeVar("T")


def settings_or_fail(flags: dict[str, Any], file: Path | None = None) -> Settings:
    try:
        return load_settings(flags, file=file)
    except SettingsError as error:
        fail(str(error), Exit.SETTINGS)


@contextlib.contextmanager
def errors_in_words() -> Iterator[None]:
    """End the command with a sentence and an exit code where the data directory cannot be used."""
    try:
        yield
    except DirectoryInUse as error:
        fail(str(error), Exit.IN_USE)
    except StorageError as error:
        fail(str(error), Exit.STORAGE)
    except DataDirectoryError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    except LeaseLost as error:
        fail(str(error), Exit.LEASE_LOST)
    except StoreError as error:
        fail(f"the database cannot be used: {error}", Exit.STORAGE)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def tune_garbage_collection() -> None:
    """Frames make and drop many small objects, hardly any in cycles, beside many that live for long. Looking
    for cycles as often as Python does by default costs a tenth of the throughput."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def tune_threads() -> None:
    """The thread that commits wants the interpreter lock back after each statement. By default it waits 5 ms
    for it while the event loop is busy, so that a commit takes longest when there is most to do."""
    sys.setswitchinterval(0.0005)


def change_data(
    settings: Settings,
    action: str,
    what: str,
    change: Callable[[Connection], T],
    subscriber_ref: int | None = None,
    *,
    create: bool = False,
) -> T:
    """Carry out a change and write down in the audit log that an administrator made it."""

    def audited(connection: Connection) -> T:
        result = change(connection)
        audit.note(connection, administrator(), subscriber_ref, action, what)
        return result

    return with_data(settings, lambda data: data.store.write(audited), create=create)


def administrator() -> str:
    """Who works at the command line, for the audit log."""
    return f"administrator {getpass.getuser()}"


def with_data(
    settings: Settings,
    work: Callable[[DataDirectory], Awaitable[T]],
    *,
    vaults: bool = False,
    create: bool = False,
) -> T:
    """Open the data directory, with its vaults where the work needs them, work on it, close it. Errors end
    the command in one line. With `create` the directory is made where there is none."""

    async def opened() -> T:
        # A module is opened once in a process, and a command may have opened it for its own ends.
        data = await DataDirectory.open(settings, create=create, vaults=vaults, vault_process=True)
        try:
            return await work(data)
        finally:
            await data.close()

    with errors_in_words():
        try:
            return run(opened())
        except Refusal as error:
            fail(str(error))
