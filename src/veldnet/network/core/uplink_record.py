"""Builds the records of data uplinks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from veldnet.lorawan.crypto import UPLINK, crypt_payload
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink
from veldnet.lorawan.regions import Region

from . import error_rate
from .context import UplinkContext
from .device_class import current_class
from .events import DataReceived, Transition
from .receive_windows import device_eirp
from .records import BlockedCommand, Copy, RefusedRecord, UplinkRecord
from .state import AwaitedAck, DeviceState, Session


class Match(msgspec.Struct, frozen=True, gc=False):
    """A session whose key fits the frame. `fcnt` is the full counter; `verdict` `new`, `repeated` or the
    reason why the counter is refused."""

    session: Session
    pending: bool
    fcnt: int
    verdict: str
    # Whether a personalised device has reset its counters with this frame.
    counter_reset: bool = False


class Conduct(msgspec.Struct, frozen=True, gc=False):
    """What the transition found out beside the frame itself. `commanded_data_rate` is what the device was to
    use when it sent the frame, `mac` the MAC commands in clear, `notes` what was decided and why."""

    previous_fcnt: int | None
    over_limit: bool
    commanded_data_rate: int | None
    acknowledged: int | None
    mac: bytes
    device_status: tuple[int, int] | None
    blocked: tuple[BlockedCommand, ...]
    notes: tuple[str, ...]
    # The confirmed downlink before this uplink.
    awaited: AwaitedAck | None = None


def _payload(session: Session, frame: DataFrame, fcnt: int) -> tuple[bytes, bool]:
    """The application payload as the network may show it, and whether it is still encrypted."""
    if not frame.fport or not frame.frm_payload:
        return b"", False
    key = session.application_key(frame.fport)
    if key is None:
        return frame.frm_payload, True
    return crypt_payload(key, UPLINK, frame.dev_addr, fcnt, frame.frm_payload), False


def _reported(context: UplinkContext, found: Match, conduct: Conduct, payload: bytes) -> bool:
    """Whether application servers are sent the frame: it has a payload, or it acknowledges a downlink."""
    if found.verdict != "new" or _dropped(context, conduct):
        return False
    if len(payload) > context.profile.dummyPayloadMaxSize:
        return True
    return conduct.acknowledged is not None or context.event.frame.ack


def _dropped(context: UplinkContext, conduct: Conduct) -> bool:
    return conduct.over_limit and context.plan.uplinkRegulatorPolicy == "DROP"


def next_application_fcnt(state: DeviceState) -> int:
    """The downlink counter an application server must use next, behind what it has queued already."""
    session = state.pending_session or state.session
    pending = state.pending_session is not None
    used = [
        item.fcnt + 1 for item in state.queue if item.fcnt is not None and item.for_pending_session == pending
    ]
    return max([session.application_fcnt if session else 0, *used])


def uplink_record(context: UplinkContext, state: DeviceState, found: Match, conduct: Conduct) -> UplinkRecord:
    """The record of an uplink that was accepted, or heard again."""
    session, received, frame = state.session, context.event.received, context.event.frame
    assert session is not None
    best, region = received.best, context.channel_plan.region
    band = region.sub_band(best.frequency)
    data_rate = region.uplink_data_rate(best.modulation)
    payload, encrypted = _payload(session, frame, found.fcnt)
    new, previous = found.verdict == "new", conduct.previous_fcnt
    gap = found.fcnt - previous if new and previous is not None else None
    smoothed = context.network.smoothed_per
    return UplinkRecord(
        id=received.id,
        device_ref=context.device.row.ref,
        time=received.received_at,
        outcome="accepted" if new else "repeated",
        dev_addr=session.dev_addr,
        confirmed=frame.confirmed,
        fctrl=frame.fctrl,
        fcnt=found.fcnt,
        previous_fcnt=previous,
        fport=frame.fport,
        payload=payload,
        encrypted=encrypted,
        wrapped_app_s_key=session.wrapped_app_s_key,
        mic=frame.mic,
        size=len(frame.frm_payload) if frame.fport else 0,
        copies=copies_of(received.copies),
        frequency=best.frequency,
        modulation=best.modulation,
        data_rate=data_rate,
        channel=context.channel_plan.uplink_index(best.frequency, data_rate),
        sub_band=band.name if band else None,
        mac=conduct.mac,
        acknowledged_fcnt=conduct.acknowledged,
        awaited_submission=conduct.awaited.submission if conduct.awaited else 0,
        awaited_correlation_id=conduct.awaited.correlation_id if conduct.awaited else None,
        next_fcnt_down=next_application_fcnt(state),
        late=best.late,
        reported=_reported(context, found, conduct, payload),
        battery=state.battery,
        margin=state.margin,
        status_at=state.status_at,
        device_status=conduct.device_status,
        device_class=current_class(context.device, session),
        ping_period=None if session.ping_periodicity is None else 1 << session.ping_periodicity,
        gap=gap,
        instant_per=error_rate.instant(gap) if new else 0.0,
        mean_per=session.smoothed_per if smoothed else error_rate.mean(session.gaps),
        over_limit=conduct.over_limit,
        commanded_sf=_spreading_factor(region, conduct.commanded_data_rate),
        transmissions=session.repetitions + 1,
        automatic_reset=found.counter_reset,
        nb_trans=session.radio.nb_trans,
        tx_power=device_eirp(region, session.radio),
        repeated_after=0.0 if new else _repeated_after(session, context.event),
        blocked=conduct.blocked,
        unused_dev_nonce=_unused_dev_nonce(state, found),
        decisions=_decisions(context, found, conduct),
    )


def _decisions(context: UplinkContext, found: Match, conduct: Conduct) -> tuple[str, ...]:
    notes = conduct.notes
    if conduct.over_limit:
        policy = "not forwarded" if _dropped(context, conduct) else "marked"
        notes = (*notes, f"over the plan's uplink rate: {policy}")
    if found.counter_reset:
        notes = ("the device has reset its counters to 0, which its profile allows", *notes)
    return notes


def copies_of(copies: Iterable[GatewayUplink]) -> tuple[Copy, ...]:
    """What the journal keeps of the copies of a frame."""
    return tuple(
        Copy(
            c.base_station,
            c.rssi,
            c.snr,
            c.received_at,
            c.late,
            c.clock_error,
            c.timestamp is None,
            c.fine_time,
        )
        for c in copies
    )


def _spreading_factor(region: Region, data_rate: int | None) -> int | None:
    if data_rate is None:
        return None
    modulation = region.uplink[data_rate].modulation
    return modulation.sf if isinstance(modulation, Lora) else None


def _repeated_after(session: Session, event: DataReceived) -> float:
    return max(0.0, event.received.received_at - (session.last_uplink_at or 0.0))


def _unused_dev_nonce(state: DeviceState, found: Match) -> int | None:
    """A device of 1.0.x that goes on in its session although a join has opened another did not send that
    join-request; in 1.1 it may have."""
    pending = state.pending_session
    if pending is None or found.pending or pending.version_11:
        return None
    return pending.dev_nonce


def wrong_mic(context: UplinkContext, state: DeviceState) -> Transition:
    """A frame on the device's address that none of its keys has signed."""
    dev_eui, dev_addr = context.device.row.dev_eui, context.event.frame.dev_addr
    return refused(
        context, state, "wrong_mic", f"the MIC does not fit the session of {dev_eui} on DevAddr {dev_addr}"
    )


def refused(
    context: UplinkContext, state: DeviceState, code: str, words: str, found: Match | None = None
) -> Transition:
    """The end of a data frame that is not accepted. `found` is the session it fits, if any."""
    event = context.event
    best = event.received.best
    again = found is not None and code == "repeated_too_often"
    record = RefusedRecord(
        id=event.received.id,
        device_ref=context.device.row.ref,
        time=event.received.received_at,
        outcome=code,
        phy_payload=best.phy_payload,
        copies=copies_of(event.received.copies),
        frequency=best.frequency,
        modulation=best.modulation,
        data_rate=context.channel_plan.region.uplink_data_rate(best.modulation),
        fcnt=None if found is None else found.fcnt,
        fport=event.frame.fport,
        transmissions=found.session.repetitions + 2 if found is not None and again else 1,
        repeated_after=_repeated_after(found.session, event) if found is not None and again else 0.0,
        decisions=(words,),
    )
    return Transition(state, (record,))
