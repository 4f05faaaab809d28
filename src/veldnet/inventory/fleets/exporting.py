"""What there is, as a document."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.resources import VeldnetDevice
from veldnet.inventory import devices, offers
from veldnet.inventory.devices import Wanted

from .documents import KEYS
from .fleet_devices import device_members, routing_names
from .kinds import KINDS, Context

_PAGE = 500
_DOCUMENTS: dict[str, type[PlanSettings] | type[ProfileSettings]] = {
    "connectivityPlans": PlanSettings,
    "deviceProfiles": ProfileSettings,
}


def export_offers(connection: Connection, context: Context) -> dict[str, Any]:
    """All but devices. Settings are those that are not the default."""
    document: dict[str, Any] = {"version": 1}
    for kind, found in KINDS.items():
        items = []
        for key, here in found.read(connection, context).items():
            members = {name: value for name, value in here.members.items() if value not in (None, [])}
            if kind == "routingProfiles":
                members["routes"] = [_given(route) for route in here.members["routes"]]
                identifier = str(members.pop("id"))
                if identifier.endswith(".dummy"):
                    continue
                if not members.get("default"):
                    members.pop("default", None)
            if kind in _DOCUMENTS:
                members["settings"] = _changed(_DOCUMENTS[kind], here.members["settings"])
            items.append({KEYS[kind]: key, **members})
        document[kind] = items
    return document


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
    end. Personalised devices (ABP) are left to the CSV."""
    names = routing_names(connection, context)
    page = devices.devices_after(connection, context.scope, Wanted(), after, _PAGE, lambda _monitoring: {})
    listed = [
        {"EUI": each.EUI, **device_members(each, names)} for each in page if each.activationType != "ABP"
    ]
    return page, listed, int(str(page[-1].ref)) if page else 0
