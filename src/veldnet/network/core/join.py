"""Over-the-air activation: check and order at the vault, then open the session with its answer.

The nonce is remembered together with the session, when the vault has found the request genuine. A forged
request therefore cannot use up a device's nonces, and a genuine one is accepted once: two orders in
flight for one nonce meet the same check again when their answers come.
"""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.domain.joins import JoinOrder, JoinRefusal
from veldnet.lorawan import DevEui, JoinEui
from veldnet.lorawan.frames import RejoinRequest
from veldnet.lorawan.join import JoinAccept

from . import nonces
from .context import Context
from .events import (
    AskVault,
    Device,
    Effect,
    Event,
    JoinRequested,
    RejoinRequested,
    Transition,
    Transmit,
    VaultAnswered,
)
from .receive_windows import wanted_rx1_delay
from .records import JoinRecord
from .sessions import (
    accept_in_flight,
    accept_windows,
    cf_list,
    default_radio,
    dl_settings,
    open_session,
)
from .state import DeviceState, JoinMemory
from .uplink_record import copies_of

MAX_JOIN_NONCE = 0xFFFFFF


def request_join(context: Context[JoinRequested], state: DeviceState, memory: JoinMemory) -> Transition:
    """Refuse what needs no key to be refused; order the rest at the vault."""
    event = context.event
    refusal = activation_refusal(context, memory) or _join_refusal(context, memory)
    if refusal is not None:
        return Transition(state, (join_record(context, event, *refusal),))
    accept = JoinAccept(
        memory.join_nonce + 1,
        context.network.net_id,
        event.dev_addr,
        dl_settings(context),
        wanted_rx1_delay(context.network, context.plan),
        cf_list(context),
    )
    return Transition(state, effects=(AskVault(event, order(context.device, event, accept)),))


def order(device: Device, event: JoinRequested | RejoinRequested, accept: JoinAccept) -> JoinOrder:
    """What the vault is to do for a request of a device."""
    row, request = device.row, event.request
    join_eui = JoinEui.parse(row.join_eui) if row.join_eui is not None else request.join_eui
    assert row.sealed_app_key is not None
    return JoinOrder(
        vault=row.vault,
        dev_eui=request.dev_eui,
        join_eui=join_eui if join_eui is not None else JoinEui(0),
        sealed_app_key=row.sealed_app_key,
        sealed_nwk_key=row.sealed_nwk_key if device.profile.version_11 else None,
        request=request,
        accept=accept,
        protected=row.hsm_group_ref is not None,
        sealed_as_transport_key=row.sealed_as_transport_key,
    )


def activation_refusal(
    context: Context[JoinRequested | RejoinRequested], memory: JoinMemory
) -> tuple[str, str] | None:
    """Code and words of a reason to serve no request of a device, None if there is none."""
    device, event = context.device, context.event
    row, best = device.row, event.received.best
    if not context.channel_plan.served:
        return "region_not_served", f"the network does not serve {device.profile.region}"
    if device.shadow:
        return "shadow", "the device is in shadow: the network it comes from answers its joins"
    if not device.active or device.plan is None:
        return "device_inactive", "the device has no connectivity plan or no routing"
    if row.sealed_app_key is None:
        return "no_app_key", "the device has no AppKey"
    if device.profile.version_11 and row.sealed_nwk_key is None:
        return "no_nwk_key", "a device of LoRaWAN 1.1 needs a NwkKey, and this one has none"
    region = context.channel_plan.region
    if region.uplink_data_rate(best.modulation) is None or region.sub_band(best.frequency) is None:
        return (
            "wrong_region",
            f"{best.frequency / 1e6:g} MHz with {best.modulation} is not of {region.name}, the region of the "
            "device profile",
        )
    if not event.received.answerable:
        return _why_unanswerable(event)
    if memory.join_nonce >= MAX_JOIN_NONCE:
        return "join_nonces_exhausted", "the device has joined 16,777,215 times; its root key must change"
    return None


def _why_unanswerable(event: JoinRequested | RejoinRequested) -> tuple[str, str]:
    stations = ", ".join(str(copy.base_station) for copy in event.received.copies[:5])
    if all(copy.late for copy in event.received.copies):
        return "join_kept", f"{stations} kept the request while its backhaul was down"
    return "no_timestamp", f"{stations} gave no counter (tmst) to time a join-accept by"


def _join_refusal(context: Context[JoinRequested], memory: JoinMemory) -> tuple[str, str] | None:
    row, request = context.device.row, context.event.request
    if row.join_eui is not None and JoinEui.parse(row.join_eui) != request.join_eui:
        return "wrong_join_eui", f"JoinEUI {request.join_eui} instead of {row.join_eui}"
    return _nonce_refusal(context.device, memory, request.dev_nonce)


def _nonce_refusal(device: Device, memory: JoinMemory, dev_nonce: int) -> tuple[str, str] | None:
    if device.profile.counter_based_dev_nonce:
        last = memory.last_dev_nonce
        if last is not None and dev_nonce <= last:
            return "dev_nonce_not_rising", f"DevNonce {dev_nonce} does not follow {last}"
        return None
    if nonces.contains(memory.dev_nonces, dev_nonce):
        return "dev_nonce_replayed", f"DevNonce {dev_nonce} was used before"
    return None


def answer_join(context: Context[VaultAnswered], state: DeviceState, memory: JoinMemory) -> Transition:
    """Open the session with the vault's keys and send the join-accept, or record the refusal."""
    event, channel_plan, now = context.event, context.channel_plan, context.now
    join, answer, accept = event.join, event.answer, event.order.accept
    if isinstance(answer, JoinRefusal):
        return Transition(state, (join_record(context, join, answer.code, answer.message),))
    refusal = _late_refusal(context, memory)
    if refusal is not None:
        return Transition(state, (join_record(context, join, *refusal),))
    current = state.session
    rejoin_type = join.request.rejoin_type if isinstance(join, RejoinRequested) else None
    kept = current.radio if rejoin_type == 2 and current is not None else None
    session = open_session(channel_plan, accept, answer, _nonce(join), now, kept)
    state = replace(state, pending_session=session)
    listening = (
        current.radio if rejoin_type in (0, 2) and current is not None else default_radio(channel_plan)
    )
    windows = accept_windows(context, join.received, listening)
    decisions = [f"JoinNonce {accept.join_nonce}, DevAddr {accept.dev_addr}"]
    effects: tuple[Effect, ...] = ()
    if windows:
        transmit = Transmit(join.received.token, answer.join_accept, windows)
        effects = (transmit,)
        in_flight = accept_in_flight(transmit.token, len(answer.join_accept), session, windows[0], now)
        state = replace(state, in_flight=(*state.in_flight, in_flight))
        decisions.append(f"join-accept in RX{windows[0].slot} ({windows[0].modulation})")
    else:
        decisions.append("no join-accept: both receive windows are over")
    record = replace(
        join_record(context, join, "accepted", *decisions),
        dev_addr=accept.dev_addr,
        wrapped_app_s_key=session.wrapped_app_s_key,
    )
    return Transition(state, (record,), effects, _remember(context.device, memory, event))


def _nonce(join: JoinRequested | RejoinRequested) -> int:
    return join.request.dev_nonce if isinstance(join, JoinRequested) else join.request.rj_count


def _late_refusal(context: Context[VaultAnswered], memory: JoinMemory) -> tuple[str, str] | None:
    """What has changed while the vault was at work."""
    event = context.event
    join = event.join
    refusal = None
    if isinstance(join, JoinRequested):
        refusal = _nonce_refusal(context.device, memory, join.request.dev_nonce)
    elif join.request.rejoin_type == 1:
        refusal = rj_count1_refusal(memory, join.request.rj_count)
    if refusal is None and event.order.accept.join_nonce <= memory.join_nonce:
        refusal = ("superseded", "another join of the device was served meanwhile")
    if refusal is None and not context.channel_plan.served:
        refusal = ("region_not_served", "the region of the device is not served any more")
    return refusal


def rj_count1_refusal(memory: JoinMemory, rj_count: int) -> tuple[str, str] | None:
    """RJcount1 must always increase (TS001-1.1 §6.2.4.2)."""
    last = memory.last_rj_count1
    if last is not None and rj_count <= last:
        return "rj_count_not_rising", f"RJcount1 {rj_count} does not follow {last}"
    return None


def _remember(device: Device, memory: JoinMemory, event: VaultAnswered) -> JoinMemory:
    join = event.join
    memory = replace(memory, join_nonce=event.order.accept.join_nonce)
    if isinstance(join, RejoinRequested):
        if join.request.rejoin_type == 1:
            memory = replace(memory, last_rj_count1=join.request.rj_count)
        return memory
    dev_nonce, used = join.request.dev_nonce, memory.dev_nonces
    if not device.profile.counter_based_dev_nonce:
        used = nonces.add(used, dev_nonce)
    last = dev_nonce if memory.last_dev_nonce is None else max(memory.last_dev_nonce, dev_nonce)
    return replace(memory, dev_nonces=used, last_dev_nonce=last)


def join_record(
    context: Context[Event], join: JoinRequested | RejoinRequested, outcome: str, *decisions: str
) -> JoinRecord:
    """The record of a join-request or rejoin-request."""
    received, request = join.received, join.request
    best, channel_plan = received.best, context.channel_plan
    band = channel_plan.region.sub_band(best.frequency)
    data_rate = channel_plan.region.uplink_data_rate(best.modulation)
    return JoinRecord(
        id=received.id,
        device_ref=context.device.row.ref,
        time=received.received_at,
        outcome=outcome,
        phy_payload=best.phy_payload,
        dev_eui=DevEui(request.dev_eui),
        join_eui=request.join_eui,
        dev_nonce=_nonce(join),
        copies=copies_of(received.copies),
        frequency=best.frequency,
        modulation=best.modulation,
        data_rate=data_rate,
        channel=channel_plan.uplink_index(best.frequency, data_rate),
        sub_band=band.name if band else None,
        rejoin_type=request.rejoin_type if isinstance(request, RejoinRequest) else None,
        decisions=decisions,
    )
