"""Devices that are to be as a file says, whether they are there or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, select

from veldnet.domain.errors import InUse, InvalidField, NotFound, UnknownReference
from veldnet.domain.resources import VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import OWN_UPDATABLE, Creation
from veldnet.inventory.differences import Difference, differences
from veldnet.inventory.routing_profiles import profile_id
from veldnet.store.schema import devices as rows
from veldnet.store.schema import routing_profiles

from .lines import ImportRow

_UPDATABLE = OWN_UPDATABLE | {"geoLatitude", "geoLongitude"}
# Keys are not shown, so they cannot be compared.
_KEYS = ("applicationKey", "networkSessionKey", "applicationSessionKeyRules")
_EUIS = ("EUI", "applicationEUI", "networkAddress")


def known_euis(connection: Connection, scope: Scope, euis: Sequence[str]) -> set[str]:
    """Those of the subscriber's devices."""
    query = select(rows.c.dev_eui).where(
        rows.c.subscriber_ref == scope.subscriber_ref, rows.c.dev_eui.in_(euis)
    )
    return set(connection.execute(query).scalars())


class Routing:
    """The subscriber's routing profiles by their names and ids, read when first needed in a transaction."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self._connection = connection
        self._scope = scope
        self._found: list[tuple[str, str]] | None = None

    def _all(self) -> list[tuple[str, str]]:
        if self._found is None:
            columns = routing_profiles.c
            query = select(columns.ref, columns.name, columns.is_dummy).where(
                columns.subscriber_ref == self._scope.subscriber_ref
            )
            self._found = [
                (row.name, profile_id(self._scope.customer_id, row.ref, bool(row.is_dummy)))
                for row in self._connection.execute(query)
            ]
        return self._found

    def id_of(self, name: str) -> str:
        """Raises a `Refusal`."""
        found = [identifier for known, identifier in self._all() if known == name]
        if not found:
            raise UnknownReference("there is no routing profile {name}", name=name[:80])
        if len(found) > 1:
            raise InvalidField(
                "there are several routing profiles {name}; rename all but one", name=name[:80]
            )
        return found[0]

    def name_of(self, identifier: str) -> str:
        return next((name for name, known in self._all() if known == identifier), identifier)


def with_routing(creation: Creation, row: ImportRow, routing: Routing) -> Creation:
    """A creation whose routing profile is found by the name that its row gives. Raises a `Refusal`."""
    if row.routing_profile is UNSET:
        return creation
    body = msgspec.structs.replace(creation.new.body, routingProfileId=routing.id_of(row.routing_profile))
    return creation._replace(new=msgspec.structs.replace(creation.new, body=body))


def change(
    connection: Connection, scope: Scope, row: ImportRow, routing: Routing
) -> tuple[int, list[Difference]]:
    """Bring a device that is there to what its row says; its number, and what was changed. Raises a
    `Refusal`."""
    eui = str(row.device.EUI).strip()
    try:
        found = devices.get_veldnet_device(connection, scope, f"e{eui}")
    except NotFound:
        raise InUse("the device was deleted just now; apply again") from None
    body = _body(row, found, routing)
    changed = differences(_members(found), _members(body))
    ref = int(str(found.ref))
    if changed:
        devices.update_device(connection, scope, str(ref), body, updatable=_UPDATABLE)
    return ref, [_by_name(each, routing) if row.routing_profile is not UNSET else each for each in changed]


def _body(row: ImportRow, found: VeldnetDevice, routing: Routing) -> VeldnetDevice:
    """What a row wants of a device, without keys and without what is so already and need not be checked."""
    body = VeldnetDevice()
    for name in row.device.__struct_fields__:
        value = getattr(row.device, name)
        if value is UNSET or name in _KEYS:
            continue
        setattr(body, name, value.upper() if name in _EUIS else value)
    if found.activationType == "OTAA":
        body.networkAddress = UNSET
    if row.routing_profile is not UNSET:
        body.routingProfileId = routing.id_of(row.routing_profile)
    if body.administrativeInfo == found.administrativeInfo:
        body.administrativeInfo = UNSET
    if isinstance(body.tags, list) and isinstance(found.tags, list) and set(body.tags) == set(found.tags):
        body.tags = UNSET
    return body


def _members(device: VeldnetDevice) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(device)
    return found


def _by_name(each: Difference, routing: Routing) -> Difference:
    if each.member != "routingProfileId":
        return each
    before = None if each.before is None else routing.name_of(each.before)
    return Difference("routingProfile", before, routing.name_of(each.wanted))
