"""A device's session as administrators and customers may see it: everything but keys."""

from __future__ import annotations

import msgspec

from veldnet.lorawan.mac_commands import LinkADRReq
from veldnet.store.documents import PlanSettings

from .candidates import recall
from .device_class import current_class
from .events import Device
from .mac_commands import blocked
from .parameters import NetworkParameters
from .receive_windows import wanted_rx1_delay, wanted_rx2
from .state import DeviceState, JoinMemory, RadioParameters, Session


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the device: what the network wants, and what the device has confirmed."""

    name: str
    wanted: str
    confirmed: str


class SessionView(msgspec.Struct, frozen=True):
    """A session without its keys. Times in Unix seconds; counters are the last one up, the next ones down."""

    devAddr: str
    version: str
    currentClass: str
    openedAt: float
    lastUplinkAt: float | None
    fcntUp: int | None
    nFcntDown: int
    aFcntDown: int
    dataRate: int | None
    txPower: int
    nbTrans: int
    parameters: tuple[Parameter, ...]
    waitingRequests: int
    blockedRequests: tuple[str, ...]
    heardBy: tuple[str, ...]


class DeviceView(msgspec.Struct, frozen=True):
    """What the network server holds of a device."""

    session: SessionView | None
    pendingSession: SessionView | None
    queuedDownlinks: int
    downlinksInFlight: int
    joinNonce: int
    lastDevNonce: int | None


class QueuedView(msgspec.Struct, frozen=True):
    """A downlink that waits. Times in Unix seconds; `fCntDn` where the application server fixed it, and its
    payload is then encrypted."""

    id: str
    fPort: int
    payload: str
    size: int
    confirmed: bool
    fCntDn: int | None
    submittedAt: float
    expiresAt: float | None
    priority: int
    correlationId: str | None
    # It waits for the session of a join that no uplink has confirmed yet.
    afterJoin: bool


def queued(state: DeviceState) -> list[QueuedView]:
    """The downlinks that wait, the next one first."""
    return [
        QueuedView(
            str(item.id),
            item.fport,
            item.payload.hex(),
            len(item.payload),
            item.confirmed,
            item.fcnt,
            item.submitted_at,
            item.expires_at,
            item.priority,
            item.correlation_id,
            item.for_pending_session,
        )
        for item in state.queue
    ]


def inspect(network: NetworkParameters, device: Device, state: DeviceState, memory: JoinMemory) -> DeviceView:
    """The device as it is just now."""
    return DeviceView(
        session=None if state.session is None else _session(network, device, state.session),
        pendingSession=(
            None if state.pending_session is None else _session(network, device, state.pending_session)
        ),
        queuedDownlinks=len(state.queue),
        downlinksInFlight=len(state.in_flight),
        joinNonce=memory.join_nonce,
        lastDevNonce=memory.last_dev_nonce,
    )


def _session(network: NetworkParameters, device: Device, session: Session) -> SessionView:
    radio = session.radio
    troubles = tuple(f"{b.name}: {b.reason} ({b.attempts} times)" for b in blocked(session))
    return SessionView(
        devAddr=str(session.dev_addr),
        version="1.1" if session.version_11 else "1.0",
        currentClass=current_class(device, session),
        openedAt=session.opened_at,
        lastUplinkAt=session.last_uplink_at,
        fcntUp=session.fcnt_up,
        nFcntDown=session.n_fcnt_down,
        aFcntDown=session.a_fcnt_down,
        dataRate=radio.data_rate,
        txPower=radio.tx_power,
        nbTrans=radio.nb_trans,
        parameters=_parameters(network, device, session),
        waitingRequests=len(session.pending_requests),
        blockedRequests=troubles,
        heardBy=tuple(str(candidate.base_station) for candidate in recall(session.heard_by)),
    )


def _parameters(network: NetworkParameters, device: Device, session: Session) -> tuple[Parameter, ...]:
    channel_plan = network.channel_plan(device.profile)
    if channel_plan is None:
        return ()
    radio, profile = session.radio, device.profile
    plan = device.plan if device.plan is not None else PlanSettings()
    frequency, rx2 = wanted_rx2(channel_plan, profile, plan)
    pairs: list[tuple[str, object, object]] = [
        ("rx1Delay", wanted_rx1_delay(network, plan), radio.rx1_delay),
        ("rx1DrOffset", profile.rx1DROffset, radio.rx1_dr_offset),
        ("rx2DataRate", rx2, radio.rx2_data_rate),
        ("rx2Frequency", frequency, radio.rx2_frequency),
        ("channels", f"{channel_plan.mask:X}", f"{int(radio.ch_mask):X}"),
        ("maxDutyCycle", plan.maxDutyCycle or 0, radio.max_duty_cycle),
        *_link(session, radio),
    ]
    return tuple(Parameter(name, str(wanted), str(confirmed)) for name, wanted, confirmed in pairs)


def _link(session: Session, radio: RadioParameters) -> list[tuple[str, object, object]]:
    """Data rate, power and NbTrans: asked for in a LinkADRReq that waits for its answer, or as they are."""
    asked = next((p.payload for p in session.pending_requests if p.cid == LinkADRReq.CID), None)
    if asked is None:
        wanted = (radio.data_rate, radio.tx_power, radio.nb_trans)
    else:
        request = LinkADRReq.from_payload(asked[-LinkADRReq.SIZE :])
        wanted = (request.data_rate, request.tx_power, request.nb_trans)
    return [
        ("dataRate", wanted[0], radio.data_rate),
        ("txPower", wanted[1], radio.tx_power),
        ("nbTrans", wanted[2], radio.nb_trans),
    ]
