"""The tags of a device on the paths of ThingPark's OSS."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.errors import MissingField
from veldnet.domain.resources import VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import devices

from .devices import ONE

_TAGS = f"{ONE}/tags"


class Tag(msgspec.Struct):
    """A tag of a device."""

    name: str | None = None


class Tags(msgspec.Struct):
    """The tags of a device."""

    briefs: list[Tag]


@OSS.get(_TAGS)
async def list_tags(device_ref: str, services: Services, scope: Scope) -> Tags:
    found = await services.read(lambda c: _tags(c, scope, device_ref))
    return Tags([Tag(tag) for tag in found])


def _tags(connection: Connection, scope: Scope, device_ref: str) -> list[str]:
    return devices.tags_of(connection, devices.device_ref(connection, scope, device_ref))


@OSS.post(_TAGS, status=201)
async def add_tag(device_ref: str, services: Services, scope: Scope, body: Tag) -> Tag:
    """One that the device has already stays."""
    if not body.name:
        raise MissingField("name is mandatory")
    added = body.name
    await _change(services, scope, device_ref, lambda tags: tags if added in tags else [*tags, added])
    return Tag(added)


@OSS.delete(f"{_TAGS}/{{tagName}}")
async def remove_tag(device_ref: str, tag_name: str, services: Services, scope: Scope) -> None:
    """One that the device does not have is gone already."""
    await _change(services, scope, device_ref, lambda tags: [each for each in tags if each != tag_name])


async def _change(
    services: Services, scope: Scope, device_ref: str, change: Callable[[list[str]], list[str]]
) -> None:
    noted: dict[str, object] = {}

    def write(connection: Connection) -> None:
        body = VeldnetDevice(tags=change(_tags(connection, scope, device_ref)))
        with devices.changes_noted(connection, scope, device_ref, noted):
            devices.update_device(connection, scope, device_ref, body, updatable=devices.OWN_UPDATABLE)

    await services.change(
        write, by=scope, action="device.changed", what=f"device {device_ref}", details=noted
    )
