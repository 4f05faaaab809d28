"""Opens the data directory for commands."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from veldnet.assembly.data_directory.directory import DataDirectory, read_as_it_is
from veldnet.domain.errors import Refusal
from veldnet.inventory import audit
from veldnet.settings import Settings
from veldnet.store import Connection

from .output import fail
from .starting import quiet, readable_errors, run, settings_or_fail

__all__ = [
    "administrator",
    "change_data",
    "quiet",
    "read_beside_servers",
    "read_data",
    "readable_errors",
    "run",
    "settings_of",
    "settings_or_fail",
    "with_data",
]

T = TypeVar("T")


def settings_of(data: Path | None) -> Settings:
    """The settings, with the data directory of the option `--data`."""
    return settings_or_fail({"data": None if data is None else str(data)})


def read_data(data: Path | None, query: Callable[[Connection], T]) -> T:
    """What a query finds in a data directory."""
    return with_data(settings_of(data), lambda opened: opened.store.read(query))


def read_beside_servers(data: Path | None, query: Callable[[Connection], T]) -> T:
    """The same of a database that servers of another version may be at: its tables are left as they are."""
    with readable_errors():
        return run(read_as_it_is(settings_of(data), query))


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
        audit.note(connection, audit.Author(administrator(), subscriber_ref), action, what)
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

    with readable_errors():
        try:
            return run(opened())
        except Refusal as error:
            # The status of HTTP says nothing here.
            fail(error.message.removeprefix(error.prefix))
