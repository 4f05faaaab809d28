"""The index of names in PostgreSQL: the trigrams of each name and DevEUI as a text-search vector, with what
every server has. The extension pg_trgm finds nothing by two characters, and not everybody may create it.
Those of DevEUIs are marked, so that a few digits, which nearly every DevEUI has, are found in names.

Triggers keep it, in the same transaction: with several writers nobody could say which devices are still to
come.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, MetaData, Table, bindparam, cast, select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.sql.selectable import Select

# Text in the collation of names: in another one `lower` folds more than the comparison does.
_TRIGRAMS = """
CREATE FUNCTION veldnet_trigrams(name text, eui text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_agg(mark || substr(padded, at, 3)))
    FROM (VALUES ('', lower(name COLLATE "C") || E'\\x01\\x01'),
        (E'\\x02', lower(eui COLLATE "C") || E'\\x01\\x01'))
        AS texts (mark, padded), generate_series(1, length(padded) - 2) AS at
$$
"""
_PUT = """
CREATE FUNCTION veldnet_put_names() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO device_names (ref, trigrams) SELECT ref, veldnet_trigrams(name, dev_eui) FROM new_devices;
    RETURN NULL;
END $$
"""
_CHANGE = """
CREATE FUNCTION veldnet_change_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE device_names SET trigrams = veldnet_trigrams(NEW.name, NEW.dev_eui) WHERE ref = NEW.ref;
    RETURN NULL;
END $$
"""
STATEMENTS = (
    _TRIGRAMS,
    "CREATE TABLE device_names (ref bigint PRIMARY KEY REFERENCES devices ON DELETE CASCADE, "
    "trigrams tsvector NOT NULL)",
    # What is not yet in its place is read by every search, so there is never much of it.
    "CREATE INDEX ix_device_names_trigrams ON device_names USING gin (trigrams) "
    "WITH (gin_pending_list_limit = 512)",
    _PUT,
    _CHANGE,
    "CREATE TRIGGER device_names_put AFTER INSERT ON devices REFERENCING NEW TABLE AS new_devices "
    "FOR EACH STATEMENT EXECUTE FUNCTION veldnet_put_names()",
    "CREATE TRIGGER device_names_changed AFTER UPDATE OF name, dev_eui ON devices FOR EACH ROW "
    "WHEN (OLD.name <> NEW.name OR OLD.dev_eui <> NEW.dev_eui) EXECUTE FUNCTION veldnet_change_name()",
)

_names = Table("device_names", MetaData(), Column("ref", BigInteger), Column("trigrams", TSVECTOR))
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


_EUI = "\x02"
_HEXADECIMAL = frozenset("0123456789abcdef")


def _lexemes(word: str, mark: str, most: int) -> str:
    """What the vector of a text with the word holds, as a query says that."""
    if len(word) < 3:
        return _quoted(mark + word) + ":*"
    found = dict.fromkeys(_quoted(mark + word[start : start + 3]) for start in range(len(word) - 2))
    return " & ".join([*found][:most])


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def matching(ways: Sequence[Sequence[str]], most: int, *, euis: bool) -> Select[tuple[int]] | None:
    """The refs of devices in whose names, or DevEUIs where these count, all words of one of the ways may
    stand; None where a way has none by which they could be found."""
    queries = []
    for words in ways:
        places = []
        for word in filter(None, words):
            folded = word.translate(_LOWER)
            place = f"({_lexemes(folded, '', most)})"
            if euis and _HEXADECIMAL.issuperset(folded):
                place = f"({place} | ({_lexemes(folded, _EUI, most)}))"
            places.append(place)
        if not places:
            return None
        queries.append(" & ".join(places))
    wanted = cast(bindparam(None, " | ".join(f"({query})" for query in queries)), TSQUERY)
    return select(_names.c.ref).where(_names.c.trigrams.bool_op("@@")(wanted))
