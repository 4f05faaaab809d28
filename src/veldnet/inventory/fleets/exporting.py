"""What there is, as a document."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from veldnet.connections import KINDS as TYPES
from veldnet.connections import MEMBERS
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.flows import ConnectionSettings
from veldnet.domain.resources import VeldnetDevice
from veldnet.inventory import devices, offers
from veldnet.inventory.devices import Wanted
from veldnet.inventory.imports import Routing

from .applying import KINDS
from .documents import KEYS
from .fleet_devices import device_members
from .kinds import Context

_PAGE = 500
_DOCUMENTS: dict[str, type[PlanSettings] | type[ProfileSettings]] = {
    "connectivityPlans": PlanSettings,
    "deviceProfiles": ProfileSettings,
}
_PLAIN = ConnectionSettings(type="", address="")


def export_offers(connection: Connection, context: Context) -> dict[str, Any]:
    """All but devices, without secrets; plans and device profiles for operators alone. Settings are those
    that are not the default."""
    document: dict[str, Any] = {"version": 1}
    for kind, found in KINDS.items():
        if kind in _DOCUMENTS and not context.of_operator:
            continue
        items = []
        for key, here in found.read(connection, context).items():
            if not here.ref:
                continue
            members = {name: value for name, value in here.members.items() if value not in (None, [], {})}
            if kind == "routingProfiles":
                members["routes"] = [_given(route) for route in here.members["routes"]]
                identifier = str(members.pop("id"))
                if identifier.endswith(".dummy"):
                    continue
                if not members.get("default"):
                    members.pop("default", None)
            if kind == "connections":
                members = _without_defaults(members)
            if kind in _DOCUMENTS:
                members["settings"] = _changed(_DOCUMENTS[kind], here.members["settings"])
            items.append({KEYS[kind]: key, **members})
        document[kind] = items
    return document


def _without_defaults(members: dict[str, Any]) -> dict[str, Any]:
    """A connection without what it would have anyway."""
    kind = TYPES[members["type"]]
    own = {field.name: field.default for field in kind.fields if field.option}
    found = {
        name: value
        for name, value in members.items()
        if name not in MEMBERS or value != getattr(_PLAIN, MEMBERS[name])
    }
    options = {name: value for name, value in members.get("options", {}).items() if value != own.get(name)}
    found.pop("options", None)
    return found | {"options": options} if options else found


def _changed(kind: type[PlanSettings] | type[ProfileSettings], settings: dict[str, Any]) -> dict[str, Any]:
    default = offers.default_settings(kind)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in settings.items()
        if value is not None and value != default.get(name)
    }


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def export_devices(
    connection: Connection, context: Context, after: int
) -> tuple[list[VeldnetDevice], list[dict[str, Any]], int]:
    """The next devices behind a ref, also as a document has them, and the ref of the last one; 0 at the
    end."""
    routing = Routing(connection, context.scope)
    page = devices.devices_after(connection, context.scope, Wanted(), after, _PAGE, lambda _monitoring: {})
    listed = [device_members(each, routing) for each in page]
    return page, listed, int(str(page[-1].ref)) if page else 0
