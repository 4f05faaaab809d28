"""The rows that commits write, one class for each statement; fields are named as the columns.

Structs are built by position on the hot path, which costs a third of a named tuple.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from operator import add

import msgspec
from msgspec.structs import astuple

from veldnet.domain.locations import Place

Row = msgspec.Struct


class FrameRow(msgspec.Struct, frozen=True, gc=False):
    """A frame in the journal. Times in Unix milliseconds, levels in tenths of a dB(m), `airtime` in tenths of
    a millisecond; `at` only where the identifier does not tell when the frame was on air."""

    id: int
    device_ref: int
    kind: int
    outcome: str
    fcnt: int | None
    fport: int | None
    size: int
    rssi: int | None
    snr: int | None
    data_rate: int | None
    base_station: int | None
    copies: int
    at: int | None
    flags: int
    gap: int | None = None
    airtime: int | None = None
    sf: int | None = None
    heard: bytes | None = None
    subscriber_ref: int | None = None
    plan_ref: int | None = None
    battery: int | None = None
    margin: int | None = None


class BodyRow(msgspec.Struct, frozen=True, gc=False):
    """A part of what explains a frame."""

    frame_id: int
    part: int
    body: bytes


class StateRow(msgspec.Struct, frozen=True, gc=False):
    """The state of a device."""

    dev_addr: int | None
    pending_dev_addr: int | None
    state: bytes
    unsolicited: int | None
    current_class: str | None
    monitoring: bytes | None
    device_ref: int


class JoinMemoryRow(msgspec.Struct, frozen=True, gc=False):
    join_memory: bytes
    device_ref: int


class NewDeliveryRow(msgspec.Struct, frozen=True, gc=False):
    """A message for an application server."""

    id: int
    frame_id: int
    device_ref: int
    subscriber_ref: int
    queue: str
    expires_at: int
    state: int
    last_error: str | None
    message: bytes


class DeliveredRow(msgspec.Struct, frozen=True, gc=False):
    id: int


class AttemptRow(msgspec.Struct, frozen=True, gc=False):
    """The last attempt of a message that is still pending."""

    attempts: int
    last_error: str | None
    last_attempt_at: int
    next_attempt_at: int
    address: str | None
    id: int


class SetAsideRow(msgspec.Struct, frozen=True, gc=False):
    """A message that is undelivered for good."""

    reason: str
    attempts: int
    last_error: str | None
    last_attempt_at: int
    address: str | None
    id: int


class DeliveryResultRow(msgspec.Struct, frozen=True, gc=False):
    frame_id: int
    delivery_id: int
    result: bytes


class CheckRow(msgspec.Struct, frozen=True, gc=False):
    """When a device must be checked, Unix milliseconds."""

    check_at: int | None
    device_ref: int


class HealthRow(msgspec.Struct, frozen=True, gc=False):
    health: int
    ref: int


class HourlyRow(msgspec.Struct, gc=False):
    """Totals of one hour of a scope: what is to be added to those in the store. Sums of levels in tenths."""

    scope: int
    scope_ref: int
    hour: int
    uplinks: int = 0
    uplinks_late: int = 0
    uplink_bytes: int = 0
    late_bytes: int = 0
    lost: int = 0
    rssi: int = 0
    snr: int = 0
    esp: int = 0
    per: int = 0
    uplink_airtime: int = 0
    sf7: int = 0
    sf8: int = 0
    sf9: int = 0
    sf10: int = 0
    sf11: int = 0
    sf12: int = 0
    sf_other: int = 0
    uplinks_over: int = 0
    downlinks_sent: int = 0
    downlinks_failed: int = 0
    sent_bytes: int = 0
    failed_bytes: int = 0
    downlink_airtime: int = 0
    downlinks_over: int = 0
    joins: int = 0
    joins_refused: int = 0
    refused: int = 0
    unmeasured: int = 0

    @property
    def counters(self) -> tuple[int, ...]:
        """In the order of `HOURLY_COUNTERS`."""
        values: tuple[int, ...] = astuple(self)
        return values[_KEY:]

    def plus(self, more: HourlyRow) -> HourlyRow:
        """The same scope with the counters of both."""
        return HourlyRow(self.scope, self.scope_ref, self.hour, *map(add, self.counters, more.counters))

    def count_sf(self, sf: int | None) -> None:
        """Count an uplink with a spreading factor, None for another modulation."""
        if sf == 7:
            self.sf7 += 1
        elif sf == 12:
            self.sf12 += 1
        elif sf == 8:
            self.sf8 += 1
        elif sf == 9:
            self.sf9 += 1
        elif sf == 10:
            self.sf10 += 1
        elif sf == 11:
            self.sf11 += 1
        else:
            self.sf_other += 1


# Scope, its reference and the hour come before the counters.
_KEY = 3
HOURLY_COUNTERS = HourlyRow.__struct_fields__[_KEY:]


class AlarmRow(msgspec.Struct, frozen=True, gc=False):
    """A device alarm after a change; `state` is its level."""

    device_ref: int
    type: int
    object: str
    state: int
    occurrence: int
    acked: bool
    created_at: int
    updated_at: int
    acked_at: int | None = None
    ack_author: str | None = None
    # The frame that raised it, and the base station behind it.
    frame_id: int | None = None
    cause: str | None = None
    info1: str | None = None
    info2: str | None = None
    info3: str | None = None
    info4: str | None = None
    info5: str | None = None


# The names of the details of an alarm.
ALARM_INFOS = ("info1", "info2", "info3", "info4", "info5")


def five_infos(infos: Sequence[str]) -> tuple[str | None, ...]:
    """The details of an alarm, None for those that are not there."""
    return (*infos, None, None, None, None, None)[:5]


class AcknowledgementRow(msgspec.Struct, frozen=True, gc=False):
    acked_at: int
    ack_author: str
    device_ref: int
    type: int
    object: str


class MuteRow(msgspec.Struct, frozen=True, gc=False):
    """Until when recipients hear nothing of an alarm, None for no time."""

    muted_until: int | None
    muted_by: str | None
    device_ref: int
    type: int
    object: str


class PastAlarmRow(msgspec.Struct, frozen=True, gc=False):
    """An alarm that goes into the history as it is in the store."""

    device_ref: int
    type: int
    object: str
    cleared_at: int


class NotificationRow(msgspec.Struct, frozen=True, gc=False):
    id: int
    scope: int
    scope_ref: int
    event: bytes


class DownlinkRow(msgspec.Struct, frozen=True, gc=False):
    """A downlink of an application server after a change; `id` is that of its submission, `frame_id` of what
    the journal says of its transmission. Times in Unix milliseconds."""

    id: int
    device_ref: int
    state: int
    submitted_at: int
    updated_at: int
    fport: int
    size: int
    payload: bytes | None
    confirmed: bool
    fcnt: int | None = None
    priority: int = 0
    after_join: bool = False
    expires_at: int | None = None
    correlation_id: str | None = None
    sending_at: int | None = None
    sent_at: int | None = None
    frame_id: int | None = None
    base_station: int | None = None
    slot: int | None = None
    causes: str | None = None
    reason: str | None = None


class AnsweredDownlinkRow(msgspec.Struct, frozen=True, gc=False):
    """A confirmed downlink that an uplink has acknowledged, or not."""

    state: int
    answered_at: int
    answer_frame_id: int
    id: int


class CampaignEventRow(msgspec.Struct, frozen=True, gc=False):
    """What a device of a campaign has answered, or how many downlinks of it still wait."""

    id: int
    device_ref: int
    fport: int | None
    payload: bytes | None
    waiting: int | None
    base_station: int | None
    airtime: int | None


class LocationRow(Place, frozen=True, array_like=True, gc=False):
    """A place of a device; `at` in Unix milliseconds."""

    device_ref: int
    id: int


class FoundPlaceRow(msgspec.Struct, frozen=True, gc=False):
    """Where a device was last, for the map; `at` in Unix milliseconds."""

    device_ref: int
    at: int
    latitude: float
    longitude: float
    radius: float


class LostPlaceRow(msgspec.Struct, frozen=True, gc=False):
    """A device of which nothing is known any more."""

    device_ref: int


class LocationStateRow(msgspec.Struct, frozen=True, gc=False):
    """What is known last of where a device is."""

    network_location: bytes | None
    device_ref: int


class GroupStateRow(msgspec.Struct, frozen=True, gc=False):
    """The state of a multicast group."""

    state: bytes
    busy: int | None
    ref: int


class MulticastFrameRow(msgspec.Struct, frozen=True, gc=False):
    """A downlink to a multicast group after a change; `id` is that of its submission. Times in Unix
    milliseconds."""

    id: int
    group_ref: int
    subscriber_ref: int
    state: int
    submitted_at: int
    updated_at: int
    fport: int
    size: int
    fcnt: int | None = None
    correlation_id: str | None = None
    attempts: int = 0
    sent_at: int | None = None
    stations: int = 0
    succeeded: int = 0
    failed: int = 0
    causes: str = ""
    results: bytes | None = None
    reason: str | None = None


class Statement(Enum):
    """The statements of the hot path, each with the class of its rows. An engine has its own text of them."""

    INSERT_FRAME = FrameRow
    INSERT_BODY = BodyRow
    UPDATE_STATE = StateRow
    UPDATE_JOIN_MEMORY = JoinMemoryRow
    INSERT_DELIVERY = NewDeliveryRow
    DELETE_DELIVERY = DeliveredRow
    NOTE_ATTEMPT = AttemptRow
    SET_DELIVERY_ASIDE = SetAsideRow
    INSERT_DELIVERY_RESULT = DeliveryResultRow
    UPDATE_CHECK = CheckRow
    UPDATE_HEALTH = HealthRow
    ADD_HOURLY = HourlyRow
    PUT_ALARM = AlarmRow
    ACKNOWLEDGE_ALARM = AcknowledgementRow
    MUTE_ALARM = MuteRow
    INSERT_ALARM_HISTORY = PastAlarmRow
    INSERT_NOTIFICATION = NotificationRow
    PUT_DOWNLINK = DownlinkRow
    ANSWER_DOWNLINK = AnsweredDownlinkRow
    INSERT_CAMPAIGN_EVENT = CampaignEventRow
    INSERT_LOCATION = LocationRow
    UPDATE_LOCATION = LocationStateRow
    PUT_FOUND_PLACE = FoundPlaceRow
    DELETE_FOUND_PLACE = LostPlaceRow

    UPDATE_GROUP_STATE = GroupStateRow
    PUT_MULTICAST_FRAME = MulticastFrameRow

    @property
    def columns(self) -> tuple[str, ...]:
        row: type[Row] = self.value
        return row.__struct_fields__


Rows = tuple[Statement, Sequence[Row]]
