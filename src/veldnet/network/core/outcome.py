"""The end of a downlink, and what administrators do to a session."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.radio import TransmitWindow
from veldnet.lorawan.regions import ChannelPlan

from .events import ContextReset, Device, DownlinkReported, RejoinAsked, SendDue, Transition
from .parameters import NetworkParameters
from .personalised import begun_again
from .queue import emptied
from .records import DownlinkRecord, ResetRecord
from .state import DeviceState, InFlight, JoinMemory
from .unsolicited import continue_sending


def report_downlink(
    network: NetworkParameters, device: Device, state: DeviceState, event: DownlinkReported, now: float
) -> Transition:
    """Record what became of a downlink in flight; a second report of one is ignored."""
    found = next((item for item in state.in_flight if item.token == event.token), None)
    if found is None:
        return Transition(state)
    rest = tuple(item for item in state.in_flight if item is not found)
    state = replace(_forget_unsent(state, found, event), in_flight=rest)
    step = continue_sending(network, device, state, event.next_token, now)
    return Transition(step.state, (_record(network, device, found, event, now), *step.records), step.effects)


def _forget_unsent(state: DeviceState, item: InFlight, event: DownlinkReported) -> DeviceState:
    """Nobody waits for the acknowledgement of a confirmed downlink that was not sent."""
    session = state.session
    if event.delivered or session is None or session.awaited_ack is None:
        return state
    if not item.confirmed or session.awaited_ack.fcnt != item.fcnt or session.dev_addr != item.dev_addr:
        return state
    return replace(state, session=replace(session, awaited_ack=None))


def _record(
    network: NetworkParameters, device: Device, item: InFlight, event: DownlinkReported, now: float
) -> DownlinkRecord:
    window = event.window
    channel_plan = network.channel_plan(device.profile)
    region = None if channel_plan is None else channel_plan.region
    band = region.sub_band(window.frequency) if window and region else None
    return DownlinkRecord(
        id=event.id,
        device_ref=device.row.ref,
        time=now,
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
        data_rate=region.downlink_data_rate(window.modulation) if window and region else None,
        channel=_channel(channel_plan, window),
        sub_band=band.name if band else None,
        ack=item.ack,
        fpending=item.fpending,
        mac=item.mac,
        over_limit=item.over_limit,
        decisions=(event.decision,),
    )


def _channel(channel_plan: ChannelPlan | None, window: TransmitWindow | None) -> int | None:
    """RX2 is no channel of the uplink plan; ThingPark prints it as logical channel 253."""
    if window is None or channel_plan is None:
        return None
    return 253 if window.slot == 2 else channel_plan.index_of(window.frequency)


def reset_context(
    device: Device, state: DeviceState, memory: JoinMemory, event: ContextReset, now: float
) -> Transition:
    """Drop sessions, queue and replay history, as an administrator asked. JoinNonces go on rising, so a
    device that checks them still accepts the next join-accept."""
    session = state.session or state.pending_session
    # A personalised device cannot join; its keys stay.
    kept_session = begun_again(session) if session is not None and session.personalised else None
    record = ResetRecord(
        id=event.id,
        device_ref=device.row.ref,
        time=now,
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
    dropped = emptied(device.row.ref, session, state.queue, now, "the security context was reset")
    return Transition(cleared, (record, *dropped), join_memory=kept)


def send_due(
    network: NetworkParameters, device: Device, state: DeviceState, event: SendDue, now: float
) -> Transition:
    """The moment of a downlink of class B or C has come."""
    step = continue_sending(network, device, state, event.token, now)
    return Transition(step.state, step.records, step.effects)


def ask_rejoin(state: DeviceState, event: RejoinAsked) -> Transition:
    """Have the next downlink ask a 1.1 device to renew its session."""
    session = state.session
    if session is None or not session.version_11:
        return Transition(state)
    return Transition(replace(state, session=replace(session, rejoin_wanted=True)))


def deactivate(device: Device, state: DeviceState, event: ContextReset, now: float) -> Transition:
    """A device without connectivity plan or routing loses its session; with both again it must rejoin. A
    personalised one keeps it, for it cannot; its frames are refused as long as it is inactive."""
    session = state.session or state.pending_session
    if session is not None and session.personalised:
        return Transition(replace(state, queue=()), _inactive(device, state, now))
    record = ResetRecord(
        id=event.id,
        device_ref=device.row.ref,
        time=now,
        outcome="deactivated",
        dev_addr=session.dev_addr if session else None,
        decisions=("the device lost its connectivity plan or routing",),
    )
    cleared = replace(state, session=None, pending_session=None, queue=())
    return Transition(cleared, (record, *_inactive(device, state, now)))


def _inactive(device: Device, state: DeviceState, now: float) -> tuple[DownlinkRecord, ...]:
    session = state.session or state.pending_session
    return emptied(
        device.row.ref, session, state.queue, now, "the device lost its connectivity plan or routing"
    )
