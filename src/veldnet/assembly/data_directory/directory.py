"""A data directory: the database, and outside of it the master key of the vault."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from veldnet.assembly.data_directory.lock import (
    DataDirectoryError,
    DirectoryLock,
    StorageError,
    give_to_owner,
    sharing,
)
from veldnet.assembly.vaults.opening import (
    CHECK,
    Checks,
    Opened,
    master_key_of,
    open_vaults,
    seal_check,
    vault_names,
)
from veldnet.keys import VaultError, Vaults
from veldnet.settings import Settings, SettingsError
from veldnet.store import (
    HEAD,
    Damaged,
    Database,
    DatabaseStore,
    SqliteFile,
    StoreError,
    UnknownRevision,
    check_revision,
    postgres_database,
    read_property,
    write_property,
)

__all__ = ["DataDirectory", "DataDirectoryError"]

GENERATION = "generation"
# Where the database was used last.
_PLACE = "place"
_SEALED_UNDER = "sealed_under"
# How long somebody who creates or upgrades waits for another one who does.
_TIMEOUT = 30.0
# Bytes with which nothing can be done.
_NO_ROOM = 262_144

T = TypeVar("T")

# Runs blocking work beside the event loop, or at once under a virtual clock.
_Run = Callable[..., Awaitable[Any]]


class DataDirectory:
    """An open data directory. Opening brings the database to this version."""

    def __init__(self, path: Path, store: DatabaseStore, held: contextlib.ExitStack) -> None:
        self.path = path
        self.store = store
        self._held = held
        self._vaults: Vaults | None = None
        self._checks: dict[str, bytes] = {}

    @property
    def vault(self) -> Vaults:
        """The vaults; a directory that was opened without them has none."""
        assert self._vaults is not None
        return self._vaults

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        create: bool = False,
        inline: bool = False,
        vaults: bool = True,
        vault_process: bool = False,
        lock: DirectoryLock | None = None,
    ) -> DataDirectory:
        """With `create` what is missing is made. With `vault_process` each vault is in a process of its
        own, if the settings say so; without `vaults` none is opened. `lock` is that of the directory, where
        this process holds it: a node of several does, and serves before the modules of its vaults are there.
        Raises `DataDirectoryError` with what to do about it."""
        run: _Run = _run_inline if inline else asyncio.to_thread
        how = Opened.APART if vault_process and settings.keys.process else Opened.HERE
        if not await run(database_exists, settings):
            if not create:
                raise DataDirectoryError(_nothing_there(settings))
            await _create(settings, run, how, lock)
        opened = cls(*await run(_open_store, settings, inline, lock))
        await opened._notice_restore()
        if vaults:
            if how is Opened.APART and lock is not None and settings.cluster.nats:
                how = Opened.WHEN_THERE
            try:
                opened._vaults, opened._checks = await _open_vaults(settings, opened.store, how)
            except VaultError as error:
                await opened.close()
                raise DataDirectoryError(str(error)) from None
            except BaseException:
                await opened.close()
                raise
        return opened

    @property
    def problem(self) -> str | None:
        """What has happened to the database, in words; None where it is the one that was opened."""
        return self.store.problem

    async def _notice_restore(self) -> None:
        """Have counters jump ahead where a backup was put back: what the database holds may be older than
        what was sent since."""
        place = self.store.place
        if place is None or await self.store.read(lambda c: read_property(c, _PLACE)) == place:
            return

        def note(connection: Connection) -> None:
            if read_property(connection, _PLACE) is not None:
                set_generation(connection, generation_of(connection) + 1)
            write_property(connection, _PLACE, place)

        await self.store.write(note)

    async def verify_checks(self) -> None:
        """Take up proofs that another process has renewed."""
        self._checks |= await self.store.read(lambda c: read_checks(c, self.vault.names))

    async def renew_check(self, name: str) -> None:
        """Let a vault re-wrap its proof under its newest master key."""
        await _seal_check(self.store, self.vault, self._checks, name)

    async def sealed_under(self, name: str) -> bytes:
        """How all that a vault has sealed began when that was last made sure of; empty if it never was."""
        text = await self.store.read(lambda c: read_property(c, _of_vault(_SEALED_UNDER, name)))
        return bytes.fromhex(text or "")

    async def note_sealed_under(self, name: str, header: bytes) -> None:
        await _note_sealed_under(self.store, name, header)

    async def generation(self) -> int:
        """Grows each time a backup is restored."""
        return await self.store.read(generation_of)

    async def close(self) -> None:
        await self.store.close()
        if self._vaults is not None:
            await self._vaults.close()
        self._held.close()


async def _run_inline(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def file_of(settings: Settings) -> SqliteFile:
    """The file of the database that a data directory has of itself."""
    return SqliteFile(Path(settings.data) / "veldnet.db")


def database_of(settings: Settings) -> Database:
    """The database of an installation. Raises `SettingsError`."""
    if not settings.store.url:
        return file_of(settings)
    try:
        return postgres_database(settings.store.url)
    except StoreError as error:
        raise SettingsError(f"settings: store.url: {error}") from None


def database_exists(settings: Settings) -> bool:
    """Whether there is a database, as far as that is known. Raises `DataDirectoryError`."""
    database = database_of(settings)
    with _readable_errors(settings, database.name):
        return database.exists()


@contextlib.contextmanager
def database_as_it_is(settings: Settings) -> Iterator[DatabaseStore | None]:
    """The database of an installation, not brought to this version, also while servers of another one are at
    it; None where there is none. Raises `DataDirectoryError`, and what the store raises."""
    database = database_of(settings)
    if not database.exists():
        yield None
        return
    store = database.open(inline=True)
    try:
        yield store
    finally:
        store.dispose()


async def read_as_it_is(settings: Settings, query: Callable[[Connection], T]) -> T:
    """What a query finds there. Raises `DataDirectoryError`."""
    with _readable_errors(settings, database_of(settings).name), database_as_it_is(settings) as store:
        if store is None:
            raise DataDirectoryError(_nothing_there(settings))
        revision = store.revision()
        try:
            return await store.read(query)
        except StoreError as error:
            if revision in (None, HEAD):
                raise
            raise DataDirectoryError(
                f"this version reads tables of revision {HEAD}, and those of the {store.name} have revision "
                f"{revision}: {reason_of(error)}; use the version of the server"
            ) from None


@contextlib.contextmanager
def _readable_errors(settings: Settings, what: str) -> Iterator[None]:
    """Errors of files and of the store, as the errors of a data directory."""
    try:
        yield
    except UnknownRevision as error:
        raise DataDirectoryError(f"cannot use {what}: {error}") from None
    except Damaged as error:
        raise DataDirectoryError(
            f"cannot use {what}: {reason_of(error)}; "
            f"restore a backup with `{on_data(settings, 'veldnet admin restore FILE')}`"
        ) from None
    except (StoreError, OSError) as error:
        full = _is_full(Path(settings.data))
        raise StorageError(f"cannot use {what}: {reason_of(error)}{full}") from None


def _cause(error: BaseException) -> BaseException:
    """What the driver said, below what has been made of it."""
    while (inner := getattr(error, "orig", None) or error.__cause__) is not None:
        error = inner
    return error


def reason_of(error: BaseException) -> str:
    """Why something failed, in a few words."""
    cause = _cause(error)
    return cause.strerror or str(cause) if isinstance(cause, OSError) else " ".join(str(cause).split())


def _is_full(path: Path) -> str:
    """Whether the disk is full: SQLite has several words for that."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(path).free < _NO_ROOM:
            return " (the disk is full)"
    return ""


# Opening and creating.


def _nothing_there(settings: Settings) -> str:
    if _has_key(settings):
        return _lost_database(settings)
    file = file_of(settings).path
    where = f"{file.parent.absolute()} (no {file.name})"
    if settings.store.url:
        where = f"the {database_of(settings).name}"
    return (
        f"there is no installation in {where}: `{on_data(settings, 'veldnet init')}` creates "
        "one, and so do serve, sandbox, demo and admin operator create"
    )


def _lost_database(settings: Settings) -> str:
    name = database_of(settings).name
    missing, restore = f"no {name}", f"a backup with `{on_data(settings, 'veldnet admin restore FILE')}`"
    if settings.store.url:
        missing, restore = f"no installation in the {name}", "its backup with the tools of PostgreSQL"
    return (
        f"there is a master key ({master_key_of(settings)}) but {missing}: restore {restore}, or "
        f"begin with an empty database under this key with `{on_data(settings, 'veldnet init --keep-key')}`"
    )


def on_data(settings: Settings, command: str) -> str:
    """A command to type, with the option that leads it to this data directory."""
    return f"{command} --data {shlex.quote(settings.data)}"


def _has_key(settings: Settings) -> bool:
    """Whether there is a master key whose database is missing: not one that is waiting for its first."""
    if _unfinished(settings).exists():
        return False
    key = master_key_of(settings)
    with _readable_errors(settings, str(key)):
        return key.exists()


def _unfinished(settings: Settings) -> Path:
    """Where this file is, no database has been used under the master key yet. It is the database itself while
    that is made, where the database is a file."""
    return file_of(settings).unfinished


def expect_database(settings: Settings) -> None:
    """Note that the master key is there before its database, and why: it is new, or somebody wants it so."""
    path = Path(settings.data)
    with _readable_errors(settings, str(path)):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _unfinished(settings).touch(0o600)
        give_to_owner(_unfinished(settings))


async def _create(settings: Settings, run: _Run, how: Opened, lock: DirectoryLock | None) -> None:
    """Make database and master key. Both are there together: the database gets its name last."""
    held = lock if lock is not None else await run(_lock_to_create, settings)
    try:
        if await run(database_exists, settings):
            return
        store = await run(_begin_database, settings, run is _run_inline)
        try:
            vaults, _checks = await _open_vaults(settings, store, how, is_new=True)
            try:
                # Nothing is, so that the first server need not look for what was sealed under another key.
                for name in vaults.names:
                    await _note_sealed_under(store, name, await vaults.of(name).refresh())
            finally:
                await vaults.close()
        except VaultError as error:
            raise DataDirectoryError(str(error)) from None
        finally:
            await store.close()
        await run(_finish_database, settings)
    finally:
        if held is not lock:
            held.release()


def _lock_to_create(settings: Settings) -> DirectoryLock:
    path = Path(settings.data)
    with _readable_errors(settings, str(path)):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return DirectoryLock.take(path, "a command that creates it", wait=_TIMEOUT)


def _begin_database(settings: Settings, inline: bool) -> DatabaseStore:
    if _has_key(settings):
        raise DataDirectoryError(_lost_database(settings))
    database = database_of(settings)
    expect_database(settings)
    with _readable_errors(settings, database.name):
        store = database.begin(inline=inline)
        give_to_owner(_unfinished(settings))
    return store


def _finish_database(settings: Settings) -> None:
    database = database_of(settings)
    with _readable_errors(settings, database.name):
        database.finish()
        _unfinished(settings).unlink(missing_ok=True)


def _open_store(
    settings: Settings, inline: bool, lock: DirectoryLock | None
) -> tuple[Path, DatabaseStore, contextlib.ExitStack]:
    """The store in a directory, brought to this version, and what is held as long as it is open."""
    path, database = Path(settings.data), database_of(settings)
    with contextlib.ExitStack() as held, _readable_errors(settings, database.name):
        held.enter_context(sharing(path))
        store = database.open(inline=inline)
        held.callback(store.dispose)
        revision = store.revision()
        if revision is None:
            raise DataDirectoryError(f"{database.name} is not a database of Veldnet")
        if revision != HEAD:
            check_revision(revision)
            # Not beside a server of the version before.
            upgrading = lock or DirectoryLock.take(path, "an upgrade")
            try:
                store.migrate()
            finally:
                if upgrading is not lock:
                    upgrading.release()
        return path, store, held.pop_all()


async def _open_vaults(
    settings: Settings, store: DatabaseStore, how: Opened, *, is_new: bool = False
) -> tuple[Vaults, dict[str, bytes]]:
    """Open the vaults, and prove that their master keys are those that this database was sealed with."""
    names = vault_names(settings)
    checks = await store.read(lambda connection: read_checks(connection, names))
    vaults = await open_vaults(settings, checks, how, create=is_new)
    try:
        for name in names:
            if name not in checks:
                await _seal_check(store, vaults, checks, name)
    except BaseException:
        await vaults.close()
        raise
    return vaults, checks


async def _note_sealed_under(store: DatabaseStore, name: str, header: bytes) -> None:
    await store.write(lambda c: write_property(c, _of_vault(_SEALED_UNDER, name), header.hex()))


async def _seal_check(store: DatabaseStore, vaults: Vaults, checks: dict[str, bytes], name: str) -> None:
    check = await seal_check(vaults, name)
    await store.write(lambda c: write_property(c, _of_vault(CHECK, name), check.hex()))
    checks[name] = check


async def prove_keys(settings: Settings, checks: Checks) -> None:
    """Make sure that the vaults of the settings hold the master keys of a database. Raises
    `DataDirectoryError`."""
    try:
        how = Opened.APART if settings.keys.process else Opened.HERE
        vaults = await open_vaults(settings, checks, how)
    except VaultError as error:
        raise DataDirectoryError(str(error)) from None
    await vaults.close()


def _of_vault(what: str, name: str) -> str:
    """The property of a vault."""
    return f"{what}:{name}" if name else what


def read_checks(connection: Connection, names: list[str]) -> dict[str, bytes]:
    """What each vault has sealed for a proof."""
    found = {name: read_property(connection, _of_vault(CHECK, name)) for name in names}
    return {name: bytes.fromhex(text) for name, text in found.items() if text is not None}


def generation_of(connection: Connection) -> int:
    """Grows each time a backup is restored."""
    return int(read_property(connection, GENERATION) or 0)


def set_generation(connection: Connection, generation: int) -> None:
    """Mark a restored database, so that counters jump ahead."""
    write_property(connection, GENERATION, str(generation))
