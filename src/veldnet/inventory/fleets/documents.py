"""A fleet as a document: what there is to be, in YAML. What it does not name stays as it is."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.domain.errors import BadRequest
from veldnet.domain.flows import Driver, Strategy
from veldnet.domain.resources import (
    CommunicationType,
    ContentType,
    DeviceClass,
    MotionIndicator,
    Text,
    Whole,
)
from veldnet.domain.resources import Strategy as RouteStrategy
from veldnet.inventory.catalogue.yaml_text import read_yaml

_MOST_OCTETS = 20 << 20
_MOST_NODES = 400_000
MOST_DEVICES = 2_000


class Item(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A thing of a fleet."""


class PlanItem(Item):
    """A connectivity plan of the operator, and how many connections of it the customer has."""

    id: str
    name: Text = UNSET
    communicationType: CommunicationType | UnsetType = UNSET
    granted: Whole = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


class ProfileItem(Item):
    """A device profile of the operator."""

    id: str
    name: Text = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


class RouteItem(Item):
    sourcePorts: str = "*"
    strategy: RouteStrategy = "SEQUENTIAL"
    contentType: ContentType = "XML"
    asId: str | None = None
    maxDeviation: int | None = None
    addresses: list[str] = []


class RoutingItem(Item):
    """A routing profile, by its name; keys of application servers stay where they are."""

    name: str
    default: bool | UnsetType = UNSET
    routes: list[RouteItem] | UnsetType = UNSET


class FlowItem(Item):
    """A flow, by its name; `connections` are names, too."""

    name: str
    active: bool | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    deviceProfileIds: list[str] | UnsetType = UNSET
    strategies: list[Strategy] | UnsetType = UNSET
    ports: Text = UNSET
    driver: Driver | UnsetType = UNSET
    transformation: Text = UNSET
    connections: list[str] | UnsetType = UNSET


class DeviceItem(Item):
    """A device; its root keys are needed where it is new. `routingProfile` is a name."""

    EUI: str
    name: Text = UNSET
    deviceClass: DeviceClass | UnsetType = UNSET
    deviceProfileId: Text = UNSET
    connectivityPlanId: Text = UNSET
    routingProfile: Text = UNSET
    applicationEUI: Text = UNSET
    administrativeInfo: Text = UNSET
    motionIndicator: MotionIndicator | UnsetType = UNSET
    geoLatitude: float | UnsetType = UNSET
    geoLongitude: float | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    applicationKey: Text = UNSET
    networkKey: Text = UNSET


class Fleet(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """All of it, in the order in which it is carried out."""

    version: Literal[1] = 1
    connectivityPlans: list[PlanItem] = []
    deviceProfiles: list[ProfileItem] = []
    routingProfiles: list[RoutingItem] = []
    flows: list[FlowItem] = []
    devices: list[DeviceItem] = []


# The member that each kind is known by.
KEYS = {
    "connectivityPlans": "id",
    "deviceProfiles": "id",
    "routingProfiles": "name",
    "flows": "name",
    "devices": "EUI",
}


def read_fleet(octets: bytes) -> Fleet:
    """Raises `BadRequest` that says where the document is wrong."""
    if len(octets) > _MOST_OCTETS:
        raise BadRequest("the file is larger than {most} MiB; split it", most=_MOST_OCTETS >> 20)
    document = read_yaml(octets, most_nodes=_MOST_NODES)
    if document in (None, ""):
        raise BadRequest("the file is empty")
    try:
        fleet = msgspec.convert(document, Fleet, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest("{error}", error=error) from None
    if len(fleet.devices) > MOST_DEVICES:
        raise BadRequest("the file has more than {most} devices; split it", most=MOST_DEVICES)
    for kind, member in KEYS.items():
        seen: set[str] = set()
        for item in getattr(fleet, kind):
            key = getattr(item, member).strip().upper()
            if key in seen:
                raise BadRequest(
                    "{kind}: {key} comes twice", kind=kind, key=getattr(item, member).strip()[:80]
                )
            seen.add(key)
    return fleet
