"""Opens the data directory for commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from tests.installation import sandbox
from veldnet.cli.exits import Exit
from veldnet.cli.running import administrator, change_data, with_data
from veldnet.domain.errors import InvalidField
from veldnet.settings import Settings, load_settings
from veldnet.store import read_property, write_property
from veldnet.store.schema import audit


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    sandbox(tmp_path / "data")
    return load_settings({"data": str(tmp_path / "data")}, environment={})


def noted(settings: Settings) -> list[tuple[str, str]]:
    query = select(audit.c.actor, audit.c.action)
    return with_data(settings, lambda data: data.store.read(lambda c: [tuple(r) for r in c.execute(query)]))


def test_a_change_is_written_together_with_who_made_it(settings: Settings) -> None:
    change_data(settings, "thing.made", "thing 1", lambda c: write_property(c, "thing", "1"))
    assert with_data(settings, lambda d: d.store.read(lambda c: read_property(c, "thing"))) == "1"
    assert (administrator(), "thing.made") in noted(settings)


def test_a_refused_change_leaves_nothing_and_ends_the_command(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(connection: Connection) -> None:
        write_property(connection, "thing", "1")
        raise InvalidField("name must not be empty")

    with pytest.raises(SystemExit) as ended:
        change_data(settings, "thing.made", "thing 1", refused)
    assert ended.value.code == Exit.FAILED
    assert "name must not be empty" in capsys.readouterr().err
    assert with_data(settings, lambda d: d.store.read(lambda c: read_property(c, "thing"))) is None
    assert "thing.made" not in [action for _actor, action in noted(settings)]


def test_without_an_installation_a_command_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings({"data": str(tmp_path / "none")}, environment={})
    with pytest.raises(SystemExit) as ended:
        with_data(settings, lambda data: data.generation())
    assert ended.value.code == Exit.DATA_DIRECTORY
    assert "there is no installation" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
