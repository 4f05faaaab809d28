"""The index of devices by tag; the tags of a device itself are among its fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select

from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.store.schema import device_tags, devices


def write_tags(connection: Connection, scope: Scope, ref: int, body: Device) -> None:
    """Make the index of a device agree with the tags of a body, if it has any."""
    tags = getattr(body, "tags", UNSET)
    if tags is UNSET:
        return
    connection.execute(delete(device_tags).where(device_tags.c.device_ref == ref))
    if tags:
        rows = [{"subscriber_ref": scope.subscriber_ref, "tag": tag, "device_ref": ref} for tag in tags]
        connection.execute(insert(device_tags), rows)


def write_new_tags(connection: Connection, scope: Scope, made: Iterable[tuple[int, Device]]) -> None:
    """The same for new devices, which have no tags yet."""
    rows = [
        {"subscriber_ref": scope.subscriber_ref, "tag": tag, "device_ref": ref}
        for ref, body in made
        for tag in getattr(body, "tags", UNSET) or ()
    ]
    if rows:
        connection.execute(insert(device_tags), rows)


def tags_of(connection: Connection, ref: int) -> list[str]:
    """The tags of a device, in their order."""
    query = select(device_tags.c.tag).where(device_tags.c.device_ref == ref).order_by(device_tags.c.tag)
    return list(connection.execute(query).scalars())


def known_tags(connection: Connection, scope: Scope, most: int = 500) -> list[str]:
    """The tags of the subscriber's devices: from each to the next by the index, past those that have it."""
    own = device_tags.c.subscriber_ref == scope.subscriber_ref
    found = select(func.min(device_tags.c.tag).label("tag")).where(own).cte("found", recursive=True)
    following = (
        select(func.min(device_tags.c.tag)).where(own, device_tags.c.tag > found.c.tag).scalar_subquery()
    )
    found = found.union_all(select(following).where(found.c.tag.is_not(None)))
    query = select(found.c.tag).where(found.c.tag.is_not(None)).limit(most)
    return list(connection.execute(query).scalars())


def refs_with_tag(scope: Scope, tag: str) -> Select[tuple[int]]:
    """The subscriber's devices with a tag."""
    return select(device_tags.c.device_ref).where(
        device_tags.c.subscriber_ref == scope.subscriber_ref, device_tags.c.tag == tag
    )


def with_tag(scope: Scope, tag: str) -> ColumnElement[bool]:
    """The same as a condition on `devices`."""
    return devices.c.ref.in_(refs_with_tag(scope, tag))


# As an index has the devices of each tag.
_ORDERS = {
    "created": (device_tags.c.device_ref,),
    "name": (device_tags.c.name, device_tags.c.dev_eui),
    "deviceEUI": (device_tags.c.dev_eui,),
}


def refs_in_order(connection: Connection, scope: Scope, tag: str, order: str, most: int) -> list[int]:
    """The first devices with a tag, in the order of a column of theirs."""
    columns = _ORDERS[order.removeprefix("-")]
    query: Select[Any] = refs_with_tag(scope, tag).order_by(
        *(column.desc() if order.startswith("-") else column for column in columns)
    )
    return list(connection.execute(query.limit(most)).scalars())
