"""A downlink of an application server: queued, or refused with the code of ThingPark's interface."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.counters import MAX_FCNT, MAX_FCNT_GAP

from .context import Context
from .device_class import current_class
from .downlink import room
from .events import Answer, DownlinkSubmitted, SubmissionRefusal, Transition
from .queue import discarded, insert, without
from .records import DownlinkRejectedRecord
from .regulator import refuses_downlink
from .state import DeviceState, QueuedDownlink, Session
from .unsolicited import continue_sending
from .uplink_record import next_application_fcnt

MAX_PAYLOAD = 250


def submit_downlink(context: Context[DownlinkSubmitted], state: DeviceState) -> Transition:
    """Judge a submission and append it to the queue; a flush takes effect even without a payload."""
    event = context.event
    flushed = replace(state, queue=()) if event.flush else state
    if event.payload is None and event.flush:
        return Transition(flushed, effects=(Answer(event.token, None),))
    refusal = _refusal(context, flushed)
    if refusal is not None:
        return Transition(state, effects=(Answer(event.token, refusal),))
    assert event.payload is not None and event.fport is not None
    if refuses_downlink(context.plan, flushed, context.now):
        refusal = SubmissionRefusal(121, "Token bucket limit reached")
        return Transition(state, (_over_limit(context),), (Answer(event.token, refusal),))
    item = QueuedDownlink(
        id=event.id,
        fport=event.fport,
        payload=event.payload,
        fcnt=event.fcnt,
        confirmed=event.confirmed,
        expires_at=event.expires_at,
        correlation_id=event.correlation_id,
        submitted_at=context.now,
        for_pending_session=flushed.pending_session is not None,
        priority=event.priority,
    )
    if len(flushed.queue) >= context.network.queue_limit:
        record = discarded(context, flushed.session, item, "E1", "the queue is full")
        return Transition(flushed, (record,), (Answer(event.token, None),))
    queued = replace(flushed, queue=insert(flushed.queue, item))
    step = continue_sending(context, queued, event.token)
    return Transition(step.state, step.records, (Answer(event.token, None), *step.effects))


def cancel_downlink(state: DeviceState, submission: int) -> Transition:
    """Take a downlink that still waits out of the queue; the same state where none such waits."""
    queue = without(state.queue, submission)
    return Transition(state if queue is state.queue else replace(state, queue=queue))


def _over_limit(context: Context[DownlinkSubmitted]) -> DownlinkRejectedRecord:
    event = context.event
    assert event.payload is not None and event.fport is not None
    return DownlinkRejectedRecord(
        id=event.id,
        device_ref=context.device.row.ref,
        time=context.now,
        outcome="over_limit",
        fport=event.fport,
        size=len(event.payload),
        cause="Token bucket limit reached",
        correlation_id=event.correlation_id,
        answered=True,
        over_limit=True,
        decisions=("the plan's downlink rate is used up",),
    )


def _refusal(context: Context[DownlinkSubmitted], state: DeviceState) -> SubmissionRefusal | None:
    plan, event = context.plan, context.event
    session = state.pending_session or state.session
    if context.device.shadow:
        return SubmissionRefusal(114, "Downlink transmission disabled: the device is in shadow")
    if not plan.downlinkTransmission or not context.device.active:
        return SubmissionRefusal(114, "Downlink transmission disabled")
    if event.confirmed and not plan.ackedDownlinkFrame:
        return SubmissionRefusal(103, "Confirmed downlink is not authorized for this device")
    if event.payload is None or not event.payload:
        return SubmissionRefusal(118, "Invalid payload. Must not be empty")
    if event.fport is None or not 1 <= event.fport <= 224:
        return SubmissionRefusal(104, "Invalid LoRa port")
    if len(event.payload) > MAX_PAYLOAD:
        return SubmissionRefusal(113, "Payload too big or invalid size", max_size=MAX_PAYLOAD)
    if event.expires_at is not None and event.expires_at <= context.now:
        return SubmissionRefusal(112, "ValidityTime expired or invalid")
    if session is None or not context.channel_plan.served:
        return SubmissionRefusal(115, "No Base Station Available")
    return _size_refusal(context, session, len(event.payload)) or _counter_refusal(state, session, event)


def _size_refusal(
    context: Context[DownlinkSubmitted], session: Session, size: int
) -> SubmissionRefusal | None:
    """The payload must fit into RX1, RX2 or a ping slot at the data rates that the device uses now."""
    region, radio = context.channel_plan.region, session.radio
    kind = current_class(context.device, session)
    rates = {radio.rx2_data_rate}
    ping = region.class_b.ping_data_rate if radio.ping_data_rate is None else radio.ping_data_rate
    if kind == "B":
        rates.add(ping)
    if kind == "A" and radio.data_rate is None:
        # Not heard yet in this session: it may answer at any data rate.
        rates |= set(region.downlink)
    elif kind != "C" and radio.data_rate is not None:
        rates.add(region.rx1_data_rate(radio.data_rate, radio.rx1_dr_offset, dwell=radio.downlink_dwell))
    limit = max(room(context, radio, rate) for rate in rates)
    if size <= limit:
        return None
    return SubmissionRefusal(
        116,
        "Invalid payload size according to currents DR",
        max_size=limit,
        rx2_dr=radio.rx2_data_rate,
        ping_slot_dr=ping if kind == "B" else None,
    )


def _counter_refusal(
    state: DeviceState, session: Session, event: DownlinkSubmitted
) -> SubmissionRefusal | None:
    expected = next_application_fcnt(state)
    if event.fcnt is None:
        if session.application_key(event.fport or 0) is None:
            return SubmissionRefusal(
                119, "Payload must be provided encrypted with the downlink counter value", expected
            )
        return None
    if event.fcnt < expected:
        return SubmissionRefusal(101, f"Downlink counter value already used. Expected={expected}", expected)
    if event.fcnt - expected > MAX_FCNT_GAP or event.fcnt > MAX_FCNT:
        return SubmissionRefusal(
            102, f"Downlink counter value increment too large. Expected={expected}", expected
        )
    return None
