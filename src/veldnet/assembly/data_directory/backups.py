"""Backup and restore of the database. Nothing is changed before everything is checked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from veldnet.assembly.data_directory.directory import (
    GENERATION,
    DataDirectory,
    DataDirectoryError,
    database_of,
    generation_of,
    prove_keys,
    read_checks,
    reason_of,
    set_generation,
)
from veldnet.assembly.data_directory.lease import forget_server
from veldnet.assembly.data_directory.lock import DirectoryLock, alone, give_to_owner
from veldnet.assembly.vaults.opening import Checks, vault_names
from veldnet.settings import Settings
from veldnet.store import (
    Damaged,
    StoreError,
    UnknownRevision,
    check_checksum,
    sqlite_database,
    sync_directory,
)
from veldnet.store.sqlite_database import LOG_FILES, SqliteFile, beside, remove_files


class BackupError(Exception):
    """A backup cannot be made or put back."""


def back_up(settings: Settings, target: Path) -> None:
    """Copy the database to a new file, also while a server runs. Raises `BackupError`."""
    database = _own_file(settings)
    if not database.is_file():
        raise BackupError(f"there is no database in {Path(settings.data).absolute()}")
    if os.path.lexists(target):
        raise BackupError(f"{target} exists already")
    if not target.parent.is_dir():
        raise BackupError(f"there is no directory {target.parent}")
    with _readable_errors(f"cannot copy {database} to {target}"):
        sqlite_database.take_snapshot(database, target)
    # What cannot be restored is no backup.
    try:
        _check(target, target)
    except BackupError:
        target.unlink()
        raise


def verify(file: Path) -> bool:
    """Make sure that a backup is whole; returns whether it has a checksum, without which damaged values are
    not noticed. Raises `BackupError`."""
    _check_header(file)
    with _readable_errors(f"cannot read {file}"):
        summed = _check_sum(file)
    _check(file, file)
    return summed


def restore(settings: Settings, source: Path, *, ignore_checksum: bool = False) -> Path | None:
    """Put a backup in place of the database, which is kept: returns its new name, None where there was none.
    With `ignore_checksum` also one whose content does not match its checksum. Raises `BackupError`, and
    `DirectoryInUse` beside a server."""
    data = Path(settings.data)
    with _nothing_changed():
        database = _own_file(settings).resolve()
        _check_places(source, data, database)
    lock = DirectoryLock.take(data, "admin restore")
    try:
        with alone(data):
            copy = _unused(database, "restoring")
            try:
                with _nothing_changed():
                    if not ignore_checksum:
                        with _readable_errors(f"cannot read {source}"):
                            _check_sum(source)
                    _prepare(settings, source, copy)
                return _swap(database, copy)
            finally:
                with contextlib.suppress(OSError):
                    remove_files(copy)
    finally:
        lock.release()


def note_restore(settings: Settings) -> None:
    """Have counters jump ahead, for PostgreSQL has put a backup in place of the database. Raises
    `BackupError`, and `DirectoryInUse` beside a server."""
    if not settings.store.url:
        raise BackupError("name the backup to restore")
    lock = DirectoryLock.take(Path(settings.data), "admin restore")
    try:
        asyncio.run(_note_restore(settings, lock))
    finally:
        lock.release()


async def _note_restore(settings: Settings, lock: DirectoryLock) -> None:
    data = await DataDirectory.open(settings, vaults=False, lock=lock)
    try:

        def note(connection: Connection) -> None:
            set_generation(connection, generation_of(connection) + 1)
            forget_server(connection)

        await data.store.write(note)
    except StoreError as error:
        raise BackupError(f"cannot write the {data.store.name}: {error}") from None
    finally:
        await data.close()


def _own_file(settings: Settings) -> Path:
    """The file of the database. Raises `BackupError` where another server keeps it."""
    database = database_of(settings)
    if not isinstance(database, SqliteFile):
        raise BackupError(
            f"the {database.name} is backed up and restored with the tools of PostgreSQL (docs/postgresql.md)"
        )
    return database.path


@contextlib.contextmanager
def _nothing_changed() -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise BackupError(f"{error}; nothing was changed") from None


def _check_places(source: Path, data: Path, database: Path) -> None:
    if not data.is_dir():
        raise BackupError(
            f"there is no data directory {data.absolute()}; make it, and put the master key of the "
            f"backup into it"
        )
    _check_header(source)
    if database.exists() and source.samefile(database):
        raise BackupError(f"{source} is the database itself")


def _check_header(source: Path) -> None:
    if not source.exists():
        raise BackupError(f"there is no file {source}")
    if not source.is_file():
        raise BackupError(f"{source} is not a file")
    with _readable_errors(f"cannot read {source}"), source.open("rb") as file:
        head = file.read(len(sqlite_database.HEADER))
    if head != sqlite_database.HEADER:
        raise BackupError(f"{source} is {'not a' if head else 'an empty file, no'} database of Veldnet")


def _prepare(settings: Settings, source: Path, copy: Path) -> None:
    """Make a copy of the backup that is ready to be used, and make sure that it can be."""
    with _readable_errors(f"cannot copy {source} to {copy.parent}"):
        sqlite_database.copy_at_rest(source, copy)
    _check(copy, source)

    def restored(connection: Connection) -> Checks:
        # Also ahead of what the same backup led to when it was restored before.
        before = max(generation_of(connection), _generation_before(_own_file(settings)))
        set_generation(connection, before + 1)
        forget_server(connection)
        return read_checks(connection, vault_names(settings))

    with _readable_errors(f"cannot write {copy}"):
        checks = sqlite_database.change_copy(copy, restored)
    if not checks:
        raise BackupError(f"{source} does not say which master key it was sealed with")
    try:
        asyncio.run(prove_keys(settings, checks))
    except DataDirectoryError as error:
        raise BackupError(f"the keys in {source} could not be opened: {error}") from None
    give_to_owner(copy)


def _check_sum(file: Path) -> bool:
    try:
        return check_checksum(file)
    except Damaged as error:
        raise BackupError(f"{file} {error}") from None


def _check(file: Path, named: Path) -> None:
    """A whole database of Veldnet, of a version that this one can take up."""
    try:
        sqlite_database.check_copy(file)
    except Damaged as error:
        raise BackupError(f"{named} {error}") from None
    except UnknownRevision as error:
        raise BackupError(f"{named} cannot be used: {error}") from None


def _generation_before(database: Path) -> int:
    """How often the database in use was restored; 0 where it cannot be read."""
    with contextlib.suppress(ValueError):
        return int(sqlite_database.property_at_rest(database, GENERATION) or 0)
    return 0


def _swap(database: Path, copy: Path) -> Path | None:
    """Give the copy the name of the database. At every moment there is a whole database under that name, and
    what was there before is kept whole, its write-ahead log included."""
    if not os.path.lexists(database):
        with _readable_errors(f"cannot write {database}"):
            copy.replace(database)
            sync_directory(database.parent)
        return None
    sqlite_database.empty_log(database)
    kept = _unused(database, f"before-restore-{int(time.time())}")
    with _nothing_changed(), _readable_errors(f"cannot keep {database} as {kept}"):
        _keep_whole(database, kept)
    with _readable_errors(f"cannot write {database}, which is kept as {kept}"):
        # A log of another database would be taken for the new one's.
        for suffix in LOG_FILES:
            beside(database, suffix).unlink(missing_ok=True)
        copy.replace(database)
        sync_directory(database.parent)
    return kept


def _keep_whole(database: Path, kept: Path) -> None:
    try:
        _keep(database, kept)
        for suffix in LOG_FILES:
            log = beside(database, suffix)
            # Left only where the database could not be opened.
            if log.exists():
                _keep(log, beside(kept, suffix))
        sync_directory(database.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            remove_files(kept)
        raise


def _keep(file: Path, name: Path) -> None:
    """Give a file a second name, or a copy where the file system knows no second names."""
    try:
        os.link(file, name)
    except PermissionError:
        shutil.copy2(file, name)
    except OSError:
        if name.exists():
            raise
        shutil.copy2(file, name)


def _unused(database: Path, what: str) -> Path:
    """A name beside the database that nothing has."""
    number, name = 1, database.with_suffix(f".{what}")
    while os.path.lexists(name):
        number += 1
        name = database.with_suffix(f".{what}-{number}")
    return name


@contextlib.contextmanager
def _readable_errors(what: str) -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        raise BackupError(f"{what}: {reason_of(error)}") from None
