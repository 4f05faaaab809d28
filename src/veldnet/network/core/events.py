"""Events that a transition handles and effects it returns, as plain values."""

from __future__ import annotations

import msgspec

from veldnet.domain.devices import SHADOW, DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import BaseStationId, DevAddr
from veldnet.lorawan.frames import DataFrame, JoinRequest, RejoinRequest
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.mac_commands import MacCommand
from veldnet.lorawan.radio import GatewayUplink, TransmitWindow

from .records import Record
from .state import DeviceState, JoinMemory


class Device(msgspec.Struct, frozen=True, gc=False):
    """A device and the rules it lives by. `plan` is None where it has no connectivity plan."""

    row: DeviceRow
    profile: ProfileSettings
    plan: PlanSettings | None

    @property
    def assigned(self) -> bool:
        """A device keeps its session only with a connectivity plan and a routing."""
        row = self.row
        return row.plan_ref is not None and (
            row.routing_profile_ref is not None or row.processing_strategy is not None
        )

    @property
    def shadow(self) -> bool:
        """Whether another network still answers the device: it is listened to, and sent nothing."""
        return self.row.processing_strategy == SHADOW

    @property
    def active(self) -> bool:
        """A device transmits only while its connectivity plan is in force, too."""
        return self.plan is not None and self.assigned


class ReceivedFrame(msgspec.Struct, frozen=True, gc=False):
    """A frame with all copies of its deduplication window, best first. `id` names its record, `token` the
    downlink it may cause; `received_at` is when the first copy came that was not kept, Unix seconds, by our
    clock, or when it was heard where all were kept. `brought_by` is the base
    station of the first copy of a frame for which no session in memory spoke."""

    id: int
    token: int
    copies: tuple[GatewayUplink, ...]
    received_at: float
    brought_by: BaseStationId | None = None

    @property
    def best(self) -> GatewayUplink:
        return self.copies[0]

    @property
    def answerable(self) -> bool:
        """Whether a downlink can be timed by any copy."""
        return any(copy.answerable for copy in self.copies)

    @property
    def gps_time(self) -> float:
        """End of the frame in GPS seconds, by our clock where no base station knows better."""
        for copy in self.copies:
            if copy.gps_time is not None:
                return copy.gps_time
        return unix_to_gps(self.received_at)


class DataReceived(msgspec.Struct, frozen=True, gc=False):
    """A data frame whose DevAddr points at the device."""

    received: ReceivedFrame
    frame: DataFrame


class JoinRequested(msgspec.Struct, frozen=True, gc=False):
    """A join-request of the device. `dev_addr` is the address it gets if the vault finds it genuine."""

    received: ReceivedFrame
    request: JoinRequest
    dev_addr: DevAddr


class RejoinRequested(msgspec.Struct, frozen=True, gc=False):
    """A rejoin-request of the device (LoRaWAN 1.1)."""

    received: ReceivedFrame
    request: RejoinRequest
    dev_addr: DevAddr


class VaultAnswered(msgspec.Struct, frozen=True, gc=False):
    """The vault's answer to a join order."""

    join: JoinRequested | RejoinRequested
    order: JoinOrder
    answer: JoinKeys | JoinRefusal


class DownlinkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A downlink to be queued. Without a `payload`, `flush` only empties the queue. `expires_at` in Unix
    seconds."""

    fport: int | None = None
    payload: bytes | None = None
    fcnt: int | None = None
    confirmed: bool = False
    flush: bool = False
    expires_at: float | None = None
    correlation_id: str | None = None
    priority: int = 0
    # Of a multicast group: whether base stations are tried again that were not eligible at first.
    retry_ineligible: bool = True


class DownlinkSubmitted(msgspec.Struct, frozen=True, gc=False):
    """An application server's downlink. `payload` None with `flush` only empties the queue. `token` names
    the transmission, should it go out at once."""

    id: int
    token: int
    fport: int | None
    payload: bytes | None
    fcnt: int | None
    confirmed: bool
    flush: bool
    expires_at: float | None
    correlation_id: str | None
    priority: int = 0


class DownlinkReported(msgspec.Struct, frozen=True, gc=False):
    """What became of a downlink in flight; see `transmission`. `next_token` names the transmission that may
    follow it."""

    id: int
    token: int
    next_token: int
    delivered: bool
    window: TransmitWindow | None
    cause_rx1: str
    cause_rx2: str
    cause_ping: str
    decision: str


class Need(msgspec.Struct, frozen=True, gc=False):
    """Why a downlink is due. Answers come before requests when room is short."""

    ack: bool = False
    adr_ack: bool = False
    answers: tuple[MacCommand, ...] = ()
    requests: tuple[MacCommand, ...] = ()


class AnswerDue(msgspec.Struct, frozen=True, gc=False):
    """The application server has had its time to submit a downlink; the uplink is to be answered now."""

    received: ReceivedFrame
    dev_addr: DevAddr
    fcnt: int
    data_rate: int
    need: Need


class SendDue(msgspec.Struct, frozen=True, gc=False):
    """A device of class B or C may be sent what waits for it. `id` and `token` name record and frame."""

    id: int
    token: int


class ContextReset(msgspec.Struct, frozen=True, gc=False):
    """An administrator dropped the security context."""

    id: int


Event = (
    DataReceived
    | JoinRequested
    | RejoinRequested
    | VaultAnswered
    | DownlinkSubmitted
    | DownlinkReported
    | AnswerDue
    | SendDue
    | ContextReset
)


class Transmit(msgspec.Struct, frozen=True, gc=False):
    """Effect: hand a frame to a base station in time for one of its windows, in order of preference.

    Windows of one slot differ in their base stations only. With `deadline` the frame may go whenever a base
    station is free until then.
    """

    token: int
    phy_payload: bytes
    windows: tuple[TransmitWindow, ...]
    deadline: float | None = None


class Wake(msgspec.Struct, frozen=True, gc=False):
    """Effect: come back with `SendDue` at a time; it replaces an earlier one of the device."""

    at: float


class AnswerLater(msgspec.Struct, frozen=True, gc=False):
    """Effect: come back with an event at a time."""

    at: float
    event: AnswerDue


class AskVault(msgspec.Struct, frozen=True, gc=False):
    """Effect: have the vault serve a join order and return with `VaultAnswered`."""

    join: JoinRequested | RejoinRequested
    order: JoinOrder


class SubmissionRefusal(msgspec.Struct, frozen=True, gc=False):
    """Why a downlink was not queued; `code` is that of ThingPark's interface."""

    code: int
    message: str
    expected: int | None = None
    max_size: int | None = None
    rx2_dr: int | None = None
    ping_slot_dr: int | None = None


# A message of the code 115, for groups of class B.
NO_GPS_TIME = "No Base Station Available. None of the group has GPS time, which class B needs"


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What became of a request: the id of the downlink, and why it was refused, if it was."""

    id: int
    refusal: SubmissionRefusal | None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Effect: answer who submitted the downlink with this token; without a refusal it is queued."""

    token: int
    refusal: SubmissionRefusal | None


Effect = Transmit | AskVault | Answer | Wake | AnswerLater


class Transition(msgspec.Struct, frozen=True, gc=False):
    """What an event leads to. The shell commits state and records together, then releases the effects.

    `join_memory` is None when the event did not touch it.
    """

    state: DeviceState
    records: tuple[Record, ...] = ()
    effects: tuple[Effect, ...] = ()
    join_memory: JoinMemory | None = None
