"""A multicast group in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.groups import GroupRow
from veldnet.lorawan import BaseStationId
from veldnet.network.core.events import Device
from veldnet.network.core.multicast import GroupKeys, GroupState, Sending, StationResult
from veldnet.store import MulticastFrameRow

if TYPE_CHECKING:
    from .attempt import Attempt

QUEUED, SENDING, SENT, ABORTED, DISCARDED = 1, 2, 3, 4, 5
_encode = msgspec.msgpack.Encoder().encode


class GroupStations(msgspec.Struct, frozen=True):
    """The base stations that send to a group, and where they stand; since when that is known, in Unix
    seconds."""

    stations: tuple[BaseStationId, ...]
    places: Mapping[BaseStationId, tuple[float, float]]
    read_at: float


class GroupEntry:
    """`device` is what deliveries and the journal know it by. `stations` None: to be read again."""

    __slots__ = ("attempt", "device", "keys", "removed", "row", "state", "stations", "timer")

    def __init__(self, row: GroupRow, keys: GroupKeys, device: Device, state: GroupState) -> None:
        self.row = row
        self.keys = keys
        self.device = device
        self.state = state
        self.stations: GroupStations | None = None
        self.attempt: Attempt | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.removed = False

    def rest(self) -> None:
        """Let go of timers: nothing more is sent for now."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.attempt is not None:
            self.attempt.close()
            self.attempt = None


def device_of(row: GroupRow, plan: PlanSettings | None) -> Device:
    """A group as the device that deliveries and the journal take it for."""
    known = DeviceRow(
        ref=row.journal_ref,
        subscriber_ref=row.subscriber_ref,
        customer_id=row.customer_id,
        dev_eui=row.dev_eui,
        join_eui=None,
        name=row.name,
        profile_ref=0,
        plan_ref=row.plan_ref,
        routing_profile_ref=row.routing_profile_ref,
        processing_strategy=None,
        hsm_group_ref=row.hsm_group_ref,
        sealed_app_key=None,
        sealed_nwk_key=None,
        device_class=row.group_class,
        motion_indicator=None,
        sealed_as_transport_key=None,
        latitude=None,
        longitude=None,
        tags=(),
        silence_steps=(),
        health=0,
        state=None,
        join_memory=None,
        monitoring=None,
        partition=row.partition,
    )
    profile = ProfileSettings(region=row.region, loRaWANClass="B" if row.group_class == "B" else "C")
    return Device(known, profile, plan)


def pack_results(stations: Sequence[StationResult]) -> bytes:
    """What became of a frame at each base station, as it is stored."""
    return _encode(stations)


def sending_row(row: GroupRow, sending: Sending, now: float) -> MulticastFrameRow:
    """The row of the frame that is being sent."""
    frame, counted = sending.frame, sending.counted
    return MulticastFrameRow(
        id=frame.id,
        group_ref=row.ref,
        subscriber_ref=row.subscriber_ref,
        state=SENDING,
        submitted_at=round(frame.submitted_at * 1000),
        updated_at=round(now * 1000),
        fport=frame.fport,
        size=len(frame.payload),
        fcnt=sending.fcnt,
        correlation_id=frame.correlation_id,
        attempts=sending.attempt,
        stations=len(counted),
        succeeded=sum(station.sent for station in counted),
        results=pack_results(sending.stations),
    )
