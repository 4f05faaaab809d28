"""Downlinks that answer no uplink: to devices of class C at once, to devices of class B in a ping slot.

A queue of either class drains one frame after another: the report on one leads to the next. What has to
wait for a moment asks to be woken then.
"""

from __future__ import annotations

import msgspec

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.class_b import BEACON_GUARD, BEACON_PERIOD, next_ping_slot
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.radio import TransmitWindow

from . import queue
from .candidates import margin, recall
from .context import Context
from .device_class import current_class
from .downlink import room
from .downlink_frame import Content, build, counter_ended
from .events import Effect, Event, Wake
from .receive_windows import device_eirp, immediate_windows
from .records import Record
from .state import DeviceState, Session

# Ping slots that are tried one after the other.
_SLOTS = 4
# Around RX1 a device of class C does not listen in RX2.
_RX1_GUARD = 0.1


class Step(msgspec.Struct, frozen=True, gc=False):
    """What follows: the state, records of what left the queue, and effects."""

    state: DeviceState
    records: tuple[Record, ...] = ()
    effects: tuple[Effect, ...] = ()


def continue_sending(context: Context[Event], state: DeviceState, token: int) -> Step:
    """Send the next downlink that needs no uplink, or wait for its moment, or do nothing."""
    session = state.session
    if session is None or state.in_flight or not queue.waiting(state) or not context.channel_plan.served:
        return Step(state)
    kind = current_class(context.device, session)
    if kind == "A" or not context.device.active or context.device.shadow:
        return Step(state)
    quiet_until = _quiet_until(context, session)
    if quiet_until > context.now:
        return Step(state, effects=(Wake(quiet_until),))
    if kind == "C":
        return _at_once(context, state, session, token)
    return _in_ping_slot(context, state, session, token)


def _quiet_until(context: Context[Event], session: Session) -> float:
    """When the network may speak: after the answer to a confirmed downlink, and not into RX1."""
    awaited, now, timeout = session.awaited_ack, context.now, context.profile.responseTimeout
    if awaited is not None and now < awaited.sent_at + timeout:
        return awaited.sent_at + timeout
    if session.last_uplink_at is not None:
        rx1 = session.last_uplink_at + session.radio.rx1_delay
        if rx1 - 1.0 < now < rx1 + _RX1_GUARD:
            return rx1 + _RX1_GUARD
    return now


def _at_once(context: Context[Event], state: DeviceState, session: Session, token: int) -> Step:
    radio, now = session.radio, context.now
    windows = immediate_windows(context.channel_plan.region, recall(session.heard_by), radio, now)
    if not windows:
        return Step(state)
    limit = room(context, radio, radio.rx2_data_rate)
    return _send(context, state, windows, limit, token, now + context.network.class_c_timeout)


def _in_ping_slot(context: Context[Event], state: DeviceState, session: Session, token: int) -> Step:
    """Hand the frame over shortly before the slot, so that it waits in the queue, where it is safe."""
    windows = ping_windows(context, state, session)
    if not windows:
        # No base station that heard the device knows GPS time: the queue waits for an uplink.
        return Step(state)
    hand_over = windows[0].opens_at - context.network.class_b_lead
    if hand_over > context.now:
        return Step(state, effects=(Wake(hand_over),))
    data_rate = context.channel_plan.region.downlink_data_rate(windows[0].modulation) or 0
    return _send(context, state, windows, room(context, session.radio, data_rate), token, None)


def _send(
    context: Context[Event],
    state: DeviceState,
    windows: tuple[TransmitWindow, ...],
    limit: int,
    token: int,
    deadline: float | None,
) -> Step:
    """Send the first queued downlink of at most `limit` octets in one of the windows."""
    state, records, chosen = queue.choose(context, state, limit)
    if chosen is None or counter_ended(state, chosen):
        return Step(state, records)
    content = Content(chosen, (), (), False, windows)
    state, transmit = build(context, state, content, token, deadline)
    return Step(state, records, (transmit,))


def ping_windows(context: Context[Event], state: DeviceState, session: Session) -> tuple[TransmitWindow, ...]:
    """The next ping slots of a device at the base stations with GPS time that heard it."""
    region, radio = context.channel_plan.region, session.radio
    candidates = [candidate for candidate in recall(session.heard_by) if candidate.gps]
    assert session.ping_periodicity is not None
    if not candidates:
        return ()
    table = region.class_b
    rate = table.ping_data_rate if radio.ping_data_rate is None else radio.ping_data_rate
    modulation = region.downlink[rate].modulation
    size = max((len(item.payload) for item in state.queue), default=0) + 13
    airtime = time_on_air(modulation, size, crc=False) / 1000
    eirp = device_eirp(region, radio)
    windows = []
    after = unix_to_gps(context.now) + 2 * context.network.lead
    for _ in range(_SLOTS):
        slot = next_slot(session, after, airtime)
        frequency = radio.ping_frequency or ping_frequency(table.ping_frequencies, session, slot)
        power = region.downlink_power(frequency)
        windows += [
            TransmitWindow(
                candidate.base_station,
                3,
                frequency,
                modulation,
                gps_to_unix(slot),
                power,
                gps_time=slot,
                margin=margin(candidate.snr, eirp, power, modulation),
                region=region.name,
            )
            for candidate in candidates
        ]
        after = slot + 0.001
    return tuple(windows)


def next_slot(session: Session, after: float, airtime: float) -> float:
    """Start of the next ping slot, in GPS seconds, whose frame ends before the beacon's guard time."""
    assert session.ping_periodicity is not None
    ping_nb = 1 << 7 - session.ping_periodicity
    while True:
        slot = next_ping_slot(after, session.dev_addr, ping_nb)
        beacon = slot - slot % BEACON_PERIOD + BEACON_PERIOD
        if slot + airtime <= beacon - BEACON_GUARD:
            return slot
        after = slot + 0.001


def ping_frequency(frequencies: tuple[int, ...], session: Session, slot: float) -> int:
    """Where the slot is: fixed, or hopping with the beacon period (TS001-1.0.4 §14.4)."""
    return frequencies[(int(session.dev_addr) + int(slot // BEACON_PERIOD)) % len(frequencies)]
