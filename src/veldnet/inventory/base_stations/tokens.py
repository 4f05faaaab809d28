"""Tokens by which base stations prove that they are the ones they say."""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, select

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.inventory import changes
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment
from veldnet.store.schema import base_station_tokens, base_station_updates, base_stations

# Two would do to change one for another without an interruption; more are mistakes.
MOST_TOKENS = 5
_OCTETS = 24


class StationToken(msgspec.Struct, frozen=True):
    """A token of a base station, without the token itself; `created_at` in Unix milliseconds."""

    ref: str
    created_at: int
    created_by: str


class NewToken(msgspec.Struct, frozen=True):
    """A token as it is shown once."""

    ref: str
    token: str


def digest_of(token: str) -> bytes:
    """What is stored of a token. It has 192 random bits, so that a fast digest does."""
    return hashlib.sha256(token.encode()).digest()


def key_file(token: str) -> str:
    """What Station's `tc.key` or `cups.key` holds: header lines of its requests."""
    return f"Authorization: Bearer {token}\r\n"


def issue_token(connection: Connection, base_station_ref: int, by: str) -> NewToken:
    """Give a base station a further token. Raises `BadRequest` where it has too many."""
    columns = base_station_tokens.c
    lock_row(connection, base_stations, base_station_ref)
    count = connection.execute(
        select(func.count()).where(columns.base_station_ref == base_station_ref)
    ).scalar_one()
    if count >= MOST_TOKENS:
        raise BadRequest(
            "the base station has {count} tokens; revoke one that is not used any more", count=count
        )
    token = new_token()
    return NewToken(str(insert_token(connection, base_station_ref, token, by)), token)


def new_token() -> str:
    return secrets.token_urlsafe(_OCTETS)


def insert_token(connection: Connection, base_station_ref: int, token: str, by: str) -> int:
    """Let a base station use a token from now on; returns its number."""
    done = connection.execute(
        insert(base_station_tokens).values(
            base_station_ref=base_station_ref,
            digest=digest_of(token),
            created_at=moment(connection),
            created_by=by,
        )
    )
    changes.note(connection, "base_stations", base_station_ref)
    return inserted_ref(done)


def list_tokens(connection: Connection, base_station_ref: int) -> list[StationToken]:
    """The tokens of a base station, oldest first."""
    columns = base_station_tokens.c
    rows = connection.execute(
        select(columns.ref, columns.created_at, columns.created_by)
        .where(columns.base_station_ref == base_station_ref)
        .order_by(columns.ref)
    )
    return [StationToken(str(row.ref), row.created_at, row.created_by) for row in rows]


def revoke_token(connection: Connection, base_station_ref: int, ref: str) -> None:
    """Take a token back; a connection that was made with it ends. Raises `NotFound`."""
    columns = base_station_tokens.c
    done = connection.execute(
        delete(base_station_tokens).where(
            columns.ref == ref_of(ref), columns.base_station_ref == base_station_ref
        )
    )
    if done.rowcount != 1:
        raise NotFound("BaseStationToken", ref)
    changes.note(connection, "base_stations", base_station_ref)


class KnownToken(msgspec.Struct, frozen=True):
    """Whose token it is, and the update that it was ordered by, until it has been used."""

    base_station: str
    awaited_by: int | None


def known_tokens(connection: Connection) -> dict[bytes, KnownToken]:
    """All tokens by what is stored of them."""
    updates = base_station_updates.c
    rows = connection.execute(
        select(base_station_tokens.c.digest, base_stations.c.id, updates.ref)
        .join(base_stations, base_stations.c.ref == base_station_tokens.c.base_station_ref)
        .join(
            base_station_updates,
            and_(updates.token_ref == base_station_tokens.c.ref, updates.confirmed_at.is_(None)),
            isouter=True,
        )
    )
    return {row.digest: KnownToken(row.id, row.ref) for row in rows}
