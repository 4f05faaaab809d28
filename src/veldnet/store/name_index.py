"""An index of what stands within the names and DevEUIs of devices, by their trigrams: SQLite's FTS5. That of
PostgreSQL is made in `name_texts`.

Reading every name takes 100 ms among a million devices; this takes one. New devices come into it a piece at
a time, in the background: of a single one it would be the dearest part of its row, of thousands it costs next
to nothing. Those behind `_UNTIL` are looked at one by one. Names that change and devices that go away are
taken up at once, by triggers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    column,
    event,
    false,
    func,
    or_,
    select,
    table,
    text,
    union_all,
)

from .expressions import with_text
from .properties import read_property, write_property
from .schema import devices, metadata, properties
from .tag_names import name_tags

PIECE = 5_000
# The property that holds the ref of the last device in the index.
_UNTIL = "device_names_until"
# So many devices behind the end of the index are looked at; with more every name is read.
_LONGEST_TAIL = 20_000
# With more matches reading names comes to an end sooner.
_MOST_MATCHES = 20_000
_TRIGRAM = 3
# Devices that tell whether a letter is common.
_SAMPLE = 2000
# More of them narrow nothing down any more.
_MOST_TRIGRAMS = 24

# A beginning that more trigrams have narrows nothing down.
_MOST_TERMS = 64

_KNOWN = (
    "{of}.ref <= (SELECT CAST(value AS INTEGER) FROM properties "  # noqa: S608 - names of columns
    f"WHERE name = '{_UNTIL}')"
)
# Behind each text are two more characters, so that its last ones begin trigrams, too.
_TEXTS = "{of}ref, {of}name || char(1, 1), {of}dev_eui || char(1, 1)"
_PUT = f"INSERT INTO device_names (rowid, name, eui) VALUES ({_TEXTS.format(of='NEW.')});"  # noqa: S608
_TAKE = (
    "INSERT INTO device_names (device_names, rowid, name, eui) "  # noqa: S608
    f"VALUES ('delete', {_TEXTS.format(of='OLD.')});"
)
_old, _new = _KNOWN.format(of="OLD"), _KNOWN.format(of="NEW")
_STATEMENTS = (
    # Without the texts and their lengths, which are in `devices`, and without positions.
    "CREATE VIRTUAL TABLE IF NOT EXISTS device_names USING "
    "fts5(name, eui, content='', detail=none, columnsize=0, tokenize='trigram')",
    "CREATE VIRTUAL TABLE IF NOT EXISTS device_name_trigrams USING fts5vocab('device_names', 'instance')",
    f"CREATE TRIGGER IF NOT EXISTS device_names_put AFTER INSERT ON devices WHEN {_new} BEGIN {_PUT} END",
    f"CREATE TRIGGER IF NOT EXISTS device_names_changed AFTER UPDATE OF name, dev_eui ON devices "
    f"WHEN {_old} BEGIN {_TAKE} {_PUT} END",
    f"CREATE TRIGGER IF NOT EXISTS device_names_taken AFTER DELETE ON devices WHEN {_old} BEGIN {_TAKE} END",
)

# From each trigram with a beginning to the next, past the devices that have it.
_TRIGRAMS_FROM = text("""
WITH RECURSIVE found (term) AS (
  SELECT (SELECT term FROM device_name_trigrams WHERE term >= :first AND term < :behind LIMIT 1)
  UNION ALL
  SELECT (
    SELECT term FROM device_name_trigrams WHERE term >= found.term || char(1) AND term < :behind LIMIT 1
  ) FROM found WHERE term IS NOT NULL
)
SELECT term FROM found WHERE term IS NOT NULL LIMIT :most
""")

# Its hidden column of the same name is what is searched in.
_INDEX = table("device_names", column("rowid"), column("device_names"))


def create_name_index(connection: Connection) -> None:
    """Create the index; in SQLite, or leave the one that is there."""
    statements: Sequence[str] = _STATEMENTS
    if connection.dialect.name != "sqlite":
        from .name_texts import STATEMENTS as statements
    for statement in statements:
        connection.exec_driver_sql(statement)


@event.listens_for(metadata, "after_create")
def _after_create(_metadata: Any, connection: Connection, **_options: Any) -> None:
    create_name_index(connection)
    name_tags(connection)


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
            "INSERT INTO device_names (rowid, name, eui) "  # noqa: S608 - columns
            f"SELECT {_TEXTS.format(of='')} FROM devices WHERE ref > :until AND ref <= :last ORDER BY ref"
        ),
        {"until": until, "last": last},
    )
    write_property(connection, _UNTIL, str(last))
    return bool(count == most)


def _trigrams(connection: Connection, word: str) -> list[list[str]] | None:
    """Trigrams of which a text with the word has one of each list; None where that narrows nothing down."""
    if "\0" in word:
        return None
    if len(word) >= _TRIGRAM:
        return [[word[start : start + _TRIGRAM]] for start in range(len(word) - _TRIGRAM + 1)]
    # As FTS5 folds it; what other alphabets have in upper and lower case it folds by a table of its own.
    first = word.lower()
    if not all((at < "\u0100" and at != "µ") or at == at.upper() for at in first):
        return None
    known = connection.execute(
        _TRIGRAMS_FROM, {"first": first, "behind": first + "\U0010ffff", "most": _MOST_TERMS + 1}
    )
    terms = list(known.scalars())
    return [terms] if len(terms) <= _MOST_TERMS else None


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _matches(connection: Connection, ways: Sequence[Sequence[str]]) -> Select[tuple[int]] | None:
    """The refs of devices that have trigrams of all words of one of the ways; None where a way has none."""
    queries = []
    for words in ways:
        lists = [terms for word in words for terms in _trigrams(connection, word) or ()]
        if not lists:
            return None
        if all(lists):
            needed = dict.fromkeys(f"({' OR '.join(map(_quoted, terms))})" for terms in lists)
            queries.append(" AND ".join([*needed][:_MOST_TRIGRAMS]))
    if not queries:
        # No device has this one.
        return select(devices.c.ref).where(devices.c.ref == 0)
    return select(_INDEX.c.rowid).where(
        _INDEX.c.device_names.op("MATCH")(" OR ".join(f"({each})" for each in queries))
    )


def _tail(connection: Connection) -> Select[tuple[int]] | None:
    """The refs of devices that are not in the index yet; None where these are too many, or all."""
    until, newest = connection.execute(
        select(
            select(properties.c.value).where(properties.c.name == _UNTIL).scalar_subquery(),
            select(func.max(devices.c.ref)).scalar_subquery(),
        )
    ).one()
    if until is None or (newest or 0) - int(until) > _LONGEST_TAIL:
        return None
    return select(devices.c.ref).where(devices.c.ref > int(until))


def _is_common(connection: Connection, ways: Sequence[Sequence[str]], *, euis: bool) -> bool:
    """Whether one device in ten has the words of one of the ways, as far as the newest tell: then reading
    names soon finds enough of them, and the lists of the index are long."""
    newest = select(devices.c.name, devices.c.dev_eui).order_by(devices.c.ref.desc()).limit(_SAMPLE)
    columns = newest.subquery().c
    holds = or_(
        *(
            and_(
                *(
                    with_text(columns.name, word) | (with_text(columns.dev_eui, word) if euis else false())
                    for word in words
                )
            )
            for words in ways
        )
    )
    return connection.execute(select(func.count()).where(holds)).scalar_one() * 10 >= _SAMPLE


def named(connection: Connection, *ways: Sequence[str], euis: bool = True) -> ColumnElement[bool] | None:
    """A condition that holds of every device in whose name or DevEUI all the words of one of the ways stand,
    and of few others; None where reading all of them is the better way, or the only one. Without `euis` only
    names count; SQLite's index does not tell one from the other."""
    tail = None
    if connection.dialect.name == "sqlite":
        tail = _tail(connection)
        matches = None if tail is None else _matches(connection, ways)
    elif all(len(word) < _TRIGRAM for words in ways for word in words) and _is_common(
        connection, ways, euis=euis
    ):
        matches = None
    else:
        # Loaded where it is used: it brings a dialect that takes as long to load as all tables.
        from . import name_texts

        matches = name_texts.matching(ways, _MOST_TRIGRAMS, euis=euis)
    if matches is None:
        return None
    counted = select(func.count()).select_from(matches.limit(_MOST_MATCHES + 1).subquery())
    if connection.execute(counted).scalar_one() > _MOST_MATCHES:
        return None
    return devices.c.ref.in_(matches if tail is None else union_all(matches, tail))
