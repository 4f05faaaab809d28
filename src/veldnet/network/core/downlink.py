"""Plan the downlink that answers an uplink: what it says, in which window, and why there is none."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.mac_commands import MacCommand, serialise
from veldnet.lorawan.radio import TransmitWindow
from veldnet.lorawan.regions import max_frm_payload

from . import queue
from .candidates import recall
from .context import Context
from .device_class import current_class
from .downlink_frame import FOPTS_LIMIT, Content, build, counter_ended, describe
from .events import AnswerDue, DataReceived, Event, Need, ReceivedFrame, Transmit
from .mac_commands import blocks
from .receive_windows import immediate_windows, windows_after
from .records import Record
from .state import DeviceState, QueuedDownlink, RadioParameters

# RX2 is chosen before a slower RX1 where it has at least so many dB to spare.
_COMFORTABLE = 5.0
# A frame's octets around FOpts and FRMPayload: MHDR, FHDR, FPort, MIC.
_OVERHEAD = 13


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The state with the downlink's counter spent, records of what was dropped on the way, the
    transmission or None, and words for the uplink's record."""

    state: DeviceState
    records: tuple[Record, ...]
    transmit: Transmit | None
    decisions: tuple[str, ...]


def room(context: Context[Event], radio: RadioParameters, data_rate: int) -> int:
    """Octets of FOpts and FRMPayload that a downlink at a data rate holds."""
    return max_frm_payload(
        context.channel_plan.region.downlink[data_rate],
        dwell=radio.downlink_dwell,
        repeater=context.network.repeater,
        early=context.profile.early_limits,
    )


def plan_downlink(
    context: Context[DataReceived | AnswerDue], state: DeviceState, data_rate: int, need: Need
) -> Plan:
    """Decide on the downlink after an uplink of the current session."""
    due = need.ack or need.adr_ack or need.answers or need.requests
    if not (due or state.queue):
        return Plan(state, (), None, ("no downlink: nothing to send",))
    slots = _open_slots(context, state, data_rate)
    if not slots:
        return Plan(state, (), None, (_why_closed(context.event.received),))
    state, records, chosen = queue.choose(context, state, max(s.room for s in slots))
    if chosen is None and not due:
        return Plan(state, records, None, ("no downlink: nothing to send",))
    if counter_ended(state, chosen):
        return Plan(state, records, None, ("no downlink: its counter has ended, the device must join again",))
    content = _compose(slots, chosen, need)
    if content is None:
        why = "no downlink: its MAC commands do not fit at the current data rate"
        return Plan(state, records, None, (why,))
    content = _at_any_time_too(context, state, content)
    late = context.now + context.network.class_c_timeout if content.windows[-1].immediate else None
    state, transmit = build(context, state, content, context.event.received.token, late)
    return Plan(state, records, transmit, (describe(content, state),))


class _Slot(msgspec.Struct, frozen=True, gc=False):
    """A receive window that is still ahead, at each base station, and the octets it holds."""

    windows: tuple[TransmitWindow, ...]
    room: int


def _why_closed(received: ReceivedFrame) -> str:
    copies = received.copies
    if all(copy.late for copy in copies):
        return "no downlink: no base station can still answer this frame"
    if not received.answerable:
        return "no downlink: no base station that heard it gave a counter (tmst) to time one by"
    return "no downlink: both receive windows are over"


def _open_slots(
    context: Context[DataReceived | AnswerDue], state: DeviceState, data_rate: int
) -> tuple[_Slot, ...]:
    """RX1 and RX2 as far as they are ahead; a device of class C listens in RX2 also when both are over."""
    session = state.session
    assert session is not None
    radio, region = session.radio, context.channel_plan.region
    copies, earliest = context.event.received.copies, context.now + context.network.lead
    slots = []
    for windows in windows_after(context.channel_plan, copies, data_rate, radio, radio.rx1_delay):
        ahead = tuple(window for window in windows if window.opens_at > earliest)
        if ahead:
            rate = region.downlink_data_rate(ahead[0].modulation) or 0
            slots.append(_Slot(ahead, room(context, radio, rate)))
    if not slots and current_class(context.device, session) == "C":
        at_once = immediate_windows(region, recall(session.heard_by), radio, context.now)
        if at_once:
            slots.append(_Slot(at_once, room(context, radio, radio.rx2_data_rate)))
    return tuple(slots)


def _compose(slots: tuple[_Slot, ...], chosen: QueuedDownlink | None, need: Need) -> Content | None:
    """Fit payload and MAC commands into the first window that holds the payload; None if nothing is left."""
    payload = len(chosen.payload) if chosen is not None else 0
    first = next(slot for slot in slots if slot.room >= payload)
    limit = min(FOPTS_LIMIT, first.room - payload) if chosen is not None else first.room
    mac = _fit_commands(need, limit)
    if chosen is None and not mac and not (need.ack or need.adr_ack):
        return None
    total = payload + len(serialise(mac))
    fitting = [slot for slot in slots if slot.room >= total]
    requests = tuple(command for command in mac if command in need.requests)
    return Content(chosen, mac, requests, need.ack, _in_order(fitting, total))


def _at_any_time_too(context: Context[Event], state: DeviceState, content: Content) -> Content:
    """A device of class C listens in RX2 also after the windows of its uplink: a downlink for which no base
    station is free in these goes later. An acknowledgement or MAC commands alone are of no use then."""
    session = state.session
    assert session is not None
    if (
        content.chosen is None
        or content.windows[0].immediate
        or current_class(context.device, session) != "C"
    ):
        return content
    radio = session.radio
    size = len(content.chosen.payload) + len(serialise(content.mac))
    if size > room(context, radio, radio.rx2_data_rate):
        return content
    at_once = immediate_windows(context.channel_plan.region, recall(session.heard_by), radio, context.now)
    return replace(content, windows=(*content.windows, *at_once))


def _fit_commands(need: Need, limit: int) -> tuple[MacCommand, ...]:
    """Whole answers, then requests. The requests of one atomic block go together or not at all."""
    fitting: list[MacCommand] = []
    for block in (*((answer,) for answer in need.answers), *blocks(need.requests)):
        size = sum(1 + command.SIZE for command in block)
        if size > limit:
            break
        limit -= size
        fitting.extend(block)
    return tuple(fitting)


def _in_order(slots: list[_Slot], total: int) -> tuple[TransmitWindow, ...]:
    """RX1 before RX2, unless RX2 is faster and reaches the device comfortably."""
    if len(slots) == 2:
        rx1, rx2 = (slot.windows[0] for slot in slots)
        size = total + _OVERHEAD
        faster = time_on_air(rx2.modulation, size, crc=False) < time_on_air(rx1.modulation, size, crc=False)
        if faster and rx2.margin >= min(_COMFORTABLE, rx1.margin):
            slots = [slots[1], slots[0]]
    return tuple(window for slot in slots for window in slot.windows)
