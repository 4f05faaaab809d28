"""State of a device as frozen values: a transition takes one and returns another.

The stored form is MessagePack with positional fields, so fields are only ever appended.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import AesKey, BaseStationId, DevAddr


class ChannelMask(int):
    """Channels as bits, bit 0 for channel 0; there may be more than a MessagePack integer has bits."""


class RadioParameters(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the device is known to use: set at the join, then by MAC commands it has confirmed."""

    rx1_delay: int
    rx1_dr_offset: int
    rx2_data_rate: int
    rx2_frequency: int
    ch_mask: ChannelMask
    # Channels the device has defined.
    defined_channels: ChannelMask
    data_rate: int | None = None
    tx_power: int = 0
    nb_trans: int = 1
    max_duty_cycle: int = 0
    uplink_dwell: bool = False
    downlink_dwell: bool = False
    # TxParamSetupReq's code; None until the device has taken one.
    max_eirp_code: int | None = None
    adr_limit_exp: int = 6
    adr_delay_exp: int = 5
    # RejoinParamSetupReq's octet; None until the device has taken one.
    rejoin_setup: int | None = None
    # Class B; a frequency of 0 is the region's default.
    beacon_frequency: int = 0
    ping_frequency: int = 0
    ping_data_rate: int | None = None
    # Downlink frequencies that DlChannelReq changed, by channel.
    dl_frequencies: tuple[tuple[int, int], ...] = ()


class Bucket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Tokens left in a regulator's bucket at a time, Unix seconds."""

    tokens: float
    at: float


class PendingRequest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A MAC request that was sent and not answered yet; `payload` is its wire form without the CID. The
    requests of an atomic block are one, their payloads joined."""

    cid: int
    payload: bytes
    attempts: int = 1
    sent_at: float = 0.0


class AwaitedAck(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A confirmed downlink whose acknowledgement the next uplink should bring."""

    fcnt: int
    correlation_id: str | None
    sent_at: float = 0.0
    # The id of its submission, 0 of one that was sent before ids were kept here.
    submission: int = 0


class Refusals(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How often a device has refused a MAC command since it last took one, and when it did last."""

    cid: int
    count: int
    last_at: float = 0.0


class PortKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An AppSKey of a personalised device for a range of ports, both ends included."""

    first: int
    last: int
    key: AesKey


class Session(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session. One of LoRaWAN 1.0.x has one network key and one downlink counter, `n_fcnt_down`.

    `fcnt_up` is the last accepted counter, None before the first uplink; the downlink counters are the
    next to be used. `adr_history` and `heard_by` hold packed samples, see `adr` and `candidates`.
    """

    dev_addr: DevAddr
    f_nwk_s_int_key: AesKey
    s_nwk_s_int_key: AesKey | None
    nwk_s_enc_key: AesKey | None
    app_s_key: AesKey | None
    wrapped_app_s_key: bytes | None
    opened_at: float
    dev_nonce: int
    radio: RadioParameters
    fcnt_up: int | None = None
    n_fcnt_down: int = 0
    a_fcnt_down: int = 0
    last_mic: bytes = b""
    repetitions: int = 0
    pending_requests: tuple[PendingRequest, ...] = ()
    refusals: tuple[Refusals, ...] = ()
    adr_history: bytes = b""
    awaited_ack: AwaitedAck | None = None
    last_uplink_at: float | None = None
    last_base_station: BaseStationId | None = None
    status_asked_at: float | None = None
    # Counter of the confirmed downlink sent last, for the MIC of its acknowledgement in 1.1.
    confirmed_fcnt: int = 0
    rj_count0: int | None = None
    class_b: bool = False
    ping_periodicity: int | None = None
    # The class a 1.1 device has announced.
    device_mode: str | None = None
    heard_by: bytes = b""
    # Highest data rate and TXPower index that the device has not refused.
    adr_caps: tuple[int, int] | None = None
    personalised: bool = False
    rejoin_wanted: bool = False
    # The data rate of the last LinkADRReq that the device took.
    commanded_data_rate: int | None = None
    # Distances of the last FCntUp, two octets each, and the smoothed error rate; see `error_rate`.
    gaps: bytes = b""
    smoothed_per: float = 0.0
    # Data rates of the LinkADRReq since then, a bit each: it may have taken one and the answer be lost.
    offered_data_rates: int = 0
    # A personalised device may have several AppSKeys; ports beside these have `app_s_key`.
    port_keys: tuple[PortKey, ...] = ()

    def application_key(self, fport: int) -> AesKey | None:
        """The AppSKey of a port, None where the network does not know it."""
        for entry in self.port_keys:
            if entry.first <= fport <= entry.last:
                return entry.key
        return self.app_s_key

    @property
    def version_11(self) -> bool:
        """Whether the session has the four keys of LoRaWAN 1.1."""
        return self.s_nwk_s_int_key is not None

    @property
    def mac_key(self) -> AesKey:
        """The key that encrypts MAC commands on FPort 0, and in FOpts of 1.1."""
        return self.nwk_s_enc_key or self.f_nwk_s_int_key

    @property
    def application_fcnt(self) -> int:
        """The next counter of a downlink with an application payload."""
        return self.a_fcnt_down if self.version_11 else self.n_fcnt_down


class QueuedDownlink(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A downlink of an application server that waits for the device to listen.

    `fcnt` is set when the server encrypted the payload itself, with that counter.
    """

    id: int
    fport: int
    payload: bytes
    fcnt: int | None
    confirmed: bool
    expires_at: float | None
    correlation_id: str | None
    submitted_at: float
    # Meant for the session that a join opened and no uplink has confirmed yet.
    for_pending_session: bool = False
    # Higher goes first, among downlinks that the network encrypts.
    priority: int = 0
    # An answer of the network itself, for a package; application servers are told nothing of it.
    from_network: bool = False


class InFlight(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A downlink that was decided, whose transmission no base station has reported on yet. `base_station` is
    the first one that was to send it."""

    token: int
    base_station: BaseStationId
    planned_at: float
    join_accept: bool
    dev_addr: DevAddr
    fcnt: int
    fport: int | None
    payload: bytes
    size: int
    confirmed: bool
    ack: bool
    from_application: bool
    correlation_id: str | None
    fcnt_up: int | None
    mac: bytes = b""
    fpending: bool = False
    over_limit: bool = False
    # The id of the submission of an application's downlink.
    submission: int = 0


class DeviceState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything the network remembers of a device, but for the nonces of its joins."""

    session: Session | None = None
    pending_session: Session | None = None
    queue: tuple[QueuedDownlink, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    battery: int | None = None
    margin: int | None = None
    status_at: float | None = None
    # Grows when a backup is restored; a state of an older generation skips downlink counters.
    generation: int = 0
    uplink_bucket: Bucket | None = None
    downlink_bucket: Bucket | None = None

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The pending session first, for it is the one a joined device uses next."""
        pending, session = self.pending_session, self.session
        if pending is None:
            return () if session is None else (session,)
        return (pending,) if session is None else (pending, session)


class JoinMemory(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What joins must never repeat: the last JoinNonce given and the DevNonces accepted (see `nonces`)."""

    join_nonce: int = 0
    dev_nonces: bytes = b""
    last_dev_nonce: int | None = None
    generation: int = 0
    # RJcount1 of the last rejoin-request of type 1 accepted; it is never reset.
    last_rj_count1: int | None = None


def _encode_hook(value: object) -> object:
    if isinstance(value, AesKey):
        return value[:]
    if isinstance(value, ChannelMask):
        return int(value) if value < 1 << 63 else value.to_bytes(12, "little")
    if isinstance(value, DevAddr | BaseStationId):
        return int(value)
    raise NotImplementedError


def _decode_hook(kind: type, value: object) -> object:
    if kind is ChannelMask and isinstance(value, bytes):
        return ChannelMask(int.from_bytes(value, "little"))
    return kind(value)


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_hook)
_state_decoder = msgspec.msgpack.Decoder(DeviceState, dec_hook=_decode_hook)
_memory_decoder = msgspec.msgpack.Decoder(JoinMemory)


def encode_state(state: DeviceState) -> bytes:
    return _encoder.encode(state)


def decode_state(octets: bytes | None) -> DeviceState:
    if octets is None:
        return DeviceState()
    state = _state_decoder.decode(octets)
    session = state.session
    return (
        state if session is None else replace(state, session=replace(session, radio=_shared(session.radio)))
    )


# Most devices of a network use the same parameters, so most share one value.
_radios: dict[RadioParameters, RadioParameters] = {}
_MAX_SHARED = 10_000


def _shared(radio: RadioParameters) -> RadioParameters:
    if len(_radios) >= _MAX_SHARED:
        _radios.clear()
    return _radios.setdefault(radio, radio)


_NO_JOINS = JoinMemory()


def encode_join_memory(memory: JoinMemory) -> bytes:
    return _encoder.encode(memory)


def decode_join_memory(octets: bytes | None) -> JoinMemory:
    return _NO_JOINS if octets is None else _memory_decoder.decode(octets)
