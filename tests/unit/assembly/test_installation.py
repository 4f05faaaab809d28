"""Who creates a data directory, and what is refused because something of it is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from veldnet.assembly.data_directory.directory import (
    DataDirectory,
    DataDirectoryError,
    expect_database,
    file_of,
)
from veldnet.cli.exits import Exit
from veldnet.cli.main import app
from veldnet.settings import Settings, load_settings


def settings_of(data: Path) -> Settings:
    return load_settings({"data": str(data), "keys.process": False}, file=None)


async def create(settings: Settings) -> None:
    await (await DataDirectory.open(settings, create=True)).close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "data")


async def test_b7_nothing_is_made_where_nobody_said_so(settings: Settings) -> None:
    with pytest.raises(DataDirectoryError, match=r"no installation in .*/data .*veldnet init"):
        await DataDirectory.open(settings)
    assert not Path(settings.data).exists()


@pytest.mark.parametrize("lost", ["missing", "empty"])
async def test_b7_a_key_without_its_database_is_refused_unless_told(settings: Settings, lost: str) -> None:
    await create(settings)
    database = file_of(settings).path
    database.unlink()
    if lost == "empty":
        database.touch()
    before = sorted(path.name for path in Path(settings.data).iterdir())
    for made in (True, False):
        with pytest.raises(DataDirectoryError, match="admin restore"):
            await DataDirectory.open(settings, create=made)
    assert sorted(path.name for path in Path(settings.data).iterdir()) == before
    database.unlink(missing_ok=True)
    key = (Path(settings.data) / "vault" / "master.key").read_bytes()
    expect_database(settings)
    await create(settings)
    assert (Path(settings.data) / "vault" / "master.key").read_bytes() == key


async def test_b7_a_key_elsewhere_without_its_database_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "keys" / "master.key"
    settings = load_settings(
        {"data": str(tmp_path / "data"), "keys.process": False, "keys.master_key": str(key)}, file=None
    )
    await create(settings)
    shutil.rmtree(settings.data)
    with pytest.raises(DataDirectoryError, match=r"no .*veldnet\.db"):
        await create(settings)


async def test_b7_a_database_without_its_key_is_refused(settings: Settings) -> None:
    await create(settings)
    shutil.rmtree(Path(settings.data) / "vault")
    with pytest.raises(DataDirectoryError, match="cannot read the master key"):
        await DataDirectory.open(settings, create=True)
    assert not (Path(settings.data) / "vault").exists()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00 half of a page"])
async def test_b7_a_creation_that_was_interrupted_is_taken_up(settings: Settings, content: bytes) -> None:
    """The key was there already, the database had no name yet."""
    await create(settings)
    file_of(settings).path.rename(Path(settings.data) / "veldnet.db.new")
    (Path(settings.data) / "veldnet.db.new").write_bytes(content)
    (Path(settings.data) / "veldnet.db.new-wal").write_bytes(b"log of it")
    await create(settings)
    assert sorted(path.name for path in Path(settings.data).iterdir()) == [
        "vault",
        "veldnet.db",
        "veldnet.lock",
    ]


async def test_b7_a_database_that_vanishes_is_noticed(settings: Settings) -> None:
    opened = await DataDirectory.open(settings, create=True)
    assert opened.problem is None
    away = file_of(settings).path.rename(file_of(settings).path.with_name("away"))
    assert opened.problem is not None and "has gone" in opened.problem
    shutil.copy(away, file_of(settings).path)
    assert opened.problem is not None and "has been replaced" in opened.problem
    away.rename(file_of(settings).path)
    assert opened.problem is None
    await opened.close()


_CREATORS = {
    ("init",),
    ("serve",),
    ("sandbox",),
    ("demo",),
    ("admin", "operator-create"),
    ("admin", "operator", "create"),
}
# What the arguments of commands must look like for them to be taken.
_VALUES = {"eui": "0011223344556677", "dev_eui": "0011223344556677", "customer_id": "123456789"}


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _arguments(command: Any, folder: Path) -> list[str]:
    """What a command must have, with a value that it takes."""
    words: list[str] = []
    for parameter in command.params:
        if not parameter.required:
            continue
        name = str(parameter.name)
        value = _VALUES.get(name, "5")
        if name in ("backup", "source"):
            value = str(folder / "password")
        words += [parameter.opts[0], value] if parameter.opts[0].startswith("-") else [value]
    names = {str(parameter.name) for parameter in command.params}
    if "password_file" in names:
        words += ["--password-file", str(folder / "password")]
    return words


def test_b7_every_other_command_refuses_a_folder_without_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VELDNET_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text("a password that is long")
    tried = []
    for path, command in _commands(typer.main.get_command(app)):
        if path[0] != "admin" or path in _CREATORS:
            continue
        result = CliRunner().invoke(app, [*path, *_arguments(command, tmp_path)])
        assert not (tmp_path / "data").exists(), f"{path} made something"
        assert isinstance(result.exception, SystemExit | None), (path, result.exception)
        tried.append((path, result.exit_code))
    assert len(tried) > 30
    assert sum(code == Exit.DATA_DIRECTORY for _path, code in tried) > 15, tried
