"""Records of data uplinks: what the journal and everything made of it know of a frame."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from veldnet.lorawan.crypto import UPLINK, crypt_payload
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink
from veldnet.lorawan.regions import ChannelPlan

from . import error_rate
from .device_class import current_class
from .events import DataReceived, Device, Transition
from .parameters import NetworkParameters
from .receive_windows import device_eirp
from .records import BlockedCommand, Copy, RefusedRecord, UplinkRecord
from .state import DeviceState, Session


class Match(msgspec.Struct, frozen=True, gc=False):
    """A session whose key fits the frame. `fcnt` is the full counter; `verdict` `new`, `repeated` or the
    reason why the counter is refused."""

    session: Session
    pending: bool
    fcnt: int
    verdict: str
    # Whether a personalised device has begun its counters again with this frame.
    begun_again: bool = False


class Conduct(msgspec.Struct, frozen=True, gc=False):
    """What the transition found out about the device beside the frame itself. `commanded_data_rate` is what
    the device was to use when it sent the frame."""

    previous_fcnt: int | None
    over_limit: bool
    commanded_data_rate: int | None
    blocked: tuple[BlockedCommand, ...]


def _payload(session: Session, frame: DataFrame, fcnt: int) -> tuple[bytes, bool]:
    """The application payload as the network may show it, and whether it is still encrypted."""
    if not frame.fport or not frame.frm_payload:
        return b"", False
    key = session.application_key(frame.fport)
    if key is None:
        return frame.frm_payload, True
    return crypt_payload(key, UPLINK, frame.dev_addr, fcnt, frame.frm_payload), False


def _reported(
    device: Device, event: DataReceived, found: Match, payload: bytes, acknowledged: int | None
) -> bool:
    """Whether application servers hear of the frame: it has a payload, or it acknowledges a downlink."""
    if found.verdict != "new":
        return False
    return len(payload) > device.profile.dummyPayloadMaxSize or acknowledged is not None or event.frame.ack


def next_application_fcnt(state: DeviceState) -> int:
    """The downlink counter an application server must use next, behind what it has queued already."""
    session = state.pending_session or state.session
    pending = state.pending_session is not None
    used = [
        item.fcnt + 1 for item in state.queue if item.fcnt is not None and item.for_pending_session == pending
    ]
    return max([session.application_fcnt if session else 0, *used])


def uplink_record(
    network: NetworkParameters,
    channel_plan: ChannelPlan,
    device: Device,
    state: DeviceState,
    event: DataReceived,
    found: Match,
    conduct: Conduct,
    acknowledged: int | None,
    mac: bytes,
    device_status: tuple[int, int] | None,
    notes: tuple[str, ...],
) -> UplinkRecord:
    """The record of an uplink that was accepted, or heard again."""
    session, frame, best = state.session, event.frame, event.received.best
    assert session is not None
    region = channel_plan.region
    band = region.sub_band(best.frequency)
    data_rate = region.uplink_data_rate(best.modulation)
    payload, encrypted = _payload(session, frame, found.fcnt)
    new = found.verdict == "new"
    previous = conduct.previous_fcnt
    gap = None if previous is None or not new else found.fcnt - previous
    dropped = conduct.over_limit and device.plan is not None and device.plan.uplinkRegulatorPolicy == "DROP"
    if conduct.over_limit:
        notes = (*notes, "over the plan's uplink rate: " + ("not forwarded" if dropped else "marked"))
    if found.begun_again:
        notes = ("the device has begun its counters again at 0, which its profile allows", *notes)
    return UplinkRecord(
        id=event.received.id,
        device_ref=device.row.ref,
        time=event.received.received_at,
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
        copies=copies_of(event.received.copies),
        frequency=best.frequency,
        modulation=best.modulation,
        data_rate=data_rate,
        channel=channel_plan.uplink_index(best.frequency, data_rate),
        sub_band=band.name if band else None,
        mac=mac,
        acknowledged_fcnt=acknowledged,
        next_fcnt_down=next_application_fcnt(state),
        late=best.late,
        reported=not dropped and _reported(device, event, found, payload, acknowledged),
        battery=state.battery,
        margin=state.margin,
        status_at=state.status_at,
        device_status=device_status,
        device_class=current_class(device, session),
        ping_period=None if session.ping_periodicity is None else 1 << session.ping_periodicity,
        gap=gap,
        instant_per=error_rate.instant(gap) if new else 0.0,
        mean_per=session.smoothed_per if network.smoothed_per else error_rate.mean(session.gaps),
        over_limit=conduct.over_limit,
        commanded_sf=_spreading_factor(channel_plan, conduct.commanded_data_rate),
        transmissions=session.repetitions + 1,
        automatic_reset=found.begun_again,
        nb_trans=session.radio.nb_trans,
        tx_power=device_eirp(region, session.radio),
        repeated_after=0.0 if new else _repeated_after(session, event),
        blocked=conduct.blocked,
        unused_dev_nonce=_unused_dev_nonce(state, found),
        decisions=notes,
    )


def copies_of(copies: Iterable[GatewayUplink]) -> tuple[Copy, ...]:
    """What the journal keeps of the copies of a frame."""
    return tuple(
        Copy(c.base_station, c.rssi, c.snr, c.received_at, c.late, c.clock_error, c.timestamp is None)
        for c in copies
    )


def _spreading_factor(channel_plan: ChannelPlan, data_rate: int | None) -> int | None:
    if data_rate is None:
        return None
    modulation = channel_plan.region.uplink[data_rate].modulation
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


def wrong_mic(
    network: NetworkParameters, device: Device, state: DeviceState, event: DataReceived
) -> Transition:
    """A frame on the device's address that none of its keys has signed."""
    words = f"the MIC does not fit the session of {device.row.dev_eui} on DevAddr {event.frame.dev_addr}"
    return refused(network.channel_plan(device.profile), device, state, event, "wrong_mic", words)


def refused(
    channel_plan: ChannelPlan | None,
    device: Device,
    state: DeviceState,
    event: DataReceived,
    code: str,
    words: str,
    found: Match | None = None,
) -> Transition:
    """The end of a data frame that is not accepted. `found` is the session it fits, if any."""
    best = event.received.best
    again = found is not None and code == "repeated_too_often"
    record = RefusedRecord(
        id=event.received.id,
        device_ref=device.row.ref,
        time=event.received.received_at,
        outcome=code,
        phy_payload=best.phy_payload,
        copies=copies_of(event.received.copies),
        frequency=best.frequency,
        modulation=best.modulation,
        data_rate=None if channel_plan is None else channel_plan.region.uplink_data_rate(best.modulation),
        fcnt=None if found is None else found.fcnt,
        fport=event.frame.fport,
        transmissions=found.session.repetitions + 2 if found is not None and again else 1,
        repeated_after=_repeated_after(found.session, event) if found is not None and again else 0.0,
        decisions=(words,),
    )
    return Transition(state, (record,))
