"""A multicast group as the API shows it, with the names of devices where they exist there."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.domain.resources import Number, Text, Whole

GroupClass = Literal["B", "C"]
Coverage = Literal["ALL", "TAGS", "MEMBERS"]
FrameStatus = Literal["QUEUED", "SENDING", "SUCCESS", "ABORTED", "DISCARDED"]


class MulticastGroup(msgspec.Struct):
    """A multicast group: devices that share an address and keys, and hear the same downlinks.

    Keys are accepted and never returned: `multicastKey` (McKey, of which the others are derived), or
    `networkSessionKey` and `applicationSessionKey`. With `hsmGroupId` they are made in its vault, and
    payloads come encrypted. Without `networkAddress` the network gives one. `pingSlotPeriod` in seconds
    (class B), `downlinkFrequency` in MHz; without frequency or data rate those of the region apply.
    `baseStationCoverage` says which base stations send: all of the operator, those with one of
    `baseStationTags`, or few that reach all members. `problem` says why these tags cannot be read: then
    nothing is sent until they are given again."""

    ref: Text = UNSET
    name: Text = UNSET
    EUI: Text = UNSET
    networkAddress: Text = UNSET
    deviceClass: GroupClass | UnsetType = UNSET
    pingSlotPeriod: int | UnsetType | None = UNSET
    downlinkFrequency: float | UnsetType | None = UNSET
    downlinkDataRate: int | UnsetType | None = UNSET
    region: Text = UNSET
    connectivityPlanId: Text = UNSET
    routingProfileId: str | UnsetType | None = UNSET
    hsmGroupId: Text = UNSET
    multicastKey: Text = UNSET
    networkSessionKey: Text = UNSET
    applicationSessionKey: Text = UNSET
    baseStationCoverage: Coverage | UnsetType = UNSET
    baseStationTags: list[str] | UnsetType = UNSET
    problem: Text = UNSET
    payloadEncrypted: bool | UnsetType = UNSET
    memberCount: Whole = UNSET
    lastFCntDown: Whole = UNSET
    lastDownlinkTime: Text = UNSET
    lastDownlinkStatus: FrameStatus | UnsetType = UNSET
    creationTime: Text = UNSET
    lastUpdateTime: Text = UNSET
    lastUpdateUser: Text = UNSET


class GroupSessionKey(msgspec.Struct):
    """The McAppSKey of a group whose keys a vault has made: one AES block, encrypted with the AS transport
    key of its routing profile, as hexadecimal digits."""

    encryptedApplicationSessionKey: str


class GroupPage(msgspec.Struct):
    """Groups by name, and how many there are."""

    groups: list[MulticastGroup]
    total: int


class Member(msgspec.Struct):
    """A device of a group; `margin` in dB above what the slowest data rate needs, at the base station that
    hears it best."""

    deviceRef: str
    deviceEUI: str
    deviceName: str
    baseStationId: str | None
    margin: Number | None


class MemberPage(msgspec.Struct):
    members: list[Member]
    total: int


class CoveringStation(msgspec.Struct):
    """A base station that sends to a group, and how many members it hears."""

    id: str
    name: str
    latitude: float | None
    longitude: float | None
    members: int


class GroupCoverage(msgspec.Struct):
    """Which base stations send to a group now. `unheard` members were heard by none of them; `weak` ones are
    heard with little to spare at the group's data rate. At most a hundred of each are named."""

    baseStations: list[CoveringStation]
    members: int
    weakCount: int
    unheardCount: int
    weak: list[str]
    unheard: list[str]


class StationOutcome(msgspec.Struct):
    """What became of a frame at a base station: the delivery-failure cause of its last attempt, `00` where it
    was sent, absent before the first."""

    baseStationId: str
    sent: bool
    attempts: int
    cause: str | None
    leftOut: bool


class GroupFrame(msgspec.Struct):
    """A downlink to a group; `causes` counts the base stations that failed by delivery-failure code."""

    id: str
    status: FrameStatus
    submissionTime: str
    lastUpdateTime: str
    sentTime: str | None
    fPort: int
    fCntDown: int | None
    size: int
    correlationId: str | None
    attempts: int
    baseStations: int
    succeeded: int
    failed: int
    causes: dict[str, int]
    reason: str | None
    outcomes: list[StationOutcome]


class GroupFramePage(msgspec.Struct):
    frames: list[GroupFrame]
    next: str | None
