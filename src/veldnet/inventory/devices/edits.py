"""What an edit of a device has changed, for the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection

from veldnet.domain.scope import Scope

from .checks import OWN_UPDATABLE
from .view import get_veldnet_device

# Members that people change. A device shows no keys.
_NOTED = OWN_UPDATABLE | {"geoLatitude", "geoLongitude", "alarmThresholds"}


@contextmanager
def changes_noted(connection: Connection, scope: Scope, ref: str, noted: dict[str, Any]) -> Iterator[None]:
    """Put into `noted` each member of a device that is changed meanwhile, as it was and as it is. Raises
    `NotFound`."""
    before = _members(connection, scope, ref)
    yield
    after = _members(connection, scope, ref)
    noted.clear()
    noted |= {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in sorted(_NOTED)
        if before.get(name) != after.get(name)
    }


def _members(connection: Connection, scope: Scope, ref: str) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(get_veldnet_device(connection, scope, ref))
    return members
