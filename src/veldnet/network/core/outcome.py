"""Outcome of a downlink, and resets of a session."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.radio import TransmitWindow
from veldnet.lorawan.regions import ChannelPlan

from .context import Context
from .events import ContextReset, DownlinkReported, SendDue, Transition
from .personalised import with_counters_reset
from .queue import emptied
from .records import DownlinkRecord, ResetRecord
from .state import DeviceState, InFlight, JoinMemory
from .unsolicited import continue_sending


def report_downlink(context: Context[DownlinkReported], state: DeviceState) -> Transition:
    """Record what became of a downlink in flight; a second report of one is ignored."""
    event = context.event
    found = next((item for item in state.in_flight if item.token == event.token), None)
    if found is None:
        return Transition(state)
    rest = tuple(item for item in state.in_flight if item is not found)
    state = replace(_forget_unsent(state, found, event), in_flight=rest)
    step = continue_sending(context, state, event.next_token)
    return Transition(step.state, (_record(context, found), *step.records), step.effects)


def _forget_unsent(state: DeviceState, item: InFlight, event: DownlinkReported) -> DeviceState:
    """Nobody waits for the acknowledgement of a confirmed downlink that was not sent."""
    session = state.session
    if event.delivered or session is None or session.awaited_ack is None:
        return state
    if not item.confirmed or session.awaited_ack.fcnt != item.fcnt or session.dev_addr != item.dev_addr:
        return state
    return replace(state, session=replace(session, awaited_ack=None))


def _record(context: Context[DownlinkReported], item: InFlight) -> DownlinkRecord:
    event, region = context.event, context.channel_plan.region
    window = event.window
    band = region.sub_band(window.frequency) if window else None
    return DownlinkRecord(
        id=event.id,
        device_ref=context.device.row.ref,
        time=context.now,
        outcome="sent" if event.delivered else "failed",
        join_accept=item.join_accept,
        dev_addr=item.dev_addr,
        fcnt=None if item.join_accept else item.fcnt,
        fport=item.fport,
        payload=item.payload,
        size=item.size,
        confirmed=item.confirmed,
        from_application=item.from_application,
        correlation_id=item.correlation_id,
        fcnt_up=item.fcnt_up,
        delivered=event.delivered,
        slot=window.slot if window else 0,
        cause_rx1=event.cause_rx1,
        cause_rx2=event.cause_rx2,
        cause_ping=event.cause_ping,
        base_station=window.base_station if window else item.base_station,
        frequency=window.frequency if window else None,
        modulation=window.modulation if window else None,
        data_rate=region.downlink_data_rate(window.modulation) if window else None,
        channel=_channel(context.channel_plan, window),
        sub_band=band.name if band else None,
        ack=item.ack,
        fpending=item.fpending,
        mac=item.mac,
        over_limit=item.over_limit,
        submission=item.submission,
        decisions=(event.decision,),
    )


def _channel(channel_plan: ChannelPlan, window: TransmitWindow | None) -> int | None:
    """RX2 is no channel of the uplink plan; ThingPark prints it as logical channel 253."""
    if window is None:
        return None
    return 253 if window.slot == 2 else channel_plan.index_of(window.frequency)


def reset_context(context: Context[ContextReset], state: DeviceState, memory: JoinMemory) -> Transition:
    """Drop sessions, queue and replay history, as an administrator asked. JoinNonces go on rising, so a
    device that checks them still accepts the next join-accept."""
    session = state.session or state.pending_session
    # A personalised device cannot join; its keys stay.
    kept_session = with_counters_reset(session) if session is not None and session.personalised else None
    record = ResetRecord(
        id=context.event.id,
        device_ref=context.device.row.ref,
        time=context.now,
        outcome="admin_reset",
        dev_addr=session.dev_addr if session else None,
        decisions=(
            "security context reset: "
            + ("its counters may begin again" if kept_session else "the device must join again"),
        ),
    )
    cleared = replace(state, session=kept_session, pending_session=None, queue=(), in_flight=())
    # RJcount1 is a counter of the device that nothing resets, like the JoinNonce (TS001-1.1 §6.2.4.2).
    kept = JoinMemory(memory.join_nonce, generation=memory.generation, last_rj_count1=memory.last_rj_count1)
    dropped = emptied(context, session, state.queue, "the security context was reset")
    return Transition(cleared, (record, *dropped), join_memory=kept)


def send_due(context: Context[SendDue], state: DeviceState) -> Transition:
    """The moment of a downlink of class B or C has come."""
    step = continue_sending(context, state, context.event.token)
    return Transition(step.state, step.records, step.effects)


def ask_rejoin(state: DeviceState) -> Transition:
    """Have the next downlink ask a 1.1 device to renew its session."""
    session = state.session
    if session is None or not session.version_11:
        return Transition(state)
    return Transition(replace(state, session=replace(session, rejoin_wanted=True)))


def deactivate(context: Context[ContextReset], state: DeviceState) -> Transition:
    """A device without connectivity plan or routing loses its session; with both again it must rejoin. A
    personalised one keeps it, for it cannot; its frames are refused as long as it is inactive."""
    session = state.session or state.pending_session
    if session is not None and session.personalised:
        return Transition(replace(state, queue=()), _inactive(context, state))
    record = ResetRecord(
        id=context.event.id,
        device_ref=context.device.row.ref,
        time=context.now,
        outcome="deactivated",
        dev_addr=session.dev_addr if session else None,
        decisions=("the device lost its connectivity plan or routing",),
    )
    cleared = replace(state, session=None, pending_session=None, queue=())
    return Transition(cleared, (record, *_inactive(context, state)))


def _inactive(context: Context[ContextReset], state: DeviceState) -> tuple[DownlinkRecord, ...]:
    session = state.session or state.pending_session
    return emptied(context, session, state.queue, "the device lost its connectivity plan or routing")
