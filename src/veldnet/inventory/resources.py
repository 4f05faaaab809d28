"""The resources of the device management API, with ThingPark's names.

One struct serves requests and responses: absent members are UNSET and are left out when written. Enums are
those of the published contract.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

Text = str | UnsetType
Number = float | UnsetType
Whole = int | UnsetType
Flag = bool | UnsetType

ActivationType = Literal["OTAA"]
DeviceClass = Literal["A", "B", "C"]
ClassBState = Literal["ACTIVE", "INACTIVE"]
ProcessingStrategyId = Literal["DATAFLOW", "IOT_FLOW", "NOAS", "DEFAULTRP"]
MotionIndicator = Literal["NEAR_STATIC", "WALKING_SPEED", "VEHICLE_SPEED", "RANDOM"]
HealthState = Literal["RF_CNX_ERROR", "INIT", "ACTIVE"]
CommissioningState = Literal["PERSONALIZED", "COMMISSIONED", "ACTIVATED"]
Strategy = Literal["SEQUENTIAL", "BLAST"]
ContentType = Literal["XML", "JSON"]
CommunicationType = Literal["UNICAST", "MULTICAST"]
DurationOfInactivity = Literal[
    "1_HOUR", "2_HOURS", "5_HOURS", "10_HOURS", "1_DAY", "2_DAYS", "4_DAYS", "7_DAYS", "15_DAYS"
]
Level = Literal["ALL", "WARNING", "MINOR", "MAJOR", "CRITICAL"]


class AlarmThreshold(msgspec.Struct, forbid_unknown_fields=False):
    """Raise alarm 004 at `level` after a silence of `durationOfInactivity`."""

    enabled: Flag = UNSET
    durationOfInactivity: DurationOfInactivity | UnsetType = UNSET
    level: Level | UnsetType = UNSET


class DeviceStatistics(msgspec.Struct):
    """What is known of a device's life."""

    creationTime: Text = UNSET
    healthState: HealthState | UnsetType = UNSET
    commissioningState: CommissioningState | UnsetType = UNSET
    loraClass: DeviceClass | UnsetType = UNSET
    motionIndicator: MotionIndicator | UnsetType = UNSET
    lastUpdateUser: Text = UNSET
    lastUpdateTime: Text = UNSET


class CommercialDetails(msgspec.Struct):
    """Who made the device."""

    image: Text = UNSET
    manufacturerName: Text = UNSET
    manufacturerLogo: Text = UNSET


class Device(msgspec.Struct):
    """An end-device. Keys are accepted and never returned."""

    ref: Text = UNSET
    name: Text = UNSET
    EUI: Text = UNSET
    networkAddress: Text = UNSET
    activationType: ActivationType | UnsetType = UNSET
    deviceClass: DeviceClass | UnsetType = UNSET
    classBState: ClassBState | UnsetType = UNSET
    deviceProfileId: Text = UNSET
    connectivityPlanId: Text = UNSET
    processingStrategyId: ProcessingStrategyId | UnsetType = UNSET
    routingProfileId: Text = UNSET
    applicationEUI: Text = UNSET
    applicationKey: Text = UNSET
    administrativeInfo: Text = UNSET
    geoLatitude: Number = UNSET
    geoLongitude: Number = UNSET
    dataflowTags: list[str] | UnsetType = UNSET
    homeNsNetID: Text = UNSET
    asKeyId: Text = UNSET
    hsmGroupId: Text = UNSET
    secureElement: Text = UNSET
    alarmThresholds: list[AlarmThreshold] | UnsetType = UNSET
    motionIndicator: MotionIndicator | UnsetType = UNSET
    statistics: DeviceStatistics | UnsetType = UNSET
    commercialDetails: CommercialDetails | UnsetType = UNSET


class Route(msgspec.Struct):
    """Where uplinks of some ports go. `asKey` is accepted and never returned."""

    sourcePorts: Text = UNSET
    strategy: Strategy | UnsetType = UNSET
    contentType: ContentType | UnsetType = UNSET
    asId: Text = UNSET
    asKey: Text = UNSET
    maxDeviation: Whole = UNSET
    addresses: list[str] | UnsetType = UNSET


class RoutingProfile(msgspec.Struct):
    """A named set of routes. `rsaEncryptedASKey` is in the answer to the request that made the key only."""

    id: Text = UNSET
    ref: Text = UNSET
    name: Text = UNSET
    default: Flag = UNSET
    hsmGroupId: Text = UNSET
    rsaEncryptedASKey: Text = UNSET
    rsaPublicKey: Text = UNSET
    routes: list[Route] | UnsetType = UNSET


class ConnectivityPlan(msgspec.Struct):
    """A sold traffic contract and how much of it is used."""

    id: str
    ref: str
    name: str
    grantedConnections: int
    usedConnections: int
    communicationType: CommunicationType


class DeviceProfile(msgspec.Struct):
    """A device model."""

    id: str
    name: str
    typeMAC: str


class HSMGroup(msgspec.Struct):
    """A group of hardware security modules that keeps root keys."""

    id: str
    name: str


def timestamp(millis: int) -> str:
    """ISO 8601 with milliseconds and the offset of UTC, as the API prints times."""
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds")
