"""Gateways and webhooks as the tools of The Things Stack list them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from veldnet.inventory.base_stations import BaseStation as OwnBaseStation
from veldnet.inventory.flows import Connection
from veldnet.inventory.names import printable
from veldnet.lorawan import GatewayEui, InvalidIdentifier
from veldnet.migration.model import BaseStation, Integration, NotMovable
from veldnet.migration.tags import application_tag

DIALECT: Final = "THE_THINGS_STACK"


class _Location(msgspec.Struct, frozen=True):
    latitude: float = 0.0
    longitude: float = 0.0
    altitude: float = 0.0


class _Antenna(msgspec.Struct, frozen=True):
    location: _Location | None = None


class _GatewayIds(msgspec.Struct, frozen=True):
    gateway_id: str = ""
    eui: str = ""


class _Gateway(msgspec.Struct, frozen=True):
    ids: _GatewayIds
    name: str = ""
    antennas: tuple[_Antenna, ...] = ()


class _Path(msgspec.Struct, frozen=True):
    path: str = ""


class _WebhookIds(msgspec.Struct, frozen=True):
    webhook_id: str = ""
    application_ids: dict[str, str] = {}


class _Webhook(msgspec.Struct, frozen=True):
    ids: _WebhookIds
    base_url: str = ""
    format: str = "json"
    headers: dict[str, str] = {}
    uplink_message: _Path | None = None
    join_accept: _Path | None = None
    downlink_ack: _Path | None = None
    downlink_nack: _Path | None = None
    downlink_sent: _Path | None = None
    downlink_failed: _Path | None = None
    location_solved: _Path | None = None


def read_gateway(octets: bytes) -> BaseStation:
    """Raises `NotMovable`."""
    try:
        found = msgspec.json.decode(octets, type=_Gateway)
        eui = GatewayEui.parse(found.ids.eui)
    except msgspec.DecodeError as error:
        raise NotMovable(f"it is no gateway of The Things Stack v3: {error}") from None
    except InvalidIdentifier:
        raise NotMovable("it has no EUI of 16 hexadecimal digits, by which base stations are known") from None
    place = next((each.location for each in found.antennas if each.location is not None), None)
    name = found.name or found.ids.gateway_id
    if place is None or not (place.latitude or place.longitude):
        return BaseStation(eui, name)
    return BaseStation(eui, name, place.latitude, place.longitude, place.altitude)


def read_webhook(octets: bytes) -> Integration:
    """Raises `NotMovable`."""
    try:
        found = msgspec.json.decode(octets, type=_Webhook)
    except msgspec.DecodeError as error:
        raise NotMovable(f"it is no webhook of The Things Stack v3: {error}") from None
    application = printable(found.ids.application_ids.get("application_id", "")).strip()
    title = f"The Things Stack {application[:40]} {printable(found.ids.webhook_id)[:40]}".strip()
    tag = application_tag(application)
    if found.format not in ("", "json"):
        text = f"it posts {found.format[:20]}: have the application take JSON, and make a connection"
        return Integration(name=title, tag=tag, problem=text)
    if found.uplink_message is None:
        return Integration(name=title, tag=tag, problem="it takes no uplinks")
    connection = Connection(
        name=title,
        type="HTTP",
        dialect=DIALECT,
        address=_joined(found.base_url, found.uplink_message.path),
        headers=dict(found.headers),
        applicationId=application,
    )
    return Integration(name=title, tag=tag, connections=(connection,), remarks=_remarks(found))


def _joined(base: str, path: str) -> str:
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base


def _remarks(found: _Webhook) -> tuple[str, ...]:
    """Other messages go to the address of uplinks as well."""
    assert found.uplink_message is not None
    own = found.uplink_message.path
    others = {
        name: getattr(found, name)
        for name in _Webhook.__struct_fields__
        if name not in ("ids", "base_url", "format", "headers", "uplink_message")
    }
    elsewhere = sorted(name for name, each in others.items() if each is not None and each.path != own)
    if not elsewhere:
        return ()
    return (f"here all messages go to the address of uplinks, there {', '.join(elsewhere)} go to others",)


def gateway(station: OwnBaseStation) -> dict[str, Any]:
    """A base station as a gateway."""
    eui = station.gateway_eui
    made: dict[str, Any] = {
        "ids": {"gateway_id": f"eui-{eui.lower()}", "eui": eui},
        "name": station.name,
    }
    if station.latitude is not None and station.longitude is not None:
        place = {
            "latitude": station.latitude,
            "longitude": station.longitude,
            "altitude": station.altitude or 0,
        }
        made["antennas"] = [{"location": place}]
    return made


def webhook(application: str, name: str, address: str) -> dict[str, Any]:
    """An HTTP connection as a webhook of an application; its secrets stay here."""
    return {
        "ids": {
            "webhook_id": "".join(each if each.isalnum() else "-" for each in name.lower())[:36].strip("-"),
            "application_ids": {"application_id": application},
        },
        "base_url": address,
        "format": "json",
        "uplink_message": {},
    }
