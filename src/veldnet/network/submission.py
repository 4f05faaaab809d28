"""A downlink of an application server: queued, or refused with the code of ThingPark's interface."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.counters import MAX_FCNT_GAP

from .downlink import discarded
from .events import Answer, Device, DownlinkSubmitted, SubmissionRefusal, Transition
from .parameters import NetworkParameters
from .state import DeviceState, QueuedDownlink, Session
from .uplink import next_application_fcnt

MAX_PAYLOAD = 250


def submit_downlink(
    network: NetworkParameters, device: Device, state: DeviceState, event: DownlinkSubmitted, now: float
) -> Transition:
    """Judge a submission and append it to the queue; a flush takes effect even without a payload."""
    flushed = replace(state, queue=()) if event.flush else state
    if event.payload is None and event.flush:
        return Transition(flushed, effects=(Answer(None),))
    refusal = _refusal(network, device, flushed, event, now)
    if refusal is not None:
        return Transition(state, effects=(Answer(refusal),))
    assert event.payload is not None and event.fport is not None
    item = QueuedDownlink(
        id=event.id,
        fport=event.fport,
        payload=event.payload,
        fcnt=event.fcnt,
        confirmed=event.confirmed,
        expires_at=event.expires_at,
        correlation_id=event.correlation_id,
        submitted_at=now,
        for_pending_session=flushed.pending_session is not None,
    )
    if len(flushed.queue) >= network.queue_limit:
        record = discarded(device.row.ref, flushed.session, item, now, "E1", "the queue is full")
        return Transition(flushed, (record,), (Answer(None),))
    return Transition(replace(flushed, queue=(*flushed.queue, item)), effects=(Answer(None),))


def _refusal(
    network: NetworkParameters, device: Device, state: DeviceState, event: DownlinkSubmitted, now: float
) -> SubmissionRefusal | None:
    plan = device.plan
    session = state.pending_session or state.session
    if plan is None or not plan.downlinkTransmission or not device.active:
        return SubmissionRefusal(114, "Downlink transmission disabled")
    if event.confirmed and not plan.ackedDownlinkFrame:
        return SubmissionRefusal(103, "Confirmed downlink is not authorized for this device")
    if event.payload is None or not event.payload:
        return SubmissionRefusal(118, "Invalid payload. Must not be empty")
    if event.fport is None or not 1 <= event.fport <= 224:
        return SubmissionRefusal(104, "Invalid LoRa port")
    if len(event.payload) > MAX_PAYLOAD:
        return SubmissionRefusal(113, "Payload too big or invalid size", max_size=MAX_PAYLOAD)
    if event.expires_at is not None and event.expires_at <= now:
        return SubmissionRefusal(112, "ValidityTime expired or invalid")
    if session is None:
        return SubmissionRefusal(115, "No Base Station Available")
    return _size_refusal(network, session, len(event.payload)) or _counter_refusal(state, session, event)


def _size_refusal(network: NetworkParameters, session: Session, size: int) -> SubmissionRefusal | None:
    """The payload must fit into RX1 or RX2 at the data rate that the device uses now."""
    region = network.channel_plan.region
    radio = session.radio
    limits = [region.max_frm_payload(radio.rx2_data_rate)]
    if radio.data_rate is not None:
        limits.append(region.max_frm_payload(region.rx1_data_rate(radio.data_rate, radio.rx1_dr_offset)))
    else:
        # Not heard yet in this session: it may answer at any data rate.
        limits.append(max(region.max_frm_payload(rate) for rate in region.data_rates))
    if size <= max(limits):
        return None
    return SubmissionRefusal(
        116,
        "Invalid payload size according to currents DR",
        max_size=max(limits),
        rx2_dr=radio.rx2_data_rate,
    )


def _counter_refusal(
    state: DeviceState, session: Session, event: DownlinkSubmitted
) -> SubmissionRefusal | None:
    expected = next_application_fcnt(state)
    if event.fcnt is None:
        if session.app_s_key is None:
            return SubmissionRefusal(
                119, "Payload must be provided encrypted with the downlink counter value", expected
            )
        return None
    if event.fcnt < expected:
        return SubmissionRefusal(101, f"Downlink counter value already used. Expected={expected}", expected)
    if event.fcnt - expected > MAX_FCNT_GAP:
        return SubmissionRefusal(
            102, f"Downlink counter value increment too large. Expected={expected}", expected
        )
    return None
