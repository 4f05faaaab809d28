"""Imports of devices: what each created, so that it can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.devices import SHADOW
from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.devices import delete_device
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment
from veldnet.store.schema import devices, imported_devices, imported_things, imports, subscribers

_KEPT = 100
_NOTE = insert(imported_devices)


class Thing(NamedTuple):
    """Something beside devices that an import made: its kind, and how it is found."""

    kind: str
    id: str


class Import(msgspec.Struct):
    """An import; `devices` counts those it created and that are still there."""

    ref: str
    name: str
    creationTime: str
    createdBy: str
    devices: int
    undoneTime: str | None


def begin_import(connection: Connection, scope: Scope, name: str) -> Import:
    """Note that an import begins. The newest hundred are remembered."""
    name = check_name(name, most=200)
    lock_row(connection, subscribers, scope.subscriber_ref)
    done = connection.execute(
        insert(imports).values(
            subscriber_ref=scope.subscriber_ref,
            created_at=moment(connection),
            created_by=scope.display_name,
            name=name,
        )
    )
    ref = inserted_ref(done)
    mine = imports.c.subscriber_ref == scope.subscriber_ref
    oldest = connection.execute(
        select(imports.c.ref).where(mine).order_by(imports.c.ref.desc()).offset(_KEPT).limit(1)
    ).scalar()
    if oldest is not None:
        connection.execute(delete(imports).where(mine, imports.c.ref <= oldest))
    return next(item for item in list_imports(connection, scope) if item.ref == str(ref))


def list_imports(connection: Connection, scope: Scope) -> list[Import]:
    """The subscriber's imports, the newest first."""
    count = (
        select(func.count())
        .where(imported_devices.c.import_ref == imports.c.ref)
        .scalar_subquery()
        .label("devices")
    )
    rows = connection.execute(
        select(imports, count)
        .where(imports.c.subscriber_ref == scope.subscriber_ref)
        .order_by(imports.c.ref.desc())
    )
    return [
        Import(
            str(row.ref),
            row.name,
            timestamp(row.created_at),
            row.created_by,
            row.devices,
            None if row.undone_at is None else timestamp(row.undone_at),
        )
        for row in rows
    ]


def own_import(connection: Connection, scope: Scope, ref: str) -> int:
    """The number of an import of the subscriber that has not been undone."""
    number = ref_of(ref)
    row = connection.execute(
        select(imports.c.ref, imports.c.undone_at).where(
            imports.c.ref == number, imports.c.subscriber_ref == scope.subscriber_ref
        )
    ).first()
    if row is None:
        raise NotFound("Import", ref)
    if row.undone_at is not None:
        raise BadRequest("import {ref} has been undone", ref=ref)
    return int(row.ref)


def note_devices(connection: Connection, import_ref: int, refs: Iterable[int]) -> None:
    """The import created these devices."""
    rows = [{"import_ref": import_ref, "device_ref": ref} for ref in refs]
    if rows:
        connection.execute(_NOTE, rows)


def note_thing(connection: Connection, import_ref: int, thing: Thing) -> None:
    """The import made it; it did not make it before."""
    connection.execute(insert(imported_things).values(import_ref=import_ref, **thing._asdict()))


def things_made(connection: Connection, scope: Scope) -> list[Thing]:
    """What the subscriber's imports made beside devices."""
    columns = imported_things.c
    query = select(columns.kind, columns.id).join(imports, imports.c.ref == columns.import_ref)
    rows = connection.execute(query.where(imports.c.subscriber_ref == scope.subscriber_ref).distinct())
    return [Thing(*row) for row in rows]


def forget_thing(connection: Connection, scope: Scope, thing: Thing) -> None:
    """It is gone."""
    columns = imported_things.c
    mine = select(imports.c.ref).where(imports.c.subscriber_ref == scope.subscriber_ref)
    one = (columns.kind == thing.kind) & (columns.id == thing.id)
    connection.execute(delete(imported_things).where(columns.import_ref.in_(mine), one))


def imports_with_shadows(connection: Connection, scope: Scope) -> list[int]:
    """The imports that brought devices in shadow, or other things than devices."""
    columns = imported_devices.c
    shadows = (
        select(columns.import_ref)
        .join(devices, devices.c.ref == columns.device_ref)
        .where(devices.c.subscriber_ref == scope.subscriber_ref, devices.c.processing_strategy == SHADOW)
    )
    things = (
        select(imported_things.c.import_ref)
        .join(imports, imports.c.ref == imported_things.c.import_ref)
        .where(imports.c.subscriber_ref == scope.subscriber_ref)
    )
    return list(connection.execute(shadows.union(things)).scalars())


def devices_left(connection: Connection, scope: Scope) -> bool:
    """Whether there is a device that one of the subscriber's imports created, and that is not in shadow."""
    query = (
        select(devices.c.ref)
        .join(imported_devices, imported_devices.c.device_ref == devices.c.ref)
        .where(
            devices.c.subscriber_ref == scope.subscriber_ref,
            func.coalesce(devices.c.processing_strategy, "") != SHADOW,
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def forget_empty_imports(connection: Connection, scope: Scope, refs: Iterable[int]) -> None:
    """Forget those imports of which nothing is left."""
    columns = imports.c
    left = select(imported_devices.c.import_ref).union(select(imported_things.c.import_ref))
    connection.execute(
        delete(imports).where(
            columns.subscriber_ref == scope.subscriber_ref, columns.ref.in_(refs), columns.ref.not_in(left)
        )
    )


def undo_import(connection: Connection, scope: Scope, ref: str, most: int) -> tuple[int, int]:
    """Delete up to `most` of the devices an import created; returns how many, and how many are left. Undone
    for good when none is left."""
    number = own_import(connection, scope, ref)
    columns = imported_devices.c
    refs = list(
        connection.execute(
            select(columns.device_ref).where(columns.import_ref == number).limit(most)
        ).scalars()
    )
    for device_ref in refs:
        delete_device(connection, scope, str(device_ref))
    left = connection.execute(
        select(func.count()).select_from(imported_devices).where(columns.import_ref == number)
    ).scalar_one()
    if not left:
        connection.execute(
            update(imports).where(imports.c.ref == number).values(undone_at=moment(connection))
        )
    return len(refs), int(left)
