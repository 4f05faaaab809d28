"""The audit log: who changed what, written with the change itself."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, case, func, insert, select

from veldnet.domain.resources import timestamp
from veldnet.store import Prepared, moment
from veldnet.store.schema import audit, devices, operators, subscribers

# Members whose values are never written down.
_SECRET = frozenset(
    {
        "applicationKey",
        "networkKey",
        "genAppKey",
        "multicastKey",
        "networkSessionKey",
        "applicationSessionKeyRules",
        "asKey",
        "rsaEncryptedASKey",
        "thingpark_password",
        "secret",
        "password",
        "currentPassword",
        "clientSecret",
    }
)
_MOST = 4000
# The actions that note DevEUI and name of a device; what deletes many at once notes itself alone.
CREATED, DELETED = "device.created", "device.deleted"


class Author(msgspec.Struct, frozen=True):
    """Who makes a change, by the display name of a user or as an administrator at the command line, and the
    subscriber and operator whose log tells of it."""

    name: str
    subscriber_ref: int | None = None
    operator_ref: int | None = None


class AuditEntry(msgspec.Struct):
    """A change: `actor` is a user's display name, or an administrator at the command line. A change of a
    device names it, also once it is deleted."""

    time: str
    actor: str
    action: str
    object: str
    details: dict[str, Any]
    deviceEUI: str | None = None
    deviceName: str | None = None


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "***" if name in _SECRET else _shown(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return value


_INSERT = Prepared(insert(audit))


def note(connection: Connection, author: Author, action: str, what: str, details: Any = None) -> None:
    """Write down a change; part of the changing transaction. Secrets in `details` are left out."""
    plain = {} if details is None else _shown(msgspec.to_builtins(details))
    text = msgspec.json.encode(plain).decode()
    row = {
        "at": moment(connection),
        "actor": author.name,
        "subscriber_ref": author.subscriber_ref,
        "action": action,
        "object": what,
        "details": text if len(text) <= _MOST else "{}",
        "operator_ref": author.operator_ref,
        "device_ref": _device_of(what),
    }
    _INSERT.write(connection, [row])


# Digits of an EUI, by which a device is named where it has no number.
_EUI = 16


def _device_of(what: str) -> int | None:
    """The number of a device that is named as `device 7`."""
    kind, _blank, number = what.partition(" ")
    named = kind.endswith("device") and number.isascii() and number.isdigit() and len(number) < _EUI
    return int(number) if named else None


class DeviceEdit(msgspec.Struct, frozen=True):
    """A change of a device; `at` in Unix milliseconds."""

    id: int
    at: int
    actor: str
    action: str
    details: dict[str, Any]


def edits_of_device(
    connection: Connection, device_ref: int, subscriber_ref: int, before_ms: int, limit: int
) -> list[DeviceEdit]:
    """The newest changes of a subscriber's device before a time."""
    columns = audit.c
    rows = connection.execute(
        select(columns.id, columns.at, columns.actor, columns.action, columns.details)
        .where(
            columns.device_ref == device_ref, columns.subscriber_ref == subscriber_ref, columns.at < before_ms
        )
        .order_by(columns.id.desc())
        .limit(limit)
    )
    return [
        DeviceEdit(row.id, row.at, row.actor, row.action, msgspec.json.decode(row.details)) for row in rows
    ]


def list_entries(
    connection: Connection,
    subscriber_ref: int | None,
    limit: int,
    before_ms: int | None = None,
    operator_ref: int | None = None,
    device_ref: int | None = None,
) -> list[AuditEntry]:
    """The newest entries, or those of a device; of one subscriber, of an operator with its subscribers, or
    all. What was done at the command line is an operator's only where there is no other operator."""
    end = audit.alias("end")
    noted = (
        select(end.c.details)
        .where(end.c.device_ref == audit.c.device_ref, end.c.action.in_((DELETED, CREATED)))
        .order_by(end.c.id.desc())
        .limit(1)
    )
    gone = case((devices.c.ref.is_(None), noted.scalar_subquery()))
    query = (
        select(audit, devices.c.dev_eui, devices.c.name, gone.label("gone"))
        .join(devices, devices.c.ref == audit.c.device_ref, isouter=True)
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    if subscriber_ref is not None:
        query = query.where(audit.c.subscriber_ref == subscriber_ref)
    if operator_ref is not None:
        own = audit.c.subscriber_ref.in_(
            select(subscribers.c.ref).where(subscribers.c.operator_ref == operator_ref)
        ) | (audit.c.operator_ref == operator_ref)
        if connection.execute(select(func.count()).select_from(operators)).scalar_one() == 1:
            own = own | (audit.c.subscriber_ref.is_(None) & audit.c.operator_ref.is_(None))
        query = query.where(own)
    if device_ref is not None:
        query = query.where(audit.c.device_ref == device_ref)
    if before_ms is not None:
        query = query.where(audit.c.at < before_ms)
    return [
        AuditEntry(
            timestamp(row.at),
            row.actor,
            row.action,
            row.object,
            msgspec.json.decode(row.details),
            *_device(row.dev_eui, row.name, row.gone),
        )
        for row in connection.execute(query)
    ]


def _device(eui: str | None, name: str | None, gone: str | None) -> tuple[str | None, str | None]:
    """DevEUI and name of a device, or of one that is gone as its deletion or creation noted them."""
    if gone is None:
        return eui, name
    noted = msgspec.json.decode(gone)
    return noted.get("EUI"), noted.get("name")
