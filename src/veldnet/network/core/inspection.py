"""A device's session as administrators and customers may see it: everything but keys."""

from __future__ import annotations

import msgspec

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan.regions import ChannelPlan

from .candidates import recall
from .device_class import current_class
from .events import Device
from .mac_commands import asked_link, blocked
from .parameters import NetworkParameters
from .receive_windows import device_eirp, wanted_rx1_delay, wanted_rx2
from .state import DeviceState, JoinMemory, RadioParameters, Session

Pairs = list[tuple[str, object, object]]


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the device: what the network wants, and what the device has confirmed."""

    name: str
    wanted: str
    confirmed: str


class ClassBView(msgspec.Struct, frozen=True):
    """How a device of class B listens. `pingPeriod` is the seconds between two ping slots; frequencies
    are in Hz, null where they hop."""

    periodicity: int
    pingPeriod: int
    pingSlotDataRate: int
    pingSlotFrequency: int | None
    beaconFrequency: int | None


class DlChannelView(msgspec.Struct, frozen=True):
    """A channel whose RX1 DlChannelReq has moved; frequencies in Hz."""

    channel: int
    uplinkFrequency: int | None
    downlinkFrequency: int


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
    # None while the device has not announced ping slots.
    classB: ClassBView | None
    dlChannels: tuple[DlChannelView, ...]
    # Whether transmissions are limited to 400 ms, and the device's EIRP in dBm.
    uplinkDwellTime: bool
    downlinkDwellTime: bool
    eirp: float | None


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
    channel_plan = network.channel_plan(device.profile)
    problems = tuple(f"{b.name}: {b.reason} ({b.attempts} times)" for b in blocked(session))
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
        blockedRequests=problems,
        heardBy=tuple(str(candidate.base_station) for candidate in recall(session.heard_by)),
        classB=_class_b(channel_plan, session),
        dlChannels=_dl_channels(channel_plan, radio),
        uplinkDwellTime=radio.uplink_dwell,
        downlinkDwellTime=radio.downlink_dwell,
        eirp=device_eirp(channel_plan.region, radio) if channel_plan.served else None,
    )


def _class_b(channel_plan: ChannelPlan, session: Session) -> ClassBView | None:
    if session.ping_periodicity is None or not channel_plan.served:
        return None
    table, radio = channel_plan.region.class_b, session.radio
    fixed = table.ping_frequencies[0] if len(table.ping_frequencies) == 1 else None
    beacon = table.beacon_frequencies[0] if len(table.beacon_frequencies) == 1 else None
    return ClassBView(
        session.ping_periodicity,
        1 << session.ping_periodicity,
        table.ping_data_rate if radio.ping_data_rate is None else radio.ping_data_rate,
        radio.ping_frequency or fixed,
        radio.beacon_frequency or beacon,
    )


def _dl_channels(channel_plan: ChannelPlan, radio: RadioParameters) -> tuple[DlChannelView, ...]:
    channels = channel_plan.channels
    return tuple(
        DlChannelView(index, channels[index].frequency if index < len(channels) else None, frequency)
        for index, frequency in radio.dl_frequencies
    )


def _parameters(network: NetworkParameters, device: Device, session: Session) -> tuple[Parameter, ...]:
    channel_plan = network.channel_plan(device.profile)
    if not channel_plan.served:
        return ()
    radio, profile = session.radio, device.profile
    plan = device.plan if device.plan is not None else PlanSettings()
    frequency, rx2 = wanted_rx2(channel_plan, profile, plan)
    pairs: Pairs = [
        ("rx1Delay", wanted_rx1_delay(network, plan), radio.rx1_delay),
        ("rx1DrOffset", profile.rx1DROffset, radio.rx1_dr_offset),
        ("rx2DataRate", rx2, radio.rx2_data_rate),
        ("rx2Frequency", frequency, radio.rx2_frequency),
        ("channels", f"{channel_plan.mask:X}", f"{int(radio.ch_mask):X}"),
        ("maxDutyCycle", plan.maxDutyCycle or 0, radio.max_duty_cycle),
        *_adr_acks(network, session),
        *_link(session, radio),
        *_dwell(network, channel_plan, radio),
        *_ping_slots(channel_plan, profile, session),
        *_rx1_frequencies(network, channel_plan, radio),
    ]
    return tuple(Parameter(name, str(wanted), str(confirmed)) for name, wanted, confirmed in pairs)


def _adr_acks(network: NetworkParameters, session: Session) -> Pairs:
    """ADR_ACK_LIMIT and ADR_ACK_DELAY, which 1.1 lets a network choose."""
    if not session.version_11:
        return []
    radio = session.radio
    return [
        ("adrAckLimitExp", network.adr_limit_exp, radio.adr_limit_exp),
        ("adrAckDelayExp", network.adr_delay_exp, radio.adr_delay_exp),
    ]


def _dwell(network: NetworkParameters, plan: ChannelPlan, radio: RadioParameters) -> Pairs:
    """Limits of dwell time, in the regions that leave them to the network."""
    if not plan.region.tx_param_setup:
        return []
    pairs = (("uplinkDwellTime", network.uplink_dwell, radio.uplink_dwell),
             ("downlinkDwellTime", network.downlink_dwell, radio.downlink_dwell))  # fmt: skip
    return [
        (name, int(confirmed if wanted is None else wanted), int(confirmed))
        for name, wanted, confirmed in pairs
    ]


def _ping_slots(plan: ChannelPlan, profile: ProfileSettings, session: Session) -> Pairs:
    """Class B; a frequency of 0 is the region's."""
    radio, table = session.radio, plan.region.class_b
    if session.ping_periodicity is None:
        return []
    wanted = table.ping_data_rate if profile.pingSlotDataRate is None else profile.pingSlotDataRate
    confirmed = table.ping_data_rate if radio.ping_data_rate is None else radio.ping_data_rate
    return [
        # The device alone chooses it.
        ("pingSlotPeriodicity", session.ping_periodicity, session.ping_periodicity),
        ("pingSlotDataRate", wanted, confirmed),
        ("pingSlotFrequency", profile.pingSlotFrequency or 0, radio.ping_frequency),
        ("beaconFrequency", profile.beaconFrequency or 0, radio.beacon_frequency),
    ]


def _rx1_frequencies(network: NetworkParameters, plan: ChannelPlan, radio: RadioParameters) -> Pairs:
    """Channels whose RX1 is elsewhere than their uplinks."""
    confirmed = dict(radio.dl_frequencies)
    wanted = {}
    if not plan.region.fixed:
        for uplink, downlink in network.rx1_frequencies:
            index = plan.index_of(uplink)
            if index is not None and plan.region.sub_band(downlink) is not None:
                wanted[index] = downlink
    pairs: Pairs = []
    for index in sorted(wanted.keys() | confirmed.keys()):
        own = plan.channels[index].frequency if index < len(plan.channels) else 0
        pairs.append((f"dlChannel{index}", wanted.get(index, own), confirmed.get(index, own)))
    return pairs


def _link(session: Session, radio: RadioParameters) -> Pairs:
    """Data rate, power and NbTrans: asked for in a LinkADRReq that waits for its answer, or as they are."""
    wanted = asked_link(session) or radio
    return [
        ("dataRate", wanted.data_rate, radio.data_rate),
        ("txPower", wanted.tx_power, radio.tx_power),
        ("nbTrans", wanted.nb_trans, radio.nb_trans),
    ]
