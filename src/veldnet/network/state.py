"""State of a device as frozen values: a transition takes one and returns another.

The stored form is MessagePack with positional fields, so fields are only ever appended.
"""

from __future__ import annotations

from typing import Any

import msgspec

from veldnet.lorawan import AesKey, BaseStationId, DevAddr


class RadioParameters(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the device is known to use: set at the join, then by MAC commands it has confirmed."""

    rx1_delay: int
    rx1_dr_offset: int
    rx2_data_rate: int
    rx2_frequency: int
    ch_mask: int
    # Channels the device has defined; bit 0 is channel 0.
    defined_channels: int
    data_rate: int | None = None
    tx_power: int = 0
    nb_trans: int = 1
    max_duty_cycle: int = 0


class PendingRequest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A MAC request that was sent and not answered yet; `payload` is its wire form without the CID."""

    cid: int
    payload: bytes
    attempts: int = 1


class AwaitedAck(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A confirmed downlink whose acknowledgement the next uplink should bring."""

    fcnt: int
    correlation_id: str | None


class Session(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session of LoRaWAN 1.0.x; the fields of 1.1 are there and stay None or 0.

    `fcnt_up` is the last accepted counter, None before the first uplink; the downlink counters are the
    next to be used. `adr_history` holds packed samples, see `adr`.
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
    # (CID, refusals): after several the network asks no more in this session.
    refusals: tuple[tuple[int, int], ...] = ()
    adr_history: bytes = b""
    awaited_ack: AwaitedAck | None = None
    last_uplink_at: float | None = None
    last_base_station: BaseStationId | None = None
    status_asked_at: float | None = None


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


class InFlight(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A downlink that was decided, whose transmission no base station has reported on yet."""

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


def _encode_hook(value: Any) -> Any:
    if isinstance(value, AesKey):
        return value[:]
    if isinstance(value, DevAddr | BaseStationId):
        return int(value)
    raise NotImplementedError


def _decode_hook(kind: type, value: Any) -> Any:
    return kind(value)


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_hook)
_state_decoder = msgspec.msgpack.Decoder(DeviceState, dec_hook=_decode_hook)
_memory_decoder = msgspec.msgpack.Decoder(JoinMemory)


def encode_state(state: DeviceState) -> bytes:
    return _encoder.encode(state)


def decode_state(octets: bytes | None) -> DeviceState:
    return DeviceState() if octets is None else _state_decoder.decode(octets)


def encode_join_memory(memory: JoinMemory) -> bytes:
    return _encoder.encode(memory)


def decode_join_memory(octets: bytes | None) -> JoinMemory:
    return JoinMemory() if octets is None else _memory_decoder.decode(octets)
