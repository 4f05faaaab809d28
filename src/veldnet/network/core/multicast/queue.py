"""A downlink to a multicast group: queued or refused, then sent with a counter of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.counters import MAX_FCNT, MAX_FCNT_GAP
from veldnet.network.core.events import DownlinkRequest, SubmissionRefusal
from veldnet.network.core.records import MulticastRecord, MulticastSummaryRecord
from veldnet.network.core.regulator import filled, take

from .group import GroupContext, frequency_of
from .state import GroupState, QueuedFrame, Sending, StationResult

SUCCESS, PARTIAL, ABORTED = "SUCCESS", "PARTIAL", "ABORTED"
# Seconds from the beginning of an attempt to the next.
REPEAT = {"B": 256.0, "C": 60.0}
# Causes of base stations that were not eligible: no GPS time, not connected.
INELIGIBLE = frozenset({"DC", "DD"})
_SENT = "00"


class Step(msgspec.Struct, frozen=True, gc=False):
    """What follows: the state, records, and after an attempt what became of it at each base station."""

    state: GroupState
    records: tuple[MulticastRecord | MulticastSummaryRecord, ...] = ()
    results: tuple[StationResult, ...] = ()


def next_counter(state: GroupState) -> int:
    """The counter that a submission must not be below."""
    fixed = [frame.fcnt + 1 for frame in state.queue if frame.fcnt is not None]
    waiting = sum(frame.fcnt is None for frame in state.queue)
    return max([state.fcnt_down + waiting, *fixed])


def submit(
    context: GroupContext, state: GroupState, request: DownlinkRequest, frame_id: int, stations: int
) -> tuple[GroupState, SubmissionRefusal | None]:
    """Judge a submission and append it to the queue; `stations` is how many base stations the group has. A
    flush drops what waits, not what is being sent."""
    flushed = replace(state, queue=()) if request.flush else state
    if request.payload is None and request.flush:
        return flushed, None
    refusal = _refusal(context, flushed, request, stations)
    if refusal is not None:
        return state, refusal
    assert request.payload is not None and request.fport is not None
    frame = QueuedFrame(
        id=frame_id,
        fport=request.fport,
        payload=request.payload,
        fcnt=request.fcnt,
        submitted_at=context.now,
        expires_at=request.expires_at,
        correlation_id=request.correlation_id,
        retry_ineligible=request.retry_ineligible,
    )
    return replace(flushed, queue=(*flushed.queue, frame)), None


def _refusal(
    context: GroupContext, state: GroupState, request: DownlinkRequest, stations: int
) -> SubmissionRefusal | None:
    plan, payload = context.plan, request.payload
    if plan is None or not plan.downlinkTransmission:
        return SubmissionRefusal(114, "Downlink transmission disabled")
    if request.confirmed:
        return SubmissionRefusal(103, "Confirmed downlink is not authorized for this device")
    if not payload:
        return SubmissionRefusal(118, "Invalid payload. Must not be empty")
    if request.fport is None or not 1 <= request.fport <= 223:
        return SubmissionRefusal(104, "Invalid LoRa port")
    if request.expires_at is not None and request.expires_at <= context.now:
        return SubmissionRefusal(112, "ValidityTime expired or invalid")
    if context.region is None or not 0 < stations <= plan.multicastMaxLrrCells:
        return SubmissionRefusal(115, "No Base Station Available")
    if len(payload) > context.room:
        rate = context.data_rate
        return SubmissionRefusal(
            116,
            "Invalid payload size according to currents DR",
            max_size=context.room,
            rx2_dr=rate if context.row.group_class == "C" else None,
            ping_slot_dr=rate if context.row.group_class == "B" else None,
        )
    if len(state.queue) >= context.network.queue_limit:
        return SubmissionRefusal(121, "Too many downlinks wait for the group")
    return _counter_refusal(context, state, request) or _rate_refusal(context, state)


def _counter_refusal(
    context: GroupContext, state: GroupState, request: DownlinkRequest
) -> SubmissionRefusal | None:
    expected = next_counter(state)
    if expected > MAX_FCNT:
        return SubmissionRefusal(102, "The downlink counters of the group are used up: create another group")
    if request.fcnt is None:
        if context.keys.app_s_key is None:
            return SubmissionRefusal(
                119, "Payload must be provided encrypted with the downlink counter value", expected
            )
        return None
    if request.fcnt < expected:
        return SubmissionRefusal(101, f"Downlink counter value already used. Expected={expected}", expected)
    if request.fcnt - expected > MAX_FCNT_GAP or request.fcnt > MAX_FCNT:
        return SubmissionRefusal(
            102, f"Downlink counter value increment too large. Expected={expected}", expected
        )
    return None


# The plan drops what exceeds its downlink rate.
OVER_RATE = SubmissionRefusal(121, "Token bucket limit reached")


def _rate_refusal(context: GroupContext, state: GroupState) -> SubmissionRefusal | None:
    assert context.plan is not None
    regulator = context.plan.downlink_regulator
    if regulator is None or not regulator.drop:
        return None
    if filled(regulator, state.bucket, context.now) - len(state.queue) < 1.0:
        return OVER_RATE
    return None


def begin(context: GroupContext, state: GroupState, stations: Sequence[BaseStationId]) -> Step:
    """Take the next downlink off the queue and spend its counter; the state must be durable before anything
    of it is sent. What can no longer be sent leaves the queue with a record."""
    records: list[MulticastRecord | MulticastSummaryRecord] = []
    queue = state.queue
    while queue and state.sending is None:
        head, queue = queue[0], queue[1:]
        counter = state.fcnt_down if head.fcnt is None else head.fcnt
        cause = _discarded(context, state, head, counter)
        if cause is not None:
            records.append(_dropped(context, head, counter, cause))
            continue
        assert context.plan is not None
        over, bucket, regulator = False, state.bucket, context.plan.downlink_regulator
        if regulator is not None:
            bucket, over = take(regulator, bucket, context.now)
        sending = Sending(
            frame=head,
            fcnt=counter,
            fpending=context.row.group_class == "B" and bool(queue),
            attempt=1,
            begun_at=context.now,
            attempt_at=context.now,
            stations=tuple(StationResult(int(station)) for station in stations),
            over_limit=over,
        )
        state = replace(state, fcnt_down=counter + 1, sending=sending, bucket=bucket)
    return Step(replace(state, queue=queue), tuple(records))


def _discarded(context: GroupContext, state: GroupState, head: QueuedFrame, counter: int) -> str | None:
    """Why a downlink that waits can no longer be sent, as a delivery-failure cause."""
    if head.expires_at is not None and head.expires_at < context.now:
        return "E3"
    if counter < state.fcnt_down or counter > MAX_FCNT:
        return "E2"
    if context.plan is None or not context.plan.downlinkTransmission or context.region is None:
        return "E4"
    if head.fcnt is None and context.keys.app_s_key is None:
        return "E4"
    return "E1" if len(head.payload) > context.room else None


def finish_attempt(
    context: GroupContext, state: GroupState, causes: dict[int, str], ids: tuple[int, int]
) -> Step:
    """An attempt is over; `causes` says what became of it by base station, `ids` name the records. Base
    stations that failed are tried again, as often as the plan says."""
    sending = state.sending
    assert sending is not None
    stations = tuple(_result(station, sending, causes) for station in sending.stations)
    sending = replace(sending, stations=stations)
    counted = sending.counted
    most = 1 if context.plan is None else context.plan.multicastMaxTransmissions
    if counted and all(station.sent for station in counted):
        status = SUCCESS
    elif not counted or sending.attempt >= most:
        status = ABORTED
    else:
        status = PARTIAL
    records: list[MulticastRecord | MulticastSummaryRecord] = []
    if sending.attempt == 1 and context.region is not None:
        records.append(_record(context, sending, ids[0]))
    records.append(_summary(context, sending, ids[1], status))
    if status != PARTIAL:
        return Step(replace(state, sending=None), tuple(records), stations)
    following = replace(
        sending,
        attempt=sending.attempt + 1,
        attempt_at=max(sending.attempt_at + REPEAT[context.row.group_class], context.now),
    )
    return Step(replace(state, sending=following), tuple(records), stations)


def _result(station: StationResult, sending: Sending, causes: dict[int, str]) -> StationResult:
    cause = causes.get(station.base_station)
    if cause is None:
        return station
    left_out = sending.attempt == 1 and cause in INELIGIBLE and not sending.frame.retry_ineligible
    return replace(station, cause=cause, attempts=station.attempts + 1, left_out=left_out)


def pending(sending: Sending) -> tuple[BaseStationId, ...]:
    """The base stations that have still to send the frame."""
    return tuple(BaseStationId(station.base_station) for station in sending.counted if not station.sent)


def distribution(stations: Sequence[StationResult]) -> dict[str, int]:
    """How many base stations failed for each cause."""
    counts: dict[str, int] = {}
    for station in stations:
        if not station.sent:
            cause = station.cause or "B0"
            counts[cause] = counts.get(cause, 0) + 1
    return dict(sorted(counts.items()))


def _record(context: GroupContext, sending: Sending, record_id: int) -> MulticastRecord:
    region, frame = context.region, sending.frame
    assert region is not None
    frequency = frequency_of(context.row, region, None if context.row.group_class == "C" else 0.0)
    band = region.sub_band(frequency)
    sent = sum(station.sent for station in sending.stations)
    words = f"{sent} of {len(sending.counted)} base stations sent it at the first attempt"
    return MulticastRecord(
        id=record_id,
        device_ref=context.row.journal_ref,
        time=context.now,
        outcome="sent" if sent else "failed",
        dev_addr=context.dev_addr,
        fcnt=sending.fcnt,
        fport=frame.fport,
        payload=frame.payload,
        size=len(frame.payload),
        encrypted=frame.fcnt is not None,
        correlation_id=frame.correlation_id,
        group_class=context.row.group_class,
        frequency=frequency,
        modulation=context.modulation,
        data_rate=context.data_rate,
        sub_band=None if band is None else band.name,
        delivered=bool(sent),
        over_limit=sending.over_limit,
        submission=frame.id,
        decisions=(words,),
    )


def _summary(context: GroupContext, sending: Sending, record_id: int, status: str) -> MulticastSummaryRecord:
    counted, frame = sending.counted, sending.frame
    sent = sum(station.sent for station in counted)
    return MulticastSummaryRecord(
        id=record_id,
        device_ref=context.row.journal_ref,
        time=context.now,
        outcome=status.lower(),
        status=status,
        dev_addr=context.dev_addr,
        fcnt=sending.fcnt,
        fport=frame.fport,
        size=len(frame.payload),
        correlation_id=frame.correlation_id,
        group_class=context.row.group_class,
        attempt=sending.attempt,
        stations=len(counted),
        succeeded=sent,
        causes=distribution(counted),
        submission=frame.id,
        decisions=_words(sending, status, sent, len(counted)),
    )


def _words(sending: Sending, status: str, sent: int, of: int) -> tuple[str, ...]:
    left_out = len(sending.stations) - of
    parts = [f"attempt {sending.attempt}: {sent} of {of} base stations have sent it"]
    if left_out:
        parts.append(f"{left_out} were not eligible and are left out")
    if status == ABORTED:
        parts.append("no further attempt")
    return tuple(parts)


_REASONS = {
    "E1": "it does not fit at the group's data rate",
    "E2": "its counter is used already",
    "E3": "validity expired",
    "E4": "the group has no service",
}


def _dropped(context: GroupContext, head: QueuedFrame, counter: int, cause: str) -> MulticastSummaryRecord:
    """A downlink that is never sent; the record keeps the submission's identifier."""
    return MulticastSummaryRecord(
        id=head.id,
        device_ref=context.row.journal_ref,
        time=context.now,
        outcome="discarded",
        status=ABORTED,
        dev_addr=context.dev_addr,
        fcnt=min(counter, MAX_FCNT),
        fport=head.fport,
        size=len(head.payload),
        correlation_id=head.correlation_id,
        group_class=context.row.group_class,
        attempt=0,
        stations=0,
        succeeded=0,
        causes={cause: 0},
        submission=head.id,
        decisions=(f"discarded: {_REASONS[cause]}",),
    )
