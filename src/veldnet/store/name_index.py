"""An index of what stands within the names and DevEUIs of devices, by their trigrams: SQLite's FTS5.

Reading every name takes 100 ms among a million devices; this takes one. New devices come into it a piece at
a time, in the background: of a single one it would be the dearest part of its row, of thousands it costs next
to nothing. Those behind `_UNTIL` are looked at one by one. Names that change and devices that go away are
taken up at once, by triggers. Other engines have no such index here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, column, event, func, select, table, text, union_all

from .properties import read_property, write_property
from .schema import devices, metadata, properties

PIECE = 5_000
# The property that holds the ref of the last device in the index.
_UNTIL = "device_names_until"
# So many devices behind the end of the index are looked at; with more every name is read.
_LONGEST_TAIL = 20_000
# With more matches reading names comes to an end sooner.
_MOST_MATCHES = 20_000
_TRIGRAM = 3
# More of them narrow nothing down any more.
_MOST_TRIGRAMS = 24

_KNOWN = (
    "{of}.ref <= (SELECT CAST(value AS INTEGER) FROM properties "  # noqa: S608 - names of columns
    f"WHERE name = '{_UNTIL}')"
)
_PUT = "INSERT INTO device_names (rowid, name, eui) VALUES (NEW.ref, NEW.name, NEW.dev_eui);"
_TAKE = (
    "INSERT INTO device_names (device_names, rowid, name, eui) "
    "VALUES ('delete', OLD.ref, OLD.name, OLD.dev_eui);"
)
_old, _new = _KNOWN.format(of="OLD"), _KNOWN.format(of="NEW")
_STATEMENTS = (
    # Without the texts and their lengths, which are in `devices`, and without positions.
    "CREATE VIRTUAL TABLE IF NOT EXISTS device_names USING "
    "fts5(name, eui, content='', detail=none, columnsize=0, tokenize='trigram')",
    f"CREATE TRIGGER IF NOT EXISTS device_names_put AFTER INSERT ON devices WHEN {_new} BEGIN {_PUT} END",
    f"CREATE TRIGGER IF NOT EXISTS device_names_changed AFTER UPDATE OF name, dev_eui ON devices "
    f"WHEN {_old} BEGIN {_TAKE} {_PUT} END",
    f"CREATE TRIGGER IF NOT EXISTS device_names_taken AFTER DELETE ON devices WHEN {_old} BEGIN {_TAKE} END",
)

# Its hidden column of the same name is what is searched in.
_INDEX = table("device_names", column("rowid"), column("device_names"))


def create_name_index(connection: Connection) -> None:
    """Create the index, or leave the one that is there."""
    if connection.dialect.name == "sqlite":
        for statement in _STATEMENTS:
            connection.exec_driver_sql(statement)


@event.listens_for(metadata, "after_create")
def _after_create(_metadata: Any, connection: Connection, **_options: Any) -> None:
    create_name_index(connection)


def index_names(connection: Connection, most: int = PIECE) -> bool:
    """Take the next devices into the index; True if there may be more of them."""
    if connection.dialect.name != "sqlite":
        return False
    until = int(read_property(connection, _UNTIL) or 0)
    behind = select(devices.c.ref).where(devices.c.ref > until).order_by(devices.c.ref).limit(most).subquery()
    last, count = connection.execute(select(func.max(behind.c.ref), func.count()).select_from(behind)).one()
    if not count:
        return False
    connection.execute(
        text(
            "INSERT INTO device_names (rowid, name, eui) "
            "SELECT ref, name, dev_eui FROM devices WHERE ref > :until AND ref <= :last ORDER BY ref"
        ),
        {"until": until, "last": last},
    )
    write_property(connection, _UNTIL, str(last))
    return bool(count == most)


def _query(ways: Sequence[Sequence[str]]) -> str | None:
    """What FTS5 is asked for: all trigrams of the words of one of the ways. None where a way has none."""
    queries = []
    for words in ways:
        trigrams = [
            word[start : start + _TRIGRAM]
            for word in words
            if "\0" not in word
            for start in range(len(word) - _TRIGRAM + 1)
        ]
        if not trigrams:
            return None
        quoted = ['"' + each.replace('"', '""') + '"' for each in dict.fromkeys(trigrams)]
        queries.append(f"({' AND '.join(quoted[:_MOST_TRIGRAMS])})")
    return " OR ".join(queries)


def named(connection: Connection, *ways: Sequence[str]) -> ColumnElement[bool] | None:
    """A condition that holds of every device in whose name or DevEUI all the words of one of the ways stand,
    and of few others; None where reading all of them is the better way, or the only one."""
    query = _query(ways)
    if connection.dialect.name != "sqlite" or query is None:
        return None
    until, newest = connection.execute(
        select(
            select(properties.c.value).where(properties.c.name == _UNTIL).scalar_subquery(),
            select(func.max(devices.c.ref)).scalar_subquery(),
        )
    ).one()
    if until is None or (newest or 0) - int(until) > _LONGEST_TAIL:
        return None
    matches = select(_INDEX.c.rowid).where(_INDEX.c.device_names.op("MATCH")(query))
    counted = select(func.count()).select_from(matches.limit(_MOST_MATCHES + 1).subquery())
    if connection.execute(counted).scalar_one() > _MOST_MATCHES:
        return None
    return devices.c.ref.in_(union_all(matches, select(devices.c.ref).where(devices.c.ref > int(until))))
