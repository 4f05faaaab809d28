"""Clock synchronisation: what the network answers a device that asks for the time, and what it does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import ADDR, APP_S_KEY, NETWORK, NOW, device, receive, session, uplink_frame
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan import frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.packages import serialise
from veldnet.lorawan.packages.clock_sync import AppTimeAns, AppTimeReq
from veldnet.network.core.events import Device, Transition, Transmit
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.records import UplinkRecord
from veldnet.network.core.state import DeviceState, QueuedDownlink

PORT = 202
CLOCKED = device(ProfileSettings(clockSyncPort=PORT))
JOINED = DeviceState(session=session())
RIGHT = round(unix_to_gps(NOW))
OWN = QueuedDownlink(77, 3, b"own", None, False, None, None, NOW - 1)


def ask(
    request: AppTimeReq | bytes,
    state: DeviceState = JOINED,
    *,
    target: Device = CLOCKED,
    fport: int = PORT,
    network: NetworkParameters = NETWORK,
) -> Transition:
    payload = request if isinstance(request, bytes) else serialise((request,))
    transition = receive(state, uplink_frame(0, payload=payload, fport=fport), target=target, network=network)
    assert transition is not None
    return transition


def words(transition: Transition) -> list[str]:
    record = transition.records[0]
    assert isinstance(record, UplinkRecord) and record.reported, "it is delivered as any other"
    return [line for line in record.decisions if line.startswith("clock")]


def sent(transition: Transition) -> tuple[int | None, bytes]:
    (effect,) = transition.effects
    assert isinstance(effect, Transmit)
    frame = frames.parse(effect.phy_payload)
    assert isinstance(frame, DataFrame)
    return frame.fport, crypt_payload(APP_S_KEY, DOWNLINK, ADDR, frame.fcnt, frame.frm_payload)


@pytest.mark.parametrize("off", [-3600, -1, 1, 100_000])
def test_the_answer_says_how_far_the_clock_is_off(off: int) -> None:
    transition = ask(AppTimeReq(RIGHT - off, 5, False))
    assert sent(transition) == (PORT, serialise((AppTimeAns(off, 5),)))
    assert words(transition) == [f"clock synchronisation: the device's clock is to be changed by {off:+d} s"]
    (flying,) = transition.state.in_flight
    assert not flying.from_application and not transition.state.queue


def test_a_clock_that_is_right_is_confirmed_where_the_device_wants_that() -> None:
    assert sent(ask(AppTimeReq(RIGHT, 1, True))) == (PORT, serialise((AppTimeAns(0, 1),)))
    quiet = ask(AppTimeReq(RIGHT, 1, False))
    assert not quiet.effects and words(quiet) == [
        "clock synchronisation: the device's clock is right, and it needs no answer"
    ]


def test_it_goes_before_what_applications_have_queued_and_an_older_answer_is_dropped() -> None:
    older = replace(
        OWN, id=78, fport=PORT, payload=b"\x01\x00\x00\x00\x00\x04", priority=255, from_network=True
    )
    transition = ask(AppTimeReq(RIGHT - 9, 5, False), replace(JOINED, queue=(older, OWN)))
    assert sent(transition) == (PORT, serialise((AppTimeAns(9, 5),)))
    assert transition.state.queue == (OWN,)


def test_a_payload_with_a_counter_of_its_own_is_not_overtaken() -> None:
    fixed = replace(OWN, fcnt=0)
    transition = ask(AppTimeReq(RIGHT - 9, 5, False), replace(JOINED, queue=(fixed,)))
    assert [item.from_network for item in transition.state.queue] == [True]
    assert transition.state.in_flight[0].submission == fixed.id


@pytest.mark.parametrize(
    ("request_", "target", "state", "why"),
    [
        (b"\x77", CLOCKED, JOINED, "no AppTimeReq in the payload"),
        (b"\x01\x00", CLOCKED, JOINED, "no AppTimeReq in the payload"),
        (
            AppTimeReq(0, 1, True),
            CLOCKED,
            DeviceState(session=session(app_s_key=None, wrapped_app_s_key=b"wrapped")),
            "the network cannot read the request, its AppSKey is in the HSM",
        ),
        (
            AppTimeReq(0, 1, True),
            device(CLOCKED.profile, PlanSettings(downlinkTransmission=False)),
            JOINED,
            "the connectivity plan allows no downlinks",
        ),
    ],
)
def test_no_answer_has_a_reason(
    request_: AppTimeReq | bytes, target: Device, state: DeviceState, why: str
) -> None:
    transition = ask(request_, state, target=target)
    assert not transition.effects and not transition.state.queue
    assert words(transition) == [f"clock synchronisation: {why}"]


def test_a_full_queue_keeps_what_it_has() -> None:
    network = NetworkParameters(channel_plans=NETWORK.channel_plans, queue_limit=1)
    transition = ask(AppTimeReq(0, 1, True), replace(JOINED, queue=(OWN,)), network=network)
    assert words(transition) == ["clock synchronisation: the downlink queue is full"]
    assert sent(transition) == (OWN.fport, OWN.payload)


def test_other_ports_and_profiles_without_one_are_none_of_its_business() -> None:
    request = AppTimeReq(0, 1, True)
    for transition in (ask(request, fport=PORT - 1), ask(request, target=device())):
        assert not transition.effects and words(transition) == []
