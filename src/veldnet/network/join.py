"""Over-the-air activation: check and order at the vault, then open the session with its answer.

The nonce is remembered together with the session, when the vault has found the request genuine. A forged
request therefore cannot use up a device's nonces, and a genuine one is accepted once: two orders in
flight for one nonce meet the same check again when their answers come.
"""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.keys import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import DevEui, JoinEui
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import JoinAccept
from veldnet.lorawan.radio import TransmitWindow

from . import nonces
from .events import AskVault, Device, JoinRequested, Transition, Transmit, VaultAnswered
from .parameters import NetworkParameters
from .receive_windows import wanted_rx1_delay, wanted_rx2_data_rate, windows_after
from .records import JoinRecord
from .state import DeviceState, InFlight, JoinMemory, RadioParameters, Session
from .uplink import copies_of

MAX_JOIN_NONCE = 0xFFFFFF


def request_join(
    network: NetworkParameters, device: Device, state: DeviceState, memory: JoinMemory, event: JoinRequested
) -> Transition:
    """Refuse what needs no key to be refused; order the rest at the vault."""
    refusal = _refusal(device, memory, event.request)
    if refusal is not None:
        return Transition(state, (_record(network, device, event, *refusal),))
    assert device.row.sealed_app_key is not None
    accept = JoinAccept(
        memory.join_nonce + 1,
        network.net_id,
        event.dev_addr,
        _dl_settings(network, device),
        wanted_rx1_delay(network, device.plan) if device.plan else network.rx1_delay,
        network.channel_plan.cf_list,
    )
    order = JoinOrder(
        dev_eui=event.request.dev_eui,
        sealed_app_key=device.row.sealed_app_key,
        request=event.request,
        accept=accept,
        protected=device.row.hsm_group_ref is not None,
        sealed_as_transport_key=device.row.sealed_as_transport_key,
    )
    return Transition(state, effects=(AskVault(event, order),))


def _dl_settings(network: NetworkParameters, device: Device) -> int:
    assert device.plan is not None
    rx2 = wanted_rx2_data_rate(network, device.profile, device.plan)
    return device.profile.rx1DROffset << 4 | rx2


def _refusal(device: Device, memory: JoinMemory, request: JoinRequest) -> tuple[str, str] | None:
    """Code and words of a reason to refuse a join-request, None if there is none."""
    row = device.row
    if not device.active or device.plan is None:
        return "device_inactive", "the device has no connectivity plan or no routing"
    if row.sealed_app_key is None:
        return "no_app_key", "the device has no AppKey"
    if row.join_eui is not None and JoinEui.parse(row.join_eui) != request.join_eui:
        return "wrong_join_eui", f"JoinEUI {request.join_eui} instead of {row.join_eui}"
    if memory.join_nonce >= MAX_JOIN_NONCE:
        return "join_nonces_exhausted", "the device has joined 16,777,215 times; its root key must change"
    return _nonce_refusal(device, memory, request.dev_nonce)


def _nonce_refusal(device: Device, memory: JoinMemory, dev_nonce: int) -> tuple[str, str] | None:
    if device.profile.counter_based_dev_nonce:
        last = memory.last_dev_nonce
        if last is not None and dev_nonce <= last:
            return "dev_nonce_not_rising", f"DevNonce {dev_nonce} does not follow {last}"
        return None
    if nonces.contains(memory.dev_nonces, dev_nonce):
        return "dev_nonce_replayed", f"DevNonce {dev_nonce} was used before"
    return None


def answer_join(
    network: NetworkParameters,
    device: Device,
    state: DeviceState,
    memory: JoinMemory,
    event: VaultAnswered,
    now: float,
) -> Transition:
    """Open the session with the vault's keys and send the join-accept, or record the refusal."""
    join, answer, accept = event.join, event.answer, event.order.accept
    if isinstance(answer, JoinRefusal):
        return Transition(state, (_record(network, device, join, answer.code, answer.message),))
    refusal = _nonce_refusal(device, memory, join.request.dev_nonce)
    if refusal is None and accept.join_nonce <= memory.join_nonce:
        refusal = ("superseded", "another join of the device was served meanwhile")
    if refusal is not None:
        return Transition(state, (_record(network, device, join, *refusal),))
    session = _open_session(network, event, answer, now)
    state = replace(state, pending_session=session)
    windows = _windows(network, join, now)
    decisions = [f"JoinNonce {accept.join_nonce}, DevAddr {accept.dev_addr}"]
    effects: tuple[Transmit, ...] = ()
    if windows:
        best = next(copy for copy in join.received.copies if not copy.late)
        transmit = Transmit(join.received.token, best.base_station, answer.join_accept, windows)
        effects = (transmit,)
        state = replace(state, in_flight=(*state.in_flight, _in_flight(transmit, session, now)))
        decisions.append(f"join-accept in RX{windows[0].slot} ({windows[0].modulation})")
    else:
        decisions.append("no join-accept: both receive windows are over")
    record = replace(
        _record(network, device, join, "accepted", *decisions),
        dev_addr=accept.dev_addr,
        wrapped_app_s_key=session.wrapped_app_s_key,
    )
    return Transition(state, (record,), effects, _remember(device, memory, event))


def _remember(device: Device, memory: JoinMemory, event: VaultAnswered) -> JoinMemory:
    dev_nonce = event.join.request.dev_nonce
    used = memory.dev_nonces
    if not device.profile.counter_based_dev_nonce:
        used = nonces.add(used, dev_nonce)
    last = dev_nonce if memory.last_dev_nonce is None else max(memory.last_dev_nonce, dev_nonce)
    return replace(memory, join_nonce=event.order.accept.join_nonce, dev_nonces=used, last_dev_nonce=last)


def _open_session(network: NetworkParameters, event: VaultAnswered, keys: JoinKeys, now: float) -> Session:
    accept = event.order.accept
    plan = network.channel_plan
    from_cf_list = min(len(plan.extra_channels), 5)
    known = (1 << len(plan.region.default_channels) + from_cf_list) - 1
    radio = RadioParameters(
        rx1_delay=accept.rx_delay or 1,
        rx1_dr_offset=accept.rx1_dr_offset,
        rx2_data_rate=accept.rx2_data_rate,
        rx2_frequency=plan.region.rx2_frequency,
        ch_mask=known,
        defined_channels=known,
    )
    return Session(
        dev_addr=accept.dev_addr,
        f_nwk_s_int_key=keys.nwk_s_key,
        s_nwk_s_int_key=None,
        nwk_s_enc_key=None,
        app_s_key=keys.app_s_key,
        wrapped_app_s_key=keys.wrapped_app_s_key,
        opened_at=now,
        dev_nonce=event.join.request.dev_nonce,
        radio=radio,
    )


def _windows(network: NetworkParameters, join: JoinRequested, now: float) -> tuple[TransmitWindow, ...]:
    """The windows of a join-accept, always with the region's default parameters (TS001-1.0.4 §6.2.5)."""
    region = network.channel_plan.region
    best = next((copy for copy in join.received.copies if not copy.late), None)
    data_rate = None if best is None else region.data_rate_of(best.modulation)
    if best is None or data_rate is None:
        return ()
    defaults = RadioParameters(
        rx1_delay=region.rx1_delay,
        rx1_dr_offset=0,
        rx2_data_rate=region.rx2_data_rate,
        rx2_frequency=region.rx2_frequency,
        ch_mask=0,
        defined_channels=0,
    )
    both = windows_after(region, best, data_rate, defaults, region.join_accept_delay1)
    return tuple(window for window in both if window.opens_at - network.lead > now)


def _in_flight(transmit: Transmit, session: Session, now: float) -> InFlight:
    return InFlight(
        token=transmit.token,
        base_station=transmit.base_station,
        planned_at=now,
        join_accept=True,
        dev_addr=session.dev_addr,
        fcnt=0,
        fport=None,
        payload=b"",
        size=len(transmit.phy_payload),
        confirmed=False,
        ack=False,
        from_application=False,
        correlation_id=None,
        fcnt_up=None,
    )


def _record(
    network: NetworkParameters, device: Device, event: JoinRequested, outcome: str, *decisions: str
) -> JoinRecord:
    best = event.received.best
    region = network.channel_plan.region
    band = region.sub_band(best.frequency)
    return JoinRecord(
        id=event.received.id,
        device_ref=device.row.ref,
        time=event.received.received_at,
        outcome=outcome,
        phy_payload=best.phy_payload,
        dev_eui=DevEui(event.request.dev_eui),
        join_eui=event.request.join_eui,
        dev_nonce=event.request.dev_nonce,
        copies=copies_of(event.received.copies),
        frequency=best.frequency,
        modulation=best.modulation,
        data_rate=region.data_rate_of(best.modulation),
        channel=network.channel_plan.index_of(best.frequency),
        sub_band=band.name if band else None,
        decisions=decisions,
    )
