"""Backups and putting them back: all is checked first, and what is replaced is kept whole."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from veldnet.assembly.data_directory import backups
from veldnet.assembly.data_directory.backups import BackupError, back_up, restore, verify
from veldnet.assembly.data_directory.directory import DataDirectory, DataDirectoryError, file_of
from veldnet.assembly.data_directory.lock import DirectoryInUse, DirectoryLock, sharing
from veldnet.settings import Settings, load_settings
from veldnet.store import HEAD, SqliteStore, read_property, sqlite_database, write_property


def write_and_die(database: Path) -> None:
    """Write in a process that ends without closing anything, as after `kill -9`."""

    async def write() -> None:
        store = SqliteStore(database)
        for number in range(20):
            await store.write(lambda c, number=number: write_property(c, f"frame {number}", "here"))  # type: ignore[misc]
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=lambda: asyncio.run(write()))
    process.start()
    process.join()
    assert process.exitcode == 0


def settings_of(data: Path) -> Settings:
    return load_settings({"data": str(data), "keys.process": False}, file=None)


async def _create(settings: Settings) -> None:
    data = await DataDirectory.open(settings, create=True)
    await data.store.write(lambda c: write_property(c, "word", "first"))
    await data.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    asyncio.run(_create(settings_of(directory / "data")))
    return directory / "data"


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "data")
    return settings_of(tmp_path / "data")


def word_in(database: Path, name: str = "word") -> str | None:
    assert database.exists()
    with closing(sqlite3.connect(database)) as opened:
        found = opened.execute("SELECT value FROM properties WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute(statement)


def contents(settings: Settings) -> dict[str, bytes]:
    """The files of the data directory, but for the locks."""
    data = Path(settings.data)
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.name != "veldnet.lock"
    }


def test_b5_a_backup_is_put_back_and_what_was_there_is_kept(settings: Settings, tmp_path: Path) -> None:
    database, target = file_of(settings).path, tmp_path / "backup ?#%.db"
    back_up(settings, target)
    assert target.stat().st_mode & 0o777 == 0o600
    change(database, "UPDATE properties SET value = 'second' WHERE name = 'word'")
    kept = restore(settings, target)
    assert kept is not None and word_in(kept) == "second"
    assert word_in(database) == "first" and word_in(database, "generation") == "1"
    assert sorted(contents(settings)) == sorted([kept.name, "vault/master.key", "veldnet.db"])


def test_a_value_that_was_damaged_is_noticed(settings: Settings, tmp_path: Path) -> None:
    """SQLite sees no error in it."""
    target = tmp_path / "backup.db"
    back_up(settings, target)
    assert verify(target)
    octets, before = target.read_bytes(), contents(settings)
    line = f"veldnet-sha256:{hashlib.sha256(octets[:-80]).hexdigest()}\n".encode()
    assert octets[-80:] == line, "other tools can check it"
    assert octets.count(b"wordfirst") == 1
    for damaged, why in (
        (octets.replace(b"wordfirst", b"wordworst"), "does not match its checksum"),
        (octets[:-1], "does not end with a whole page"),
        (octets[:-80] + line.replace(b"sha", b"shb"), "does not end with a whole page"),
        (octets[:-80], "has lost the checksum at its end"),
    ):
        target.write_bytes(damaged)
        for attempt in (lambda: verify(target), lambda: restore(settings, target)):
            with pytest.raises(BackupError, match=f"{target} is damaged: .*{why}"):
                attempt()
        assert contents(settings) == before
    # Backups of versions before have none.
    earlier = octets.replace(b"wordfirst", b"wordworst")[:-80]
    target.write_bytes(earlier[:68] + bytes(4) + earlier[72:])
    assert not verify(target)
    restore(settings, target)
    assert word_in(file_of(settings).path) == "worst"
    target.write_bytes(octets.replace(b"wordfirst", b"wordother"))
    restore(settings, target, ignore_checksum=True)
    assert word_in(file_of(settings).path) == "other"
    # What was restored is a database like any other, so that a plain copy of it can be restored.
    shutil.copy(file_of(settings).path, target)
    assert not verify(target)


def test_b5_counters_never_lead_to_the_same_twice(settings: Settings, tmp_path: Path) -> None:
    """The same backup restored again jumps further."""
    target = tmp_path / "backup.db"
    back_up(settings, target)
    names = set()
    for number in (1, 2, 3):
        kept = restore(settings, target)
        assert kept is not None
        names.add(kept)
        assert word_in(file_of(settings).path, "generation") == str(number)
    assert len(names) == 3, "what was kept earlier is kept"


@pytest.mark.parametrize("emptied", [True, False])
def test_b4_what_is_kept_after_a_kill_has_its_write_ahead_log(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emptied: bool
) -> None:
    """Also where the log cannot be copied into the database first."""
    database, target = file_of(settings).path, tmp_path / "backup.db"
    back_up(settings, target)
    write_and_die(database)
    wal = database.with_name("veldnet.db-wal")
    assert wal.stat().st_size, "the log was not copied into the database"
    if not emptied:
        monkeypatch.setattr(sqlite_database, "empty_log", lambda _database: None)
    kept = restore(settings, target)
    assert kept is not None and not wal.exists(), "the new database has no old log"
    assert [word_in(kept, f"frame {number}") for number in range(20)] == ["here"] * 20
    assert word_in(database) == "first" and word_in(database, "frame 1") is None


def _junk(path: Path, _settings: Settings) -> None:
    path.write_bytes(os.urandom(20_000))


def _empty(path: Path, _settings: Settings) -> None:
    path.touch()


def _directory(path: Path, _settings: Settings) -> None:
    path.mkdir()


def _missing(path: Path, _settings: Settings) -> None:
    """Nothing there."""


def _pipe(path: Path, _settings: Settings) -> None:
    os.mkfifo(path)


def _header_only(path: Path, settings: Settings) -> None:
    path.write_bytes(file_of(settings).path.read_bytes()[:100])


def _cut(path: Path, settings: Settings) -> None:
    path.write_bytes(file_of(settings).path.read_bytes()[:100_000])


def _damaged(path: Path, settings: Settings) -> None:
    back_up(settings, path)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 40_000)


def _schema_of_bytes(path: Path, settings: Settings) -> None:
    """A schema whose error message is no text."""
    back_up(settings, path)
    data = path.read_bytes()
    for name, other in (
        (b"CREATE TABLE deliveries", b"CREATE TUBLE deliveries"),
        (b"tabledeliv", b"table\xff\x8b\xffiv"),
    ):
        assert name in data
        data = data.replace(name, other)
    path.write_bytes(data)


def _foreign(path: Path, _settings: Settings) -> None:
    change(path, "CREATE TABLE cats (name TEXT)")


def _of_another_program(path: Path, _settings: Settings) -> None:
    change(path, "CREATE TABLE alembic_version (version_num TEXT)")


def _newer(path: Path, settings: Settings) -> None:
    back_up(settings, path)
    change(path, "UPDATE alembic_version SET version_num = '9999'")


def _without_revision(path: Path, settings: Settings) -> None:
    back_up(settings, path)
    change(path, "DELETE FROM alembic_version")


def _of_another_key(path: Path, settings: Settings) -> None:
    other = settings_of(path.parent / "other")
    asyncio.run(_create(other))
    back_up(other, path)


def _without_keys(path: Path, settings: Settings) -> None:
    back_up(settings, path)
    change(path, "DELETE FROM properties WHERE name LIKE 'vault_check%'")


def _itself(path: Path, settings: Settings) -> None:
    path.symlink_to(file_of(settings).path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_junk, "not a database of Veldnet"),
        (_empty, "an empty file"),
        (_directory, "is not a file"),
        (_missing, "there is no file"),
        (_pipe, "is not a file"),
        (_header_only, "malformed|not a database"),
        (_cut, "not a whole database|damaged|malformed"),
        (_damaged, "not a whole database|damaged|malformed"),
        (_schema_of_bytes, "text that cannot be read"),
        (_foreign, "not a database of Veldnet"),
        (_of_another_program, "not a database of Veldnet"),
        (_newer, "revision '9999', which this version of Veldnet does not know"),
        (_without_revision, "not a whole database"),
        (_of_another_key, "is not the master key"),
        (_without_keys, "which master key"),
        (_itself, "is the database itself"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_b5_what_is_no_backup_changes_nothing(
    settings: Settings, tmp_path: Path, make: Callable[[Path, Settings], None], words: str
) -> None:
    source = tmp_path / "source"
    make(source, settings)
    before = contents(settings)
    with pytest.raises(BackupError, match=words) as refused:
        restore(settings, source, ignore_checksum=True)
    assert "\n" not in str(refused.value)
    assert contents(settings) == before


def test_b3_beside_a_server_or_a_command_nothing_is_put_back(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    back_up(settings, target)
    before = contents(settings)
    lock = DirectoryLock.take(Path(settings.data), "serve")
    with pytest.raises(DirectoryInUse, match="serve"):
        restore(settings, target)
    lock.release()
    with sharing(Path(settings.data)), pytest.raises(DirectoryInUse):
        restore(settings, target)
    assert contents(settings) == before


@pytest.mark.parametrize("step", ["copy_at_rest", "prove_keys", "empty_log", "_keep", "sync_directory"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=repr)
def test_b5_a_restore_that_is_interrupted_leaves_a_whole_database(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: BaseException,
) -> None:
    database, target = file_of(settings).path, tmp_path / "backup.db"
    back_up(settings, target)
    change(database, "UPDATE properties SET value = 'second' WHERE name = 'word'")

    def interrupted(*_arguments: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(backups if hasattr(backups, step) else sqlite_database, step, interrupted)
        with pytest.raises((KeyboardInterrupt, BackupError, OSError)):
            restore(settings, target)
    assert word_in(database) == "second"
    assert not list(Path(settings.data).glob("*restoring*"))
    restore(settings, target)
    assert word_in(database) == "first"


def test_b5_backups_have_a_place_to_go(settings: Settings, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for target, words in (
        (tmp_path / "nowhere" / "x", "no directory"),
        (there, "exists already"),
        (tmp_path / "dangling", "exists already"),
        (tmp_path / "folder", "exists already"),
        (there / "x", "no directory"),
        (file_of(settings).path, "exists already"),
        (tmp_path / ("x" * 300), "File name too long"),
        (Path("/proc/x"), "cannot copy"),
    ):
        with pytest.raises(BackupError, match=words):
            back_up(settings, target)
    assert there.read_text() == "mine"
    with pytest.raises(BackupError, match="no database"):
        back_up(settings_of(tmp_path / "folder"), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_b5_a_backup_that_fails_leaves_no_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = file_of(settings).path
    with database.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 40_000)
    with pytest.raises(BackupError):
        back_up(settings, tmp_path / "backups.db")
    assert not list(tmp_path.glob("backups*"))


async def test_b5_a_backup_is_whole_while_a_server_writes(settings: Settings, tmp_path: Path) -> None:
    data = await DataDirectory.open(settings)
    await data.store.write(lambda c: write_property(c, "word", "in the log"))
    await asyncio.to_thread(back_up, settings, tmp_path / "backup.db")
    await data.store.write(lambda c: write_property(c, "word", "later"))
    assert word_in(tmp_path / "backup.db") == "in the log"
    await data.close()


async def test_b5_a_backup_opens_on_a_new_machine_with_its_key(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    back_up(settings, target)
    fresh = settings_of(tmp_path / "fresh")
    with pytest.raises(BackupError, match="no data directory"):
        await asyncio.to_thread(restore, fresh, target)
    (tmp_path / "fresh").mkdir()
    with pytest.raises(BackupError, match="cannot read the master key"):
        await asyncio.to_thread(restore, fresh, target)
    shutil.copytree(Path(settings.data) / "vault", tmp_path / "fresh" / "vault")
    assert await asyncio.to_thread(restore, fresh, target) is None
    data = await DataDirectory.open(fresh)
    assert await data.store.read(lambda c: read_property(c, "word")) == "first"
    await data.close()


def test_b5_a_backup_on_a_medium_that_is_read_only(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "medium"
    folder.mkdir()
    back_up(settings, folder / "backup.db")
    before = sorted(path.name for path in folder.iterdir())
    restore(settings, folder / "backup.db")
    assert sorted(path.name for path in folder.iterdir()) == before == ["backup.db"]


def test_b5_a_copy_of_files_with_their_log_is_a_backup(settings: Settings, tmp_path: Path) -> None:
    """Somebody copied the files of a killed server instead."""
    database, copied = file_of(settings).path, tmp_path / "copied"
    write_and_die(database)
    shutil.copytree(settings.data, copied)
    restore(settings, copied / "veldnet.db")
    assert word_in(database, "frame 19") == "here"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (b"", "is empty"),
        (b"not a database at all, but long enough to be one" * 100, "not a database"),
    ],
)
async def test_b8_a_file_that_is_no_database_is_said(settings: Settings, spoil: bytes, words: str) -> None:
    file_of(settings).path.write_bytes(spoil)
    with pytest.raises(DataDirectoryError, match=words) as refused:
        await DataDirectory.open(settings, create=True)
    assert "\n" not in str(refused.value) and "sqlalche" not in str(refused.value)
    assert file_of(settings).path.read_bytes() == spoil


async def test_b8_a_database_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    change(file_of(settings).path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DataDirectoryError, match=f"9999.*newest is {HEAD}"):
        await DataDirectory.open(settings)
    assert not list(Path(settings.data).glob("*.backup"))


async def test_b8_an_upgrade_waits_for_no_server(settings: Settings) -> None:
    """A command of a new version must not change the schema under a server of the old one."""
    change(file_of(settings).path, "UPDATE alembic_version SET version_num = '0001'")
    lock = DirectoryLock.take(Path(settings.data), "serve")
    with pytest.raises(DirectoryInUse):
        await DataDirectory.open(settings, vaults=False)
    lock.release()
