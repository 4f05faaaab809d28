"""Records: what happened to a frame and why. The journal and everything derived from it."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from veldnet.domain.geofences import Crossing
from veldnet.domain.locations import NetworkLocation
from veldnet.lorawan import AesKey, BaseStationId, DevAddr, DevEui, JoinEui
from veldnet.lorawan.gpstime import FineTime
from veldnet.lorawan.modulation import Lora, Modulation


class FrameKind(IntEnum):
    """Kind of a frame row."""

    UPLINK = 0
    DOWNLINK = 1
    JOIN_REQUEST = 2
    JOIN_ACCEPT = 3
    RESET = 4
    REFUSED = 5
    DOWNLINK_REJECTED = 6
    MULTICAST = 7
    MULTICAST_SUMMARY = 8
    LOCATION = 9


class Copy(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How one base station heard a frame. RSSI and SNR are None where it did not say them; `clock_error` is
    how many seconds its GPS clock was ahead of ours where that was wrong; no downlink can be timed by an
    `untimed` copy. `fine_time` is when it came, to the nanosecond, as GPS second and nanoseconds."""

    base_station: BaseStationId
    rssi: float | None
    snr: float | None
    received_at: float
    late: bool = False
    clock_error: float | None = None
    untimed: bool = False
    fine_time: FineTime | None = None


class BlockedCommand(msgspec.Struct, frozen=True, gc=False):
    """A MAC request that the device keeps refusing (`rejected`) or ignoring (`no answer`)."""

    name: str
    reason: str
    attempts: int


# Outcome of frames that are dropped because their base station is throttled.
FLOOD = "flood"


class UplinkRecord(msgspec.Struct, frozen=True, kw_only=True, tag="uplink", omit_defaults=True):
    """A data frame of a known session. `payload` is in clear only where the network has the AppSKey.

    `outcome` is `accepted` for a frame counted for the first time, `repeated` for one heard again.
    `next_fcnt_down` is the counter an application server must use for its next downlink.
    """

    id: int
    device_ref: int
    time: float
    outcome: str
    dev_addr: DevAddr
    confirmed: bool
    fctrl: int
    fcnt: int
    previous_fcnt: int | None
    fport: int | None
    payload: bytes
    encrypted: bool
    wrapped_app_s_key: bytes | None
    mic: bytes
    size: int
    copies: tuple[Copy, ...]
    frequency: int
    modulation: Modulation
    data_rate: int | None
    channel: int | None
    sub_band: str | None
    mac: bytes
    acknowledged_fcnt: int | None
    next_fcnt_down: int
    # The submission of the confirmed downlink that this uplink had to acknowledge, and what its sender calls
    # it; it did if `acknowledged_fcnt` is there.
    awaited_submission: int = 0
    awaited_correlation_id: str | None = None
    late: bool = False
    reported: bool = True
    battery: int | None = None
    margin: int | None = None
    status_at: float | None = None
    device_status: tuple[int, int] | None = None
    device_class: str = "A"
    # Seconds between the ping slots of class B, rounded down.
    ping_period: int | None = None
    # Packet error rates from 0 to 1; `gap` is the distance to the counter before, None for the first.
    gap: int | None = None
    instant_per: float = 0.0
    mean_per: float = 0.0
    # Beyond what the plan's regulator lets pass; `reported`: whether it was dropped for that.
    over_limit: bool = False
    # The data rate that the network last commanded, as a spreading factor, where that is LoRa's.
    commanded_sf: int | None = None
    # Of a repetition: how often the frame was sent, how often it should be, and seconds since the first time.
    transmissions: int = 1
    nb_trans: int = 1
    # What the device transmits with, in dBm EIRP, as commanded by the network and acknowledged.
    tx_power: float | None = None
    # A personalised device has reset its counters to 0 with this frame.
    automatic_reset: bool = False
    repeated_after: float = 0.0
    blocked: tuple[BlockedCommand, ...] = ()
    # DevNonce of a join whose session the device does not use, though it is still heard in the one before.
    unused_dev_nonce: int | None = None
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.UPLINK

    @property
    def best(self) -> Copy:
        return self.copies[0]

    @property
    def spreading_factor(self) -> int | None:
        """None where the modulation is not LoRa."""
        modulation = self.modulation
        return modulation.sf if isinstance(modulation, Lora) else None

    @property
    def other_data_rate(self) -> bool:
        """Whether the network commanded another spreading factor than this one."""
        commanded = self.commanded_sf
        return commanded is not None and commanded != self.spreading_factor


class JoinRecord(msgspec.Struct, frozen=True, kw_only=True, tag="join", omit_defaults=True):
    """A join-request or rejoin-request of a known device; `outcome` is `accepted` or the reason of the
    refusal. `rejoin_type` is None for a join-request; `dev_nonce` is the RJcount of a rejoin-request."""

    id: int
    device_ref: int
    time: float
    outcome: str
    phy_payload: bytes
    dev_eui: DevEui
    join_eui: JoinEui | None
    dev_nonce: int
    copies: tuple[Copy, ...]
    frequency: int
    modulation: Modulation
    data_rate: int | None
    channel: int | None
    sub_band: str | None
    dev_addr: DevAddr | None = None
    wrapped_app_s_key: bytes | None = None
    rejoin_type: int | None = None
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.JOIN_REQUEST

    @property
    def size(self) -> int:
        return len(self.phy_payload)

    @property
    def best(self) -> Copy:
        return self.copies[0]


class DownlinkRecord(msgspec.Struct, frozen=True, kw_only=True, tag="downlink", omit_defaults=True):
    """A downlink and what became of it. Causes are ThingPark's delivery-failure codes, `00` for success.

    `slot` is 0 unknown or none, 1 RX1, 2 RX2, 3 ping slot. `join_accept` frames carry no counter.
    """

    id: int
    device_ref: int
    time: float
    outcome: str
    join_accept: bool
    dev_addr: DevAddr | None
    fcnt: int | None
    fport: int | None
    payload: bytes
    size: int
    confirmed: bool
    from_application: bool
    correlation_id: str | None
    fcnt_up: int | None
    delivered: bool
    slot: int
    cause_rx1: str
    cause_rx2: str
    base_station: BaseStationId | None
    cause_ping: str = "00"
    frequency: int | None = None
    modulation: Modulation | None = None
    data_rate: int | None = None
    channel: int | None = None
    sub_band: str | None = None
    ack: bool = False
    fpending: bool = False
    mac: bytes = b""
    over_limit: bool = False
    # The counter that one that was dropped before it had any would have had.
    next_fcnt: int | None = None
    # The id of the submission of an application's downlink; 0 of others.
    submission: int = 0
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.JOIN_ACCEPT if self.join_accept else FrameKind.DOWNLINK


class DownlinkRejectedRecord(
    msgspec.Struct, frozen=True, kw_only=True, tag="downlink_rejected", omit_defaults=True
):
    """An accepted submission that the network had to refuse later; `cause` in the words of the interface."""

    id: int
    device_ref: int
    time: float
    outcome: str
    fport: int
    size: int
    cause: str
    correlation_id: str | None
    # Refused at once, so that whoever submitted it knows already.
    answered: bool = False
    over_limit: bool = False
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.DOWNLINK_REJECTED


class ResetRecord(msgspec.Struct, frozen=True, kw_only=True, tag="reset", omit_defaults=True):
    """The security context of a device was reset; `outcome` says by what."""

    id: int
    device_ref: int
    time: float
    outcome: str
    dev_addr: DevAddr | None
    size: int = 0
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.RESET


class RefusedRecord(msgspec.Struct, frozen=True, kw_only=True, tag="refused", omit_defaults=True):
    """A frame that belongs to no session or broke a rule; `device_ref` is 0 where no device is known."""

    id: int
    device_ref: int
    time: float
    outcome: str
    phy_payload: bytes
    copies: tuple[Copy, ...]
    frequency: int
    modulation: Modulation
    data_rate: int | None = None
    # The counter of a data frame whose MIC fits a session.
    fcnt: int | None = None
    fport: int | None = None
    # Of one repeated too often: see `UplinkRecord`.
    transmissions: int = 1
    repeated_after: float = 0.0
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.REFUSED

    @property
    def size(self) -> int:
        return len(self.phy_payload)

    @property
    def best(self) -> Copy:
        return self.copies[0]


class LocationRecord(msgspec.Struct, frozen=True, kw_only=True, tag="location", omit_defaults=True):
    """The network has located a device by one of its uplinks, or found why it cannot: `outcome` is the
    method, or the reason."""

    id: int
    device_ref: int
    time: float
    outcome: str
    dev_addr: DevAddr | None
    # The uplink, and the base stations whose time stamps do not fit the others'.
    frame: int
    location: NetworkLocation | None = None
    excluded: tuple[BaseStationId, ...] = ()
    # Borders of areas that it has crossed, and areas that do not watch it any more.
    crossings: tuple[Crossing, ...] = ()
    unwatched: tuple[int, ...] = ()
    size: int = 0
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.LOCATION


class MulticastRecord(msgspec.Struct, frozen=True, kw_only=True, tag="multicast", omit_defaults=True):
    """A downlink to a multicast group after its first attempt; `delivered` where a base station has sent it.
    `device_ref` is the group's (see `domain.groups`)."""

    id: int
    device_ref: int
    time: float
    outcome: str
    dev_addr: DevAddr
    fcnt: int
    fport: int
    payload: bytes
    size: int
    encrypted: bool
    correlation_id: str | None
    group_class: str
    frequency: int
    modulation: Modulation
    data_rate: int
    sub_band: str | None
    delivered: bool
    over_limit: bool = False
    submission: int = 0
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.MULTICAST


class MulticastSummaryRecord(
    msgspec.Struct, frozen=True, kw_only=True, tag="multicast_summary", omit_defaults=True
):
    """What became of a downlink to a multicast group after an attempt: `status` is PARTIAL where another one
    follows, SUCCESS or ABORTED. `causes` counts the base stations that failed by delivery-failure code."""

    id: int
    device_ref: int
    time: float
    outcome: str
    status: str
    dev_addr: DevAddr
    fcnt: int
    fport: int
    size: int
    correlation_id: str | None
    group_class: str
    attempt: int
    stations: int
    succeeded: int
    causes: dict[str, int]
    submission: int = 0
    decisions: tuple[str, ...] = ()

    @property
    def kind(self) -> FrameKind:
        return FrameKind.MULTICAST_SUMMARY


Record = (
    UplinkRecord
    | JoinRecord
    | DownlinkRecord
    | DownlinkRejectedRecord
    | ResetRecord
    | RefusedRecord
    | LocationRecord
    | MulticastRecord
    | MulticastSummaryRecord
)


def _encode_hook(value: object) -> object:
    if isinstance(value, AesKey):
        raise TypeError("a key has no place in a record")
    return str(value)


def _decode_hook(kind: type, value: object) -> object:
    return kind.parse(value)  # type: ignore[attr-defined]


_encoder = msgspec.json.Encoder(enc_hook=_encode_hook)
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record, dec_hook=_decode_hook)
_copies_decoder = msgspec.json.Decoder(tuple[Copy, ...], dec_hook=_decode_hook)


def encode_record(record: Record | tuple[Copy, ...]) -> bytes:
    """The body of a record, or late copies, as JSON."""
    return _encoder.encode(record)


def decode_record(body: bytes) -> Record:
    return _decoder.decode(body)


def decode_copies(body: bytes) -> tuple[Copy, ...]:
    return _copies_decoder.decode(body)
