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

ActivationType = Literal["OTAA", "ABP"]
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
AlarmState = Literal["CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
FrameType = Literal["UPLINK", "DOWNLINK"]
Level = Literal["ALL", "WARNING", "MINOR", "MAJOR", "CRITICAL"]


class AlarmThreshold(msgspec.Struct, forbid_unknown_fields=False):
    """Raise alarm 004 at `level` after a silence of `durationOfInactivity`."""

    enabled: Flag = UNSET
    durationOfInactivity: DurationOfInactivity | UnsetType = UNSET
    level: Level | UnsetType = UNSET


class AlarmStatistics(msgspec.Struct):
    """Alarms that nobody has acknowledged, by their state."""

    nonAckedClearedCount: int = 0
    nonAckedUnclearedCount: int = 0
    nonAckedWarningCount: int = 0
    nonAckedMinorCount: int = 0
    nonAckedMajorCount: int = 0
    nonAckedCriticalCount: int = 0


class DeviceStatistics(msgspec.Struct):
    """What is known of a device's life. RSSI in dBm and SNR in dB are those of the best base station; error
    rates lie between 0 and 1; counts of 24 hours end with the last frame."""

    creationTime: Text = UNSET
    healthState: HealthState | UnsetType = UNSET
    lastRSSI: Number = UNSET
    lastSNR: Number = UNSET
    averageRSSI: Number = UNSET
    averageSNR: Number = UNSET
    lastSF: Whole = UNSET
    last24hUplinkCount: Whole = UNSET
    last24hDownlinkCount: Whole = UNSET
    firstUplinkTime: Text = UNSET
    lastUplinkTime: Text = UNSET
    lastDownlinkTime: Text = UNSET
    lastInstantPER: Number = UNSET
    lastMeanPER: Number = UNSET
    lastBatteryLevel: Whole = UNSET
    lastBatteryLevelTime: Text = UNSET
    alarmStatistics: AlarmStatistics | UnsetType = UNSET
    commissioningState: CommissioningState | UnsetType = UNSET
    loraClass: DeviceClass | UnsetType = UNSET
    motionIndicator: MotionIndicator | UnsetType = UNSET
    lastUpdateUser: Text = UNSET
    lastUpdateTime: Text = UNSET


class DeviceAlarm(msgspec.Struct):
    """An alarm of a device. `deviceAlarmObjectId` tells alarms of one type apart, as the MAC command of 12
    and 13."""

    ref: str
    alarmState: AlarmState
    occurrence: int
    acked: bool
    creationTime: str
    lastUpdateTime: str
    deviceRef: str
    deviceAlarmTypeId: int
    lastAckTime: Text = UNSET
    ackAuthor: Text = UNSET
    additionalInfo1: Text = UNSET
    additionalInfo2: Text = UNSET
    additionalInfo3: Text = UNSET
    additionalInfo4: Text = UNSET
    additionalInfo5: Text = UNSET
    deviceAlarmObjectId: Text = UNSET


class DeviceHealthStatistics(msgspec.Struct):
    """Number of devices by health state."""

    initCount: int
    activeCount: int
    rfConnectionErrorCount: int
    totalCount: int


class FrameStatistics(msgspec.Struct):
    """A frame, or the frames of a time slot. Sizes are sums of payload octets; RSSI in dBm, SNR in dB and
    the error rate are means."""

    type: FrameType
    date: str
    frameCount: int
    payloadSize: int
    baseStationRSSI: Number = UNSET
    baseStationSNR: Number = UNSET
    payloadReceivedOnTime: Whole = UNSET
    payloadReceivedLate: Whole = UNSET
    payloadReceivedOnTimeSize: Whole = UNSET
    payloadReceivedLateSize: Whole = UNSET
    payloadSentWithSuccess: Whole = UNSET
    payloadSentWithSuccessSize: Whole = UNSET
    payloadSentWithFailure: Whole = UNSET
    payloadSentWithFailureSize: Whole = UNSET
    averagePER: Number = UNSET


class CommercialDetails(msgspec.Struct):
    """Who made the device."""

    image: Text = UNSET
    manufacturerName: Text = UNSET
    manufacturerLogo: Text = UNSET


class ApplicationSessionKeyRule(msgspec.Struct):
    """An AppSKey of an ABP device and the ports it is for: `*`, or ports and ranges."""

    applicationSessionKey: Text = UNSET
    sourcePorts: Text = UNSET


class Device(msgspec.Struct):
    """An end-device. Keys are accepted and never returned. ABP and its keys belong to version v1.1.1."""

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
    networkSessionKey: Text = UNSET
    applicationSessionKeyRules: list[ApplicationSessionKeyRule] | UnsetType = UNSET
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


class VeldnetDevice(Device):
    """An end-device with the members that Veldnet's own API adds. `tags` are labels to find devices by.
    `shadow` is there where another network still answers the device; it is read-only."""

    tags: list[str] | UnsetType = UNSET
    shadow: Flag = UNSET


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
    """A named set of routes. `rsaEncryptedASKey` is in the answer to the request that made the key only.
    `problem` says what of a profile cannot be read: then its messages wait until that is replaced."""

    id: Text = UNSET
    ref: Text = UNSET
    name: Text = UNSET
    default: Flag = UNSET
    hsmGroupId: Text = UNSET
    rsaEncryptedASKey: Text = UNSET
    rsaPublicKey: Text = UNSET
    routes: list[Route] | UnsetType = UNSET
    problem: Text = UNSET


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
