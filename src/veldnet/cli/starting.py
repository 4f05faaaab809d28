"""Loads settings, runs the event loop and reports startup errors of commands. Loads little: a
server opens its ports after this."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from veldnet.assembly.data_directory.lock import DataDirectoryError, DirectoryInUse, StorageError
from veldnet.assembly.listening import CannotListen
from veldnet.settings import OnOldName, Settings, SettingsError, load_settings

from .exits import Exit
from .given import CONFIG
from .output import fail

T = TypeVar("T")

_EXITS = (
    (SettingsError, Exit.SETTINGS),
    (CannotListen, Exit.CANNOT_LISTEN),
    (DirectoryInUse, Exit.IN_USE),
    (StorageError, Exit.STORAGE),
    (DataDirectoryError, Exit.DATA_DIRECTORY),
)


def settings_or_fail(
    flags: dict[str, Any], file: Path | None = None, on_old_name: OnOldName | None = None
) -> Settings:
    """The settings; by default old names of settings are named on stderr."""
    try:
        return load_settings(flags, file=file or CONFIG.get(), on_old_name=on_old_name or _warn)
    except SettingsError as error:
        fail(str(error), Exit.SETTINGS)


def quiet(settings: Settings) -> Settings:
    """The settings for a command that says by itself what happens: of the log, that of the vault's process
    too, errors are left."""
    from veldnet.logs import configure_logs

    settings = replace(settings, log=replace(settings.log, level="error"))
    configure_logs(settings.log)
    return settings


def _warn(old: str, new: str) -> None:
    words = f"warning: setting {old} is now called {new}; the next release ignores the old name"
    print(words, file=sys.stderr)


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """End the command with a sentence and an exit code where settings, ports or data directory cannot be
    used."""
    try:
        yield
    except Exception as error:
        end_readably(error)
        raise


def end_readably(error: Exception) -> None:
    """End the command with a sentence and an exit code, where the error tells its user what is wrong."""
    for kind, code in _EXITS:
        if isinstance(error, kind):
            fail(str(error), code)
    # Loaded by whoever raised these.
    from veldnet.store import LeaseLost, NodeInUse, StoreError

    if isinstance(error, NodeInUse):
        fail(f"{error}: give each node a name of its own (cluster.node)", Exit.IN_USE)
    if type(error).__name__ in ("BusError", "VersionMismatch"):
        fail(str(error), Exit.SETTINGS)
    if isinstance(error, LeaseLost):
        fail(str(error), Exit.LEASE_LOST)
    if isinstance(error, StoreError):
        fail(f"the database cannot be used: {error}", Exit.STORAGE)
    if isinstance(error, OSError) and isinstance(error.filename, str | os.PathLike):
        fail(f"{error.filename}: {error.strerror}")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        import asyncio

        return asyncio.run(work)
    return uvloop.run(work)
