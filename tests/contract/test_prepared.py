"""Prepared statements do what SQLAlchemy does with them, over both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import StatementError

from tests import postgresql
from veldnet.store import Prepared, insert_new, migrate, sqlite_engine
from veldnet.store.schema import operators, routing_profiles, subscribers, users

NAMES = ["Ångström", "", "x' OR 1=1", "z"]


@pytest.fixture(params=("sqlite", "postgresql"))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with ExitStack() as held:
        if request.param == "sqlite":
            opened = sqlite_engine(tmp_path / "prepared.db", durable=False)
            migrate(opened, tmp_path / "prepared.db")
        else:
            opened = postgresql.open_store(held.enter_context(postgresql.database())).engine
        held.callback(opened.dispose)
        yield opened


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """To a database with an operator of each name, a subscriber and two routing profiles, one a dummy."""
    with engine.begin() as opened:
        rows = [{"code": f"o{number}", "name": name} for number, name in enumerate(NAMES)]
        Prepared(insert(operators)).write(opened, rows)
        Prepared(insert(subscribers)).write(
            opened, [{"operator_ref": 1, "customer_id": "100000001", "name": "x"}]
        )
        for dummy in (False, True):
            row = {"subscriber_ref": 1, "name": str(dummy), "is_default": not dummy, "is_dummy": dummy}
            Prepared(insert(routing_profiles)).write(opened, [row])
        yield opened


def same(connection: Connection, statement: Any, **values: Any) -> list[Any]:
    """What both find, and under the same names."""
    expected = connection.execute(statement, values).all()
    prepared = Prepared(statement)
    # Compiled, and found again.
    for _time in range(2):
        found = prepared.rows(connection, values)
        assert [tuple(row) for row in found] == [tuple(row) for row in expected]
        assert [[type(value) for value in row] for row in found] == [
            [type(value) for value in row] for row in expected
        ]
        assert [row._fields for row in found] == [row._fields for row in expected]
        first = prepared.first(connection, values)
        assert (None if first is None else tuple(first)) == (tuple(expected[0]) if expected else None)
        assert prepared.scalar(connection, values) == (expected[0][0] if expected else None)
        assert [tuple(row) for row in prepared.columns(connection, values)] == list(map(tuple, expected))
    return [tuple(row) for row in expected]


@pytest.mark.parametrize(
    "wanted",
    [[], NAMES[:1], NAMES[:3], [*NAMES, "a", "b", "c"], [*NAMES, *map(str, range(96))], NAMES * 200],
    ids=len,
)
def test_lists_of_every_length(connection: Connection, wanted: list[str]) -> None:
    wanted_names: Any = bindparam("names", expanding=True)
    query = select(operators.c.ref, operators.c.name).where(operators.c.name.in_(wanted_names))
    assert len(same(connection, query.order_by(operators.c.ref), names=wanted)) == min(len(wanted), 4)
    twice = union_all(query.where(operators.c.ref > bindparam("above")), query)
    assert len(same(connection, twice, names=wanted, above=10)) == min(len(wanted), 4)


def test_one_statement_takes_lists_of_different_lengths_by_turns(connection: Connection) -> None:
    wanted: Any = bindparam("names", expanding=True)
    prepared = Prepared(select(operators.c.ref).where(operators.c.name.in_(wanted)).order_by(operators.c.ref))
    for count in (2, 1, 0, 4, 2, 1):
        found = [row.ref for row in prepared.rows(connection, {"names": NAMES[:count]})]
        assert found == list(range(1, count + 1))


def test_truths_numbers_and_what_the_statement_has_by_itself(connection: Connection) -> None:
    columns = routing_profiles.c
    rows = same(
        connection,
        select(columns.name, columns.is_dummy, literal(7).label("seven"), (columns.ref + 1).label("more"))
        .where(columns.is_dummy == bindparam("dummy"), columns.is_default == False, columns.name != "")  # noqa: E712
        .limit(bindparam("most")),
        dummy=True,
        most=5,
    )
    assert rows == [("True", True, 7, 3)]
    same(
        connection,
        select(func.max(columns.ref).label("highest"), func.count().label("all")).where(
            columns.ref < bindparam("r")
        ),
        r=0,
    )


def test_what_is_written(connection: Connection) -> None:
    columns = operators.c
    rename = Prepared(
        update(operators)
        .where(columns.ref == bindparam("which"))
        .values(name=columns.name + bindparam("end"))
    )
    rename.write(connection, [{"which": 1, "end": "!"}])
    rename.write(connection, [{"which": number, "end": "?"} for number in (2, 3)])
    assert list(connection.execute(select(columns.name).order_by(columns.ref)).scalars()) == [
        "Ångström!", "?", "x' OR 1=1?", "z",
    ]  # fmt: skip
    made = Prepared(insert(operators).returning(columns.ref, columns.code))
    assert [tuple(row) for row in made.write_one(connection, {"code": "new", "name": "n"})] == [(5, "new")]
    # Other columns, by the same statement.
    assert made.write_one(connection, {"code": "again", "name": "n", "ref": 9})[0].ref == 9


def test_a_row_that_is_there_is_not_inserted(connection: Connection) -> None:
    row = {"subscriber_ref": 1, "username": "anna", "password_hash": "h", "display_name": "A"}
    assert insert_new(connection, users, [row], ("username",)) == {"anna": 1}
    assert insert_new(connection, users, [row], ("username",)) == {}
    other = row | {"username": "bert"}
    assert set(insert_new(connection, users, [row, other], ("username",))) == {"bert"}
    assert connection.execute(select(func.count()).select_from(users)).scalar() == 2


def test_a_value_that_is_missing_is_an_error(connection: Connection) -> None:
    query = Prepared(select(operators.c.ref).where(operators.c.name == bindparam("wanted")))
    with pytest.raises((StatementError, KeyError)):
        query.rows(connection, {"other": "x"})


def test_what_is_written_belongs_to_the_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        Prepared(insert(operators)).write(connection, [{"code": "o", "name": "x"}])
        connection.rollback()
        assert connection.execute(select(func.count()).select_from(operators)).scalar() == 0
