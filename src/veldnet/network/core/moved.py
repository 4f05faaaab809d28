"""Sessions that another network has opened and this one goes on with, without a join.

The address stays, although it may be of another NetID. Counters and nonces go on: whatever the other network
may have used since it was asked is skipped."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.regions import Channel, ChannelPlan

from .nonces import values as nonces_of
from .restoring import catch_up_memory, catch_up_state
from .sessions import default_radio
from .state import (
    ChannelMask,
    DeviceState,
    JoinMemory,
    RadioParameters,
    Session,
    decode_join_memory,
    decode_state,
    encode_join_memory,
    encode_state,
)

_BITMAP = 65536 // 8


class MovedRadio(msgspec.Struct, frozen=True, kw_only=True):
    """What a device uses, as far as the other network has said so; None where it has not.

    `channels` are those that the device knows, by index, beside the ones of the region; `enabled` the indexes
    of those in use.
    """

    rx1_delay: int | None = None
    rx1_dr_offset: int = 0
    rx2_data_rate: int | None = None
    rx2_frequency: int | None = None
    enabled: tuple[int, ...] | None = None
    channels: tuple[tuple[int, Channel], ...] = ()
    data_rate: int | None = None
    tx_power: int = 0
    nb_trans: int = 1
    max_duty_cycle: int = 0
    uplink_dwell: bool | None = None
    downlink_dwell: bool = False
    max_eirp_code: int | None = None
    ping_frequency: int = 0
    ping_data_rate: int | None = None
    dl_frequencies: tuple[tuple[int, int], ...] = ()


class MovedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session of LoRaWAN 1.0.x, with its NwkSKey as `f_nwk_s_int_key` alone, or of 1.1 with all keys.
    `fcnt_up` is the last counter that was accepted, the downlink counters are the next to be used."""

    dev_addr: DevAddr
    f_nwk_s_int_key: AesKey
    s_nwk_s_int_key: AesKey | None = None
    nwk_s_enc_key: AesKey | None = None
    app_s_key: AesKey | None = None
    fcnt_up: int | None = None
    n_fcnt_down: int = 0
    a_fcnt_down: int = 0
    confirmed_fcnt: int = 0
    radio: MovedRadio = MovedRadio()
    ping_periodicity: int | None = None
    device_mode: str | None = None
    rj_count0: int | None = None

    @property
    def version_11(self) -> bool:
        return self.s_nwk_s_int_key is not None


class Arrival(msgspec.Struct, frozen=True):
    """Where a session arrives: the channels of the network, the generation of its store, the time, and by how
    much downlink counters jump."""

    channel_plan: ChannelPlan
    generation: int
    now: float
    counter_jump: int


def moved_state(
    arrival: Arrival,
    session: MovedSession | None,
    pending: MovedSession | None,
    *,
    personalised: bool,
    heard: bytes | None = None,
) -> bytes:
    """The stored state of a device with a session, or one whose first uplink is still to come (`pending`).
    `heard` is its state here so far, of which counters go on."""
    known = () if heard is None else catch_up_state(decode_state(heard), arrival.generation).sessions
    made = [
        None if each is None else _gone_on(_session(arrival, each, personalised=personalised), known)
        for each in (session, pending)
    ]
    return encode_state(DeviceState(session=made[0], pending_session=made[1], generation=arrival.generation))


def _gone_on(session: Session, known: Sequence[Session]) -> Session:
    """A session with the counters that it has reached here, where it is known: no uplink is taken twice, and
    no downlink counter goes back."""
    for each in known:
        if (each.dev_addr, each.f_nwk_s_int_key) != (session.dev_addr, session.f_nwk_s_int_key):
            continue
        session = replace(
            session,
            n_fcnt_down=max(session.n_fcnt_down, each.n_fcnt_down),
            a_fcnt_down=max(session.a_fcnt_down, each.a_fcnt_down),
        )
        if each.fcnt_up is not None and each.fcnt_up >= (session.fcnt_up or 0):
            session = replace(
                session,
                fcnt_up=each.fcnt_up,
                last_mic=each.last_mic,
                repetitions=each.repetitions,
                last_uplink_at=each.last_uplink_at,
                last_base_station=each.last_base_station,
                heard_by=each.heard_by,
                gaps=each.gaps,
            )
    return session


def _session(arrival: Arrival, moved: MovedSession, *, personalised: bool) -> Session:
    jump = arrival.counter_jump
    return Session(
        dev_addr=moved.dev_addr,
        f_nwk_s_int_key=moved.f_nwk_s_int_key,
        s_nwk_s_int_key=moved.s_nwk_s_int_key,
        nwk_s_enc_key=moved.nwk_s_enc_key,
        app_s_key=moved.app_s_key,
        wrapped_app_s_key=None,
        opened_at=arrival.now,
        dev_nonce=0,
        radio=_radio(arrival.channel_plan, moved.radio),
        fcnt_up=moved.fcnt_up,
        n_fcnt_down=moved.n_fcnt_down + jump,
        a_fcnt_down=moved.a_fcnt_down + jump if moved.version_11 else 0,
        confirmed_fcnt=moved.confirmed_fcnt,
        rj_count0=moved.rj_count0,
        ping_periodicity=moved.ping_periodicity,
        device_mode=moved.device_mode,
        personalised=personalised,
    )


def _radio(channel_plan: ChannelPlan, moved: MovedRadio) -> RadioParameters:
    default = default_radio(channel_plan)
    defined = known_channels(channel_plan, moved)
    enabled = default.ch_mask if moved.enabled is None else _mask(moved.enabled) & defined
    return RadioParameters(
        rx1_delay=moved.rx1_delay or default.rx1_delay,
        rx1_dr_offset=moved.rx1_dr_offset,
        rx2_data_rate=default.rx2_data_rate if moved.rx2_data_rate is None else moved.rx2_data_rate,
        rx2_frequency=moved.rx2_frequency or default.rx2_frequency,
        ch_mask=ChannelMask(enabled or default.ch_mask),
        defined_channels=ChannelMask(defined),
        data_rate=moved.data_rate,
        tx_power=moved.tx_power,
        nb_trans=max(moved.nb_trans, 1),
        max_duty_cycle=moved.max_duty_cycle,
        uplink_dwell=default.uplink_dwell if moved.uplink_dwell is None else moved.uplink_dwell,
        downlink_dwell=moved.downlink_dwell,
        max_eirp_code=moved.max_eirp_code,
        ping_frequency=moved.ping_frequency,
        ping_data_rate=moved.ping_data_rate,
        dl_frequencies=moved.dl_frequencies,
    )


def known_channels(channel_plan: ChannelPlan, moved: MovedRadio) -> int:
    """Mask of the channels that mean the same to the device and to this network: those of the region, and of
    the others those on the frequency that this network has at the index. The rest is sent to it again."""
    region, ours = channel_plan.region, channel_plan.channels
    own = len(region.channels)
    mask = (1 << own) - 1
    for index, channel in moved.channels:
        if own <= index < len(ours) and ours[index].frequency == channel.frequency:
            mask |= 1 << index
        elif len(ours) <= index < region.max_channels:
            # One more than this network has, which it will be told to forget.
            mask |= 1 << index
    return mask


def strange_channels(channel_plan: ChannelPlan, moved: MovedRadio) -> list[int]:
    """Indexes of channels that the device uses and that are something else in this network, or nothing. An
    uplink of LoRaWAN 1.1 on one of them does not fit: its MIC covers the index of the channel."""
    ours, used = channel_plan.channels, moved.enabled
    return [
        index
        for index, channel in moved.channels
        if (used is None or index in used)
        and (index >= len(ours) or ours[index].frequency != channel.frequency)
    ]


def _mask(indexes: Iterable[int]) -> int:
    mask = 0
    for index in indexes:
        mask |= 1 << index
    return mask


def moved_join_memory(
    last_join_nonce: int, dev_nonces: Iterable[int], generation: int, known: bytes | None = None
) -> bytes:
    """What joins must not repeat: JoinNonces go on after `last_join_nonce`, and DevNonces were used; `known`
    is what was known of that here."""
    before = decode_join_memory(known)
    nonces = (*dev_nonces, *nonces_of(before.dev_nonces))
    used = sorted({nonce for nonce in nonces if 0 <= nonce < 65536})
    last_join_nonce = max(last_join_nonce, before.join_nonce)
    if len(used) * 2 < _BITMAP:
        packed = array("H", used).tobytes()
    else:
        bitmap = bytearray(_BITMAP)
        for nonce in used:
            bitmap[nonce >> 3] |= 1 << (nonce & 7)
        packed = bytes(bitmap)
    return encode_join_memory(
        JoinMemory(
            join_nonce=last_join_nonce,
            dev_nonces=packed,
            last_dev_nonce=used[-1] if used else None,
            generation=generation,
        )
    )


class StoredSessions(msgspec.Struct, frozen=True):
    """The sessions of a device, and what its joins must not repeat."""

    session: Session | None
    pending: Session | None
    join_nonce: int
    dev_nonces: tuple[int, ...]
    last_dev_nonce: int | None


def stored_sessions(state: bytes | None, join_memory: bytes | None, generation: int) -> StoredSessions:
    """What a device brings along when it moves from here."""
    current = catch_up_state(decode_state(state), generation)
    memory = catch_up_memory(decode_join_memory(join_memory), generation)
    return StoredSessions(
        current.session,
        current.pending_session,
        memory.join_nonce,
        tuple(nonces_of(memory.dev_nonces)),
        memory.last_dev_nonce,
    )
