"""A fleet as a document: what there is to be. What it does not name stays as it is."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.domain.flows import ConnectionType, Dialect, Driver, MqttVersion, Strategy
from veldnet.domain.resources import (
    ActivationType,
    AlarmThreshold,
    CommunicationType,
    ContentType,
    DeviceClass,
    MotionIndicator,
    ProcessingStrategyId,
    Text,
    Whole,
)
from veldnet.domain.resources import Strategy as RouteStrategy
from veldnet.inventory.groups.resource import Coverage, GroupClass


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
    """A route; without `asKey` the application server keeps the key that it has."""

    sourcePorts: str = "*"
    strategy: RouteStrategy = "SEQUENTIAL"
    contentType: ContentType = "XML"
    asId: str | None = None
    asKey: str | None = None
    maxDeviation: int | None = None
    addresses: list[str] = []


class RoutingItem(Item):
    """A routing profile, by its name."""

    name: str
    default: bool | UnsetType = UNSET
    routes: list[RouteItem] | UnsetType = UNSET


class ConnectionItem(Item):
    """A connection to an application, by its name, with the members of the API."""

    name: str
    type: ConnectionType | UnsetType = UNSET
    dialect: Dialect | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    address: Text = UNSET
    username: Text = UNSET
    password: Text = UNSET
    caCertificate: Text = UNSET
    clientCertificate: Text = UNSET
    clientKey: Text = UNSET
    mqttVersion: MqttVersion | UnsetType = UNSET
    clientId: Text = UNSET
    qos: int | UnsetType = UNSET
    retain: bool | UnsetType = UNSET
    topic: Text = UNSET
    downlinks: bool | UnsetType = UNSET
    downlinkTopic: Text = UNSET
    exchange: Text = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    applicationId: Text = UNSET
    tenantId: Text = UNSET


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
    """A device; its keys are needed where it is new. `routingProfile` is a name; `applicationSessionKey` of a
    personalised device (ABP) is for all ports."""

    EUI: str
    name: Text = UNSET
    activationType: ActivationType | UnsetType = UNSET
    deviceClass: DeviceClass | UnsetType = UNSET
    deviceProfileId: Text = UNSET
    connectivityPlanId: Text = UNSET
    routingProfile: Text = UNSET
    processingStrategyId: ProcessingStrategyId | UnsetType = UNSET
    applicationEUI: Text = UNSET
    networkAddress: Text = UNSET
    hsmGroupId: Text = UNSET
    administrativeInfo: Text = UNSET
    motionIndicator: MotionIndicator | UnsetType = UNSET
    geoLatitude: float | UnsetType = UNSET
    geoLongitude: float | UnsetType = UNSET
    alarmThresholds: list[AlarmThreshold] | UnsetType = UNSET
    dataflowTags: list[str] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    applicationKey: Text = UNSET
    networkKey: Text = UNSET
    genAppKey: Text = UNSET
    networkSessionKey: Text = UNSET
    applicationSessionKey: Text = UNSET


class GroupItem(Item):
    """A multicast group, by its DevEUI; its keys are needed where it is new. `members` are DevEUIs, all of
    them; `routingProfile` is a name."""

    EUI: str
    name: Text = UNSET
    networkAddress: Text = UNSET
    deviceClass: GroupClass | UnsetType = UNSET
    pingSlotPeriod: int | UnsetType = UNSET
    downlinkFrequency: float | UnsetType = UNSET
    downlinkDataRate: int | UnsetType = UNSET
    region: Text = UNSET
    connectivityPlanId: Text = UNSET
    routingProfile: Text = UNSET
    hsmGroupId: Text = UNSET
    baseStationCoverage: Coverage | UnsetType = UNSET
    baseStationTags: list[str] | UnsetType = UNSET
    members: list[str] | UnsetType = UNSET
    multicastKey: Text = UNSET
    networkSessionKey: Text = UNSET
    applicationSessionKey: Text = UNSET


class Fleet(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """All of it, in the order in which it is carried out."""

    version: Literal[1] = 1
    connectivityPlans: list[PlanItem] = []
    deviceProfiles: list[ProfileItem] = []
    routingProfiles: list[RoutingItem] = []
    connections: list[ConnectionItem] = []
    flows: list[FlowItem] = []
    devices: list[DeviceItem] = []
    multicastGroups: list[GroupItem] = []


# The member that each kind is known by.
KEYS = {
    "connectivityPlans": "id",
    "deviceProfiles": "id",
    "routingProfiles": "name",
    "connections": "name",
    "flows": "name",
    "devices": "EUI",
    "multicastGroups": "EUI",
}
# Members that are secrets: never exported, and better not written in a document.
SECRETS = frozenset(
    {
        "applicationKey",
        "networkKey",
        "genAppKey",
        "networkSessionKey",
        "applicationSessionKey",
        "multicastKey",
        "asKey",
        "password",
        "clientKey",
    }
)
# Members whose values may be secrets.
HOLDERS = frozenset({"headers", "options"})
