"""Joins through the pure core, with the real software vault."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, NOW, copy, device, session
from veldnet.domain.documents import ProfileSettings
from veldnet.keys import SoftwareVault
from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, frames
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import decrypt_join_accept, derive_session_keys_10, join_request_mic
from veldnet.network.core.context import context_of
from veldnet.network.core.events import (
    AskVault,
    Device,
    JoinRequested,
    ReceivedFrame,
    Transition,
    Transmit,
    VaultAnswered,
)
from veldnet.network.core.join import answer_join, request_join
from veldnet.network.core.records import JoinRecord
from veldnet.network.core.state import DeviceState, JoinMemory

APP_KEY = AesKey.parse("00112233445566778899aabbccddeeff")
DEV_EUI = DevEui.parse("0059AC0000170311")
JOIN_EUI = JoinEui.parse("0102030405060708")
ADDR = DevAddr.parse("00112233")
VAULT = SoftwareVault(bytes(32))


def joining(profile: ProfileSettings | None = None, **changes: object) -> Device:
    sealed = asyncio.run(VAULT.import_app_key(DEV_EUI, APP_KEY))
    return device(profile, None, **({"sealed_app_key": sealed} | changes))


def request(
    nonce: int, *, key: AesKey = APP_KEY, join_eui: JoinEui = JOIN_EUI, number: int = 1
) -> JoinRequested:
    unsigned = JoinRequest(join_eui, DEV_EUI, nonce, b"").unsigned()
    phy = unsigned + join_request_mic(key, unsigned)
    frame = frames.parse(phy)
    assert isinstance(frame, JoinRequest)
    uplink = copy(phy)
    return JoinRequested(ReceivedFrame(number, number + 100, (uplink,), NOW), frame, ADDR)


def join(
    target: Device, state: DeviceState, memory: JoinMemory, event: JoinRequested, now: float = NOW + 0.2
) -> Transition:
    """A whole join: request, vault, answer."""
    asked = request_join(context_of(NETWORK, target, event, NOW), state, memory)
    if not asked.effects:
        return asked
    (effect,) = asked.effects
    assert isinstance(effect, AskVault) and asked.state is state
    (answer,) = asyncio.run(VAULT.join([effect.order]))
    return answer_join(
        context_of(NETWORK, target, VaultAnswered(event, effect.order, answer), now), state, memory
    )


def record_of(transition: Transition) -> JoinRecord:
    (record,) = transition.records
    assert isinstance(record, JoinRecord)
    return record


def test_a_join_opens_a_pending_session_and_answers_with_the_regions_defaults() -> None:
    state = DeviceState(session=session())
    transition = join(joining(), state, JoinMemory(), request(7))
    assert record_of(transition).outcome == "accepted"
    assert transition.state.session == state.session, "the old session stays"
    pending = transition.state.pending_session
    assert pending is not None and pending.dev_addr == ADDR
    (effect,) = transition.effects
    assert isinstance(effect, Transmit)
    accept, _mic = decrypt_join_accept(APP_KEY, effect.phy_payload)
    assert accept.join_nonce == 1 and accept.dev_addr == ADDR and len(accept.cf_list) == 16
    keys = derive_session_keys_10(APP_KEY, 1, NETWORK.net_id, 7)
    assert pending.f_nwk_s_int_key == keys.nwk_s_key
    assert pending.app_s_key is None, "with an HSM group the AppSKey stays in the vault"
    assert [(w.slot, w.timestamp) for w in effect.windows] == [(1, 10_000_000), (2, 11_000_000)]
    assert effect.windows[1].frequency == 869_525_000 and str(effect.windows[1].modulation) == "SF12BW125"
    assert transition.join_memory is not None
    assert (transition.join_memory.join_nonce, transition.join_memory.last_dev_nonce) == (1, 7)


def test_without_an_hsm_group_the_network_holds_the_app_s_key() -> None:
    transition = join(joining(hsm_group_ref=None), DeviceState(), JoinMemory(), request(7))
    pending = transition.state.pending_session
    keys = derive_session_keys_10(APP_KEY, 1, NETWORK.net_id, 7)
    assert pending is not None and pending.app_s_key == keys.app_s_key and pending.wrapped_app_s_key is None


@pytest.mark.parametrize(
    ("target", "event", "outcome"),
    [
        (joining(), request(7, key=AesKey(bytes(16))), "wrong_mic"),
        (joining(), request(7, join_eui=JoinEui(5)), "wrong_join_eui"),
        (joining(processing_strategy="SHADOW"), request(7), "shadow"),
        (joining(plan_ref=None), request(7), "device_inactive"),
        (joining(routing_profile_ref=None), request(7), "device_inactive"),
        (device(sealed_app_key=None), request(7), "no_app_key"),
        (device(sealed_app_key=b"\x01" + bytes(40)), request(7), "bad_seal"),
    ],
)
def test_refusals_leave_no_trace_in_the_memory(target: Device, event: JoinRequested, outcome: str) -> None:
    transition = join(target, DeviceState(), JoinMemory(), event)
    assert record_of(transition).outcome == outcome
    assert transition.state == DeviceState() and transition.join_memory is None and not transition.effects


def test_a_random_nonce_is_accepted_once() -> None:
    target, memory = joining(), JoinMemory()
    for number, nonce in enumerate((500, 3, 65_535, 0)):
        transition = join(target, DeviceState(), memory, request(nonce, number=number))
        assert transition.join_memory is not None
        memory = transition.join_memory
    for nonce in (0, 3, 500, 65_535):
        refused = join(target, DeviceState(), memory, request(nonce))
        assert record_of(refused).outcome == "dev_nonce_replayed"
    assert memory.join_nonce == 4


def test_from_104_on_nonces_must_rise() -> None:
    target = joining(ProfileSettings(loRaWANMacVersion="1.0.4"))
    memory = JoinMemory(join_nonce=3, last_dev_nonce=10)
    for nonce, outcome in ((10, "dev_nonce_not_rising"), (2, "dev_nonce_not_rising"), (11, "accepted")):
        assert record_of(join(target, DeviceState(), memory, request(nonce))).outcome == outcome


def test_two_orders_in_flight_for_one_nonce_open_one_session() -> None:
    """The check is made again when the vault's answers come."""
    target, state, memory = joining(), DeviceState(), JoinMemory()
    events = [request(9, number=1), request(9, number=2), request(10, number=3)]
    orders = [
        request_join(context_of(NETWORK, target, event, NOW), state, memory).effects[0] for event in events
    ]
    outcomes = []
    for event, effect in zip(events, orders, strict=True):
        assert isinstance(effect, AskVault)
        (answer,) = asyncio.run(VAULT.join([effect.order]))
        transition = answer_join(
            context_of(NETWORK, target, VaultAnswered(event, effect.order, answer), NOW), state, memory
        )
        outcomes.append(record_of(transition).outcome)
        state, memory = transition.state, transition.join_memory or memory
    assert outcomes == ["accepted", "dev_nonce_replayed", "superseded"]


def test_a_join_answered_too_late_still_counts_its_nonce() -> None:
    transition = join(joining(), DeviceState(), JoinMemory(), request(7), now=NOW + 7)
    assert record_of(transition).decisions[-1] == "no join-accept: both receive windows are over"
    assert transition.effects == () and transition.join_memory is not None


def test_join_nonces_end_some_day() -> None:
    memory = replace(JoinMemory(), join_nonce=0xFFFFFF)
    assert record_of(join(joining(), DeviceState(), memory, request(7))).outcome == "join_nonces_exhausted"
