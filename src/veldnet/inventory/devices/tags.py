"""The index of devices by tag; the tags of a device itself are among its fields."""

from __future__ import annotations

from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, delete, insert, select

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


def with_tag(scope: Scope, tag: str) -> ColumnElement[bool]:
    """The subscriber's devices with a tag, as a condition on `devices`."""
    found = select(device_tags.c.device_ref).where(
        device_tags.c.subscriber_ref == scope.subscriber_ref, device_tags.c.tag == tag
    )
    return devices.c.ref.in_(found)
