"""Rejoin-requests of LoRaWAN 1.1: renews the session; the old one stays valid meanwhile.

Type 0 renews everything, type 2 only keys, address and counters; both are signed with the session's
SNwkSIntKey, so the network checks them. Type 1 is signed with a key of the root, which only the vault has.
"""

from __future__ import annotations

import hmac

from msgspec.structs import replace

from veldnet.lorawan import JoinEui
from veldnet.lorawan.frames import RejoinRequest
from veldnet.lorawan.join import OPT_NEG, JoinAccept, join_request_mic

from .context import Context
from .events import AskVault, Device, RejoinRequested, Transition
from .join import activation_refusal, join_record, order, rj_count1_refusal
from .parameters import NetworkParameters
from .receive_windows import wanted_rx1_delay
from .sessions import cf_list, dl_settings
from .state import DeviceState, JoinMemory, RadioParameters, Session


def request_rejoin(context: Context[RejoinRequested], state: DeviceState, memory: JoinMemory) -> Transition:
    """Check the request, note its counter, and order the new session at the vault."""
    network, device, event = context.network, context.device, context.event
    refusal = activation_refusal(context, memory)
    signed: Session | None = None
    if refusal is None and not device.profile.version_11:
        refusal = ("rejoin_before_1_1", "rejoin-requests belong to LoRaWAN 1.1; the device profile is older")
    if refusal is None and event.request.rejoin_type == 1:
        refusal = _refusal_of_type_1(device, memory, event.request)
    elif refusal is None:
        signed, refusal = _signed_by(network, state, event.request)
    if refusal is not None:
        return Transition(state, (join_record(context, event, *refusal),))
    settings, channels = dl_settings(context), cf_list(context)
    delay = wanted_rx1_delay(network, context.plan)
    if event.request.rejoin_type == 2 and signed is not None:
        settings, delay, channels = _kept(signed.radio)
    accept = JoinAccept(memory.join_nonce + 1, network.net_id, event.dev_addr, settings, delay, channels)
    if signed is not None:
        state = _count(state, signed, event.request.rj_count)
    return Transition(state, effects=(AskVault(event, order(device, event, accept)),))


def _kept(radio: RadioParameters) -> tuple[int, int, bytes]:
    """A rejoin of type 2 repeats what the device uses already."""
    return OPT_NEG | radio.rx1_dr_offset << 4 | radio.rx2_data_rate, radio.rx1_delay, b""


def _refusal_of_type_1(device: Device, memory: JoinMemory, request: RejoinRequest) -> tuple[str, str] | None:
    expected = device.row.join_eui
    if expected is not None and JoinEui.parse(expected) != request.join_eui:
        return "wrong_join_eui", f"JoinEUI {request.join_eui} instead of {expected}"
    return rj_count1_refusal(memory, request.rj_count)


def _signed_by(
    network: NetworkParameters, state: DeviceState, request: RejoinRequest
) -> tuple[Session | None, tuple[str, str] | None]:
    """The session whose key signed a request of type 0 or 2, or why there is none."""
    if request.net_id != network.net_id:
        return None, ("foreign_network", f"NetID {request.net_id} is not {network.net_id}")
    for session in state.sessions:
        key = session.s_nwk_s_int_key
        if key is None or not hmac.compare_digest(join_request_mic(key, request.unsigned()), request.mic):
            continue
        last = session.rj_count0
        if last is not None and request.rj_count <= last:
            return None, ("rj_count_not_rising", f"RJcount0 {request.rj_count} does not follow {last}")
        return session, None
    return None, ("wrong_mic", "the MIC of the rejoin-request fits no session of the device")


def _count(state: DeviceState, session: Session, rj_count: int) -> DeviceState:
    counted = replace(session, rj_count0=rj_count)
    if session is state.session:
        return replace(state, session=counted)
    return replace(state, pending_session=counted)
