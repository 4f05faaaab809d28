"""A version whose nodes may start beside those of an earlier revision has all that these read and write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Engine, Integer, MetaData, Table, inspect

from veldnet.store import SqliteStore
from veldnet.store.alembic_chain import served_on, upgrade
from veldnet.store.migrating import HEAD

_Columns = dict[str, Any]


def not_in_two_steps(before: Engine, after: Engine) -> list[str]:
    """What programs of the tables before would miss after, and what they would not fill."""
    old, new = inspect(before), inspect(after)
    found = [f"table {name} is gone" for name in set(old.get_table_names()) - set(new.get_table_names())]
    for table in sorted(set(old.get_table_names()) & set(new.get_table_names())):
        columns: _Columns = {each["name"]: each for each in old.get_columns(table)}
        found += _of_columns(table, columns, {each["name"]: each for each in new.get_columns(table)})
        if (
            old.get_pk_constraint(table)["constrained_columns"]
            != (new.get_pk_constraint(table)["constrained_columns"])
        ):
            found.append(f"{table} has another key")
        keys = _unique(old.get_indexes(table)) | _unique(old.get_unique_constraints(table))
        added = (_unique(new.get_indexes(table)) | _unique(new.get_unique_constraints(table))) - keys
        found += [f"{table} has to be unique by {', '.join(key)}" for key in sorted(added)]
    return found


def _of_columns(table: str, old: _Columns, new: _Columns) -> Iterable[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if after is None:
            yield f"{table}.{name} is gone"
        elif before is None:
            if not after["nullable"] and after["default"] is None:
                yield f"{table}.{name} has to be filled"
        elif str(before["type"]) != str(after["type"]):
            yield f"{table}.{name} is of another type"
        elif before["nullable"] and not after["nullable"]:
            yield f"{table}.{name} has to be filled"


def _unique(indexes: Iterable[Any]) -> set[tuple[str, ...]]:
    return {tuple(each["column_names"]) for each in indexes if each.get("unique", True)}


def _at(path: Path, revision: str) -> Engine:
    engine = SqliteStore(path, inline=True).engine
    upgrade(engine, revision)
    return engine


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_nodes_of_earlier_revisions_go_on_with_the_tables_of_this_version(tmp_path: Path) -> None:
    after = _at(tmp_path / "after.db", HEAD)
    for revision in sorted(served_on()):
        before = _at(tmp_path / f"{revision}.db", revision)
        assert not_in_two_steps(before, after) == [], revision
        before.dispose()
    after.dispose()


def _tables(path: Path) -> Engine:
    engine = SqliteStore(path, inline=True).engine
    metadata = MetaData()
    columns = (Column("ref", BigInteger, primary_key=True), Column("kept", Integer), Column("old", Integer))
    Table("things", metadata, *columns)
    Table("others", metadata, Column("ref", BigInteger, primary_key=True))
    metadata.create_all(engine)
    return engine


def test_what_the_first_step_may_not_do_is_found(tmp_path: Path) -> None:
    before, added, dropped = (_tables(tmp_path / f"{name}.db") for name in ("before", "added", "dropped"))
    with added.begin() as connection:
        change = Operations(MigrationContext.configure(connection))
        change.add_column("things", Column("new", Integer, nullable=True))
        change.add_column("things", Column("flag", Integer, nullable=False, server_default="0"))
        change.create_table("more", Column("ref", BigInteger, primary_key=True))
        change.create_index("ix_things_kept", "things", ["kept"])
    assert not_in_two_steps(before, added) == []
    # The second step, on tables that nodes of the first version no longer use, and what is never two steps.
    assert not_in_two_steps(added, before) == [
        "table more is gone",
        "things.flag is gone",
        "things.new is gone",
    ]
    with dropped.begin() as connection:
        change = Operations(MigrationContext.configure(connection))
        change.drop_table("others")
        with change.batch_alter_table("things") as things:
            things.drop_column("old")
            things.alter_column("kept", nullable=False)
        change.create_index("ux_things_kept", "things", ["kept"], unique=True)
    assert not_in_two_steps(before, dropped) == [
        "table others is gone",
        "things.kept has to be filled",
        "things.old is gone",
        "things has to be unique by kept",
    ]
    for engine in (before, added, dropped):
        engine.dispose()
