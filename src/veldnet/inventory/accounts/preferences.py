"""Console preferences of a user: views, language."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from veldnet.domain.errors import BadRequest
from veldnet.store.schema import preferences

_MOST = 32_768


def read_preferences(connection: Connection, account: str) -> bytes:
    value = connection.execute(select(preferences.c.value).where(preferences.c.account == account)).scalar()
    return (value or "{}").encode()


def write_preferences(connection: Connection, account: str, value: bytes) -> None:
    if len(value) > _MOST:
        raise BadRequest(f"preferences take at most {_MOST} bytes; remove a saved view")
    connection.execute(delete(preferences).where(preferences.c.account == account))
    connection.execute(insert(preferences).values(account=account, value=value.decode()))
