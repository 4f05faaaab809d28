"""Data directories for tests: made once, and copied."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tests.endings import at_the_end
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.sandbox import make_sandbox
from veldnet.settings import load_settings
from veldnet.simulator.customer import Account

T = TypeVar("T")

# `sqlite` or `postgresql`.
STORE_VARIABLE = "TEST_STORE"


def sandbox(data: Path) -> Account:
    """What `veldnet sandbox` makes: a copy of a data directory with one, or another one in the directory that
    is there, also while a server runs on it."""
    if data.exists():
        return _here(_add(data))
    template, account = _template(over_postgresql())
    shutil.copytree(template, data)
    if over_postgresql():
        postgresql().copy_database(template, data)
    return account


def over_postgresql() -> bool:
    """Whether tests that may run over either engine run over PostgreSQL."""
    return os.environ.get(STORE_VARIABLE, "sqlite") == "postgresql"


def store_flags(data: Path) -> dict[str, str]:
    """The settings of the database that belongs to a data directory."""
    return {"store.url": postgresql().database_beside(data)} if over_postgresql() else {}


def store_environment(arguments: tuple[str, ...]) -> dict[str, str]:
    """The same for a command whose arguments name the directory."""
    if "--data" not in arguments:
        return {}
    data = Path(arguments[arguments.index("--data") + 1])
    return {f"VELDNET_{key.upper().replace('.', '__')}": value for key, value in store_flags(data).items()}


def stored_bytes(data: Path) -> bytes:
    """All that the database of a data directory holds, as it is written."""
    if over_postgresql():
        return bytes(postgresql().dump(data))
    return (data / "veldnet.db").read_bytes()


def postgresql() -> Any:
    """Loaded where it is wanted: its driver takes its time."""
    from tests import postgresql

    return postgresql


@cache
def _template(_postgresql: bool) -> tuple[Path, Account]:
    """A data directory with a sandbox, made once for each engine in each process that runs tests, and those
    that are forked from it."""
    folder = Path(tempfile.mkdtemp(prefix="veldnet-template-"))
    at_the_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    data = folder / "data"
    return data, _here(_add(data))


def prepare() -> None:
    """Make what all processes share that are forked from this one."""
    if not over_postgresql():
        _template(False)


async def _add(data: Path) -> Account:
    settings = load_settings({"data": str(data), "keys.process": False} | store_flags(data), environment={})
    opened = await DataDirectory.open(settings, create=True, vaults=False)
    try:
        made = await make_sandbox(opened)
    finally:
        await opened.close()
    return msgspec.convert(msgspec.structs.asdict(made), Account)


def _here(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, whether or not this thread has an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
