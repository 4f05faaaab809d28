"""Finds, counts and re-wraps all values sealed by a vault, a few hundred per transaction.

What is sealed says in its first octets under which master key; so work that was broken off goes on where it
was by looking for what is left. Every value is written only in place of the one that was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Select, func, literal, select, tuple_, update

from veldnet.inventory import changes
from veldnet.keys import Sealed, Vault, labels
from veldnet.keys.labels import (
    ALARM_WEBHOOK,
    AS_TRANSPORT_KEY,
    AUTHORITY_KEY,
    CONNECTION,
    SECOND_FACTOR,
    STATION_CREDENTIALS,
)
from veldnet.store import Store
from veldnet.store.schema import (
    as_transport_keys,
    authorities,
    base_station_updates,
    connections,
    devices,
    exchange_keys,
    hsm_groups,
    multicast_groups,
    notification_settings,
    routes,
    routing_profiles,
    second_factors,
)

BATCH = 200
DEFAULT = ""


# The values that name a row.
Key = tuple[int | str, ...]


class Found(msgspec.Struct, frozen=True):
    """A sealed value: where it stands, and the label it opens under."""

    key: Key
    item: Sealed


class Place(msgspec.Struct, frozen=True):
    """A column with sealed values. `key` are the columns that name a row, in whose order it is walked;
    `label` makes the label of a row; `vault` says whose a row is, None for the default vault's alone."""

    column: Column[Any]
    key: tuple[Column[Any], ...]
    label: Callable[[Any], str]
    shown: tuple[Column[Any], ...] = ()
    vault: Any = None
    group: Any = None
    kind: changes.Kind | None = None

    def query(self, vault: str, header: bytes, after: Key | None) -> Select[Any] | None:
        """Rows of a vault that another master key has sealed."""
        if self.vault is None and vault != DEFAULT:
            return None
        query = select(*self.key, *self.shown, self.column.label("sealed"))
        if self.group is not None:
            query = query.join(hsm_groups, hsm_groups.c.ref == self.group, isouter=True)
        conditions: list[ColumnElement[bool]] = [
            self.column.is_not(None),
            func.substr(self.column, 1, len(header)) != literal(header),
        ]
        if self.vault is not None:
            conditions.append(self.vault == vault)
        if after is not None:
            conditions.append(_behind(self.key, after))
        return query.where(*conditions).order_by(*self.key)

    def read(
        self, connection: Connection, vault: str, header: bytes, after: Key | None, limit: int
    ) -> list[Found]:
        query = self.query(vault, header, after)
        if query is None:
            return []
        width = len(self.key)
        return [
            Found(tuple(row)[:width], Sealed(self.label(row), row.sealed))
            for row in connection.execute(query.limit(limit))
        ]

    def write(self, connection: Connection, found: Found, sealed: bytes) -> None:
        matching = [column == value for column, value in zip(self.key, found.key, strict=True)]
        done = connection.execute(
            update(self.column.table)
            .where(*matching, self.column == found.item.octets)
            .values({self.column.name: sealed})
        )
        if done.rowcount and self.kind is not None:
            changes.note(connection, self.kind, int(found.key[0]))


def _behind(columns: Sequence[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    return tuple_(*columns) > tuple_(*(literal(value) for value in values))


def _mc_key_label(row: Any) -> str:
    """Of an HSM group no one but its vault opens the McKey."""
    label = labels.mc_key(row.dev_eui)
    return labels.secret(label) if row.hsm_group_ref is None else label


_OF_GROUP = func.coalesce(hsm_groups.c.vault, "")

PLACES: tuple[Place, ...] = (
    Place(
        devices.c.sealed_app_key,
        (devices.c.ref,),
        lambda row: labels.app_key(row.dev_eui),
        (devices.c.dev_eui,),
        _OF_GROUP,
        devices.c.hsm_group_ref,
        "device_keys",
    ),
    Place(
        devices.c.sealed_nwk_key,
        (devices.c.ref,),
        lambda row: labels.nwk_key(row.dev_eui),
        (devices.c.dev_eui,),
        _OF_GROUP,
        devices.c.hsm_group_ref,
        "device_keys",
    ),
    Place(
        devices.c.sealed_gen_app_key,
        (devices.c.ref,),
        lambda row: labels.gen_app_key(row.dev_eui),
        (devices.c.dev_eui,),
        _OF_GROUP,
        devices.c.hsm_group_ref,
    ),
    Place(
        as_transport_keys.c.sealed,
        (as_transport_keys.c.routing_profile_ref, as_transport_keys.c.vault),
        lambda _row: AS_TRANSPORT_KEY,
        (),
        as_transport_keys.c.vault,
        None,
        "routing",
    ),
    Place(
        multicast_groups.c.sealed_keys,
        (multicast_groups.c.ref,),
        lambda row: labels.secret(labels.group_keys(row.dev_eui)),
        (multicast_groups.c.dev_eui,),
    ),
    Place(
        multicast_groups.c.sealed_mc_key,
        (multicast_groups.c.ref,),
        _mc_key_label,
        (multicast_groups.c.dev_eui, multicast_groups.c.hsm_group_ref),
        _OF_GROUP,
        multicast_groups.c.hsm_group_ref,
    ),
    Place(
        exchange_keys.c.sealed,
        (exchange_keys.c.ref,),
        lambda row: labels.EXCHANGE_KEY if row.form == "RSA" else labels.TRANSPORT_KEY,
        (exchange_keys.c.form,),
        exchange_keys.c.vault,
    ),
    Place(
        routes.c.sealed_as_key,
        (routes.c.routing_profile_ref, routes.c.position),
        lambda row: labels.secret(labels.tunnel_key(row.as_id)),
        (routes.c.as_id,),
    ),
    Place(
        routing_profiles.c.sealed_headers,
        (routing_profiles.c.ref,),
        lambda _row: labels.secret(labels.ROUTING_HEADERS),
    ),
    Place(
        notification_settings.c.sealed_secret,
        (notification_settings.c.scope, notification_settings.c.scope_ref),
        lambda _row: labels.secret(ALARM_WEBHOOK),
    ),
    Place(
        second_factors.c.sealed_secret,
        (second_factors.c.ref,),
        lambda _row: labels.secret(SECOND_FACTOR),
    ),
    Place(
        base_station_updates.c.sealed,
        (base_station_updates.c.ref,),
        lambda _row: labels.secret(STATION_CREDENTIALS),
    ),
    Place(
        authorities.c.sealed_key,
        (authorities.c.ref,),
        lambda _row: labels.secret(AUTHORITY_KEY),
    ),
    Place(
        connections.c.sealed_secrets,
        (connections.c.ref,),
        lambda _row: labels.secret(CONNECTION),
        kind="connection",
    ),
)


def count_stale(connection: Connection, vault: str, header: bytes) -> int:
    """How many values of a vault do not begin with `header`."""
    total = 0
    for place in PLACES:
        query = place.query(vault, header, None)
        if query is not None:
            total += connection.execute(
                select(func.count()).select_from(query.order_by(None).subquery())
            ).scalar_one()
    return total


class Pace(NamedTuple):
    """Values at a time, and seconds between batches, for others to have the vault."""

    batch: int = BATCH
    pause: float = 0.0


async def reseal_all(
    store: Store,
    vault: Vault,
    name: str,
    header: bytes,
    progress: Callable[[int], None] = lambda _done: None,
    pace: Pace = Pace(),  # noqa: B008 - a value
) -> tuple[int, int]:
    """Re-wrap values that do not begin with `header`; returns how many were, and how many do not open."""
    done = failed = 0
    for place in PLACES:
        after: Key | None = None
        while found := await store.read(
            partial(place.read, vault=name, header=header, after=after, limit=pace.batch)
        ):
            after = found[-1].key
            resealed = await vault.reseal([each.item for each in found])

            await store.write(partial(_write, place, found, resealed))
            failed += resealed.count(None)
            done += len(resealed) - resealed.count(None)
            progress(done)
            await asyncio.sleep(pace.pause)
    return done, failed


def _write(
    place: Place, found: Sequence[Found], resealed: Sequence[bytes | None], connection: Connection
) -> None:
    for each, sealed in zip(found, resealed, strict=True):
        if sealed is not None:
            place.write(connection, each, sealed)
