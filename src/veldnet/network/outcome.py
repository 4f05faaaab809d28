"""The end of a downlink: its record, and the state without it."""

from __future__ import annotations

from msgspec.structs import replace

from .events import ContextReset, Device, DownlinkReported, Transition
from .parameters import NetworkParameters
from .records import DownlinkRecord, ResetRecord
from .state import DeviceState, InFlight, JoinMemory


def report_downlink(
    network: NetworkParameters, device: Device, state: DeviceState, event: DownlinkReported, now: float
) -> Transition:
    """Record what became of a downlink in flight; a second report of one is ignored."""
    found = next((item for item in state.in_flight if item.token == event.token), None)
    if found is None:
        return Transition(state)
    rest = tuple(item for item in state.in_flight if item is not found)
    return Transition(replace(state, in_flight=rest), (_record(network, device, found, event, now),))


def _record(
    network: NetworkParameters, device: Device, item: InFlight, event: DownlinkReported, now: float
) -> DownlinkRecord:
    window = event.window
    region = network.channel_plan.region
    band = region.sub_band(window.frequency) if window else None
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
        base_station=item.base_station,
        frequency=window.frequency if window else None,
        modulation=window.modulation if window else None,
        data_rate=region.data_rate_of(window.modulation) if window else None,
        # RX2 is no channel of the uplink plan; ThingPark prints it as logical channel 253.
        channel=(253 if window.slot == 2 else network.channel_plan.index_of(window.frequency))
        if window
        else None,
        sub_band=band.name if band else None,
        ack=item.ack,
        fpending=item.fpending,
        mac=item.mac,
        decisions=(event.decision,),
    )


def reset_context(
    device: Device, state: DeviceState, memory: JoinMemory, event: ContextReset, now: float
) -> Transition:
    """Drop sessions, queue and replay history, as an administrator asked. JoinNonces go on rising, so a
    device that checks them still accepts the next join-accept."""
    session = state.session or state.pending_session
    record = ResetRecord(
        id=event.id,
        device_ref=device.row.ref,
        time=now,
        outcome="admin_reset",
        dev_addr=session.dev_addr if session else None,
        decisions=("security context reset: the device must join again",),
    )
    cleared = DeviceState(
        battery=state.battery, margin=state.margin, status_at=state.status_at, generation=state.generation
    )
    return Transition(
        cleared, (record,), join_memory=JoinMemory(memory.join_nonce, generation=memory.generation)
    )


def deactivate(device: Device, state: DeviceState, event: ContextReset, now: float) -> Transition:
    """A device without connectivity plan or routing loses its session; with both again it must rejoin."""
    session = state.session or state.pending_session
    record = ResetRecord(
        id=event.id,
        device_ref=device.row.ref,
        time=now,
        outcome="deactivated",
        dev_addr=session.dev_addr if session else None,
        decisions=("the device lost its connectivity plan or routing",),
    )
    return Transition(replace(state, session=None, pending_session=None, queue=()), (record,))
