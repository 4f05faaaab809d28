"""Downlink queue of a device: which goes next, and which are discarded."""

from __future__ import annotations

from msgspec.structs import replace

from .context import Context
from .events import Event
from .records import DownlinkRecord, DownlinkRejectedRecord, Record
from .state import DeviceState, QueuedDownlink, Session


def waiting(state: DeviceState) -> bool:
    """Whether something waits for the current session."""
    return any(not item.for_pending_session for item in state.queue)


def insert(queue: tuple[QueuedDownlink, ...], item: QueuedDownlink) -> tuple[QueuedDownlink, ...]:
    """The queue with one downlink more. It overtakes those of lower priority, but none whose counter the
    application server has fixed, for that would use the counter up."""
    if item.fcnt is not None or not item.priority:
        return (*queue, item)
    position = len(queue)
    while position and queue[position - 1].fcnt is None and queue[position - 1].priority < item.priority:
        position -= 1
    return (*queue[:position], item, *queue[position:])


def choose(
    context: Context[Event], state: DeviceState, limit: int
) -> tuple[DeviceState, tuple[Record, ...], QueuedDownlink | None]:
    """The first downlink that may still go out with at most `limit` octets; records of those before it, which
    leave the queue."""
    session = state.session
    assert session is not None
    records: list[Record] = []
    queue = state.queue
    while queue and not queue[0].for_pending_session:
        head = queue[0]
        if head.expires_at is not None and head.expires_at < context.now:
            records.append(discarded(context, session, head, "E3", "validity expired"))
        elif head.fcnt is not None and head.fcnt < session.application_fcnt:
            records.append(discarded(context, session, head, "E2", "its counter is used already"))
        elif len(head.payload) > limit:
            records.append(_too_big(context, head, limit))
        else:
            return replace(state, queue=queue), tuple(records), head
        queue = queue[1:]
    return replace(state, queue=queue), tuple(records), None


def discarded(
    context: Context[Event], session: Session | None, item: QueuedDownlink, cause: str, why: str
) -> DownlinkRecord:
    """The record of a queued downlink that will never be sent; it keeps the submission's identifier."""
    return DownlinkRecord(
        id=item.id,
        device_ref=context.device.row.ref,
        time=context.now,
        outcome="discarded",
        join_accept=False,
        dev_addr=session.dev_addr if session else None,
        fcnt=item.fcnt,
        fport=item.fport,
        payload=item.payload,
        size=len(item.payload),
        confirmed=item.confirmed,
        from_application=not item.from_network,
        correlation_id=item.correlation_id,
        fcnt_up=session.fcnt_up if session else None,
        delivered=False,
        slot=0,
        cause_rx1=cause,
        cause_rx2="00",
        base_station=None,
        next_fcnt=session.application_fcnt if session else None,
        submission=item.id,
        decisions=(f"discarded: {why}",),
    )


def without(queue: tuple[QueuedDownlink, ...], submission: int) -> tuple[QueuedDownlink, ...]:
    """The queue without the downlink of a submission; the same queue where it is not in it."""
    rest = tuple(item for item in queue if item.id != submission)
    return queue if len(rest) == len(queue) else rest


def emptied(
    context: Context[Event], session: Session | None, queue: tuple[QueuedDownlink, ...], why: str
) -> tuple[DownlinkRecord, ...]:
    """Records of a queue whose session has ended."""
    return tuple(discarded(context, session, item, "E4", why) for item in queue)


def _too_big(context: Context[Event], item: QueuedDownlink, limit: int) -> DownlinkRejectedRecord:
    return DownlinkRejectedRecord(
        id=item.id,
        device_ref=context.device.row.ref,
        time=context.now,
        outcome="rejected",
        fport=item.fport,
        size=len(item.payload),
        cause="Invalid payload size according to currents DR",
        correlation_id=item.correlation_id,
        decisions=(f"{len(item.payload)} bytes do not fit: the data rate allows {limit}",),
    )
