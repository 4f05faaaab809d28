"""What users set for themselves: preferences of the console, such as views, and their language."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import UserRef
from veldnet.store import put
from veldnet.store.schema import operator_users, preferences, users
from veldnet.texts import LANGUAGES, Language

_MOST = 32_768


def read_preferences(connection: Connection, account: str) -> bytes:
    value = connection.execute(select(preferences.c.value).where(preferences.c.account == account)).scalar()
    return (value or "{}").encode()


def write_preferences(connection: Connection, account: str, value: bytes) -> None:
    if len(value) > _MOST:
        raise BadRequest("preferences take at most {most} bytes; remove a saved view", most=_MOST)
    put(connection, preferences, {"account": account, "value": value.decode()})


def set_language(connection: Connection, user: UserRef, language: Language) -> None:
    """The language in which a user is written to, and in which the server answers the console."""
    table = operator_users if user.operator else users
    connection.execute(update(table).where(table.c.ref == user.ref).values(language=language))


def known_language(stored: str | None) -> Language | None:
    """A language as it is stored, unless there are no texts in it any more."""
    return next((language for language in LANGUAGES if language == stored), None)


def language_of_address(connection: Connection, operator_ref: int, address: str) -> Language | None:
    """The language that an operator's user with this e-mail address has chosen."""
    columns = operator_users.c
    query = select(columns.language).where(
        columns.operator_ref == operator_ref,
        func.lower(columns.email) == address.lower(),
        columns.language.is_not(None),
    )
    return known_language(connection.execute(query.limit(1)).scalar())
