"""Headers of the requests to the application servers of a routing profile. Names are shown, values are sealed
and never returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select, update

from veldnet.domain.scope import Scope
from veldnet.inventory.http_headers import check_headers
from veldnet.keys import Vaults, labels
from veldnet.store.schema import routing_profiles

_NAMES = msgspec.json.Decoder(list[str])
_VALUES = msgspec.json.Decoder(dict[str, str])


class SealedHeaders(msgspec.Struct, frozen=True):
    """Names, and the sealed names with their values; no headers where there is nothing sealed."""

    names: Sequence[str] = ()
    sealed: bytes | None = None


async def seal_headers(vaults: Vaults, headers: Mapping[str, str], member: str = "headers") -> SealedHeaders:
    """Raises `InvalidField` that begins with the name of the member."""
    check_headers(headers, member)
    if not headers:
        return SealedHeaders()
    sealed = await vaults.seal(labels.ROUTING_HEADERS, msgspec.json.encode(headers))
    return SealedHeaders(tuple(headers), sealed)


async def open_headers(vaults: Vaults, sealed: bytes | None) -> dict[str, str]:
    """Raises `VaultError`."""
    if sealed is None:
        return {}
    return _VALUES.decode(await vaults.unseal(labels.ROUTING_HEADERS, sealed))


def write_headers(connection: Connection, ref: int, headers: SealedHeaders) -> None:
    names = msgspec.json.encode(headers.names).decode()
    connection.execute(
        update(routing_profiles)
        .where(routing_profiles.c.ref == ref)
        .values(header_names=names, sealed_headers=headers.sealed)
    )


def header_names(connection: Connection, scope: Scope) -> dict[int, list[str]]:
    """By the refs of the subscriber's routing profiles that have some."""
    query = select(routing_profiles.c.ref, routing_profiles.c.header_names).where(
        routing_profiles.c.subscriber_ref == scope.subscriber_ref,
        routing_profiles.c.sealed_headers.is_not(None),
    )
    return {row.ref: _NAMES.decode(row.header_names) for row in connection.execute(query)}


def sealed_headers(connection: Connection, scope: Scope, ref: int) -> bytes | None:
    query = select(routing_profiles.c.sealed_headers).where(
        routing_profiles.c.subscriber_ref == scope.subscriber_ref, routing_profiles.c.ref == ref
    )
    found: bytes | None = connection.execute(query).scalar()
    return found
