"""Both ADR algorithms: what they decide for good, weak and lossy links, and within which bounds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.network.builders import (
    NETWORK,
    NOW,
    copy,
    data_event,
    device,
    radio,
    receive,
    session,
    uplink_frame,
)
from veldnet.domain.documents import PlanSettings
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.regions import EU868, REGIONS
from veldnet.network.core import adr
from veldnet.network.core.adr import LinkParameters
from veldnet.network.core.context import context_of
from veldnet.network.core.state import DeviceState
from veldnet.network.core.uplink import match, receive_data

V2, V3 = PlanSettings(adrVersion=2), PlanSettings(adrVersion=3)
FULL = adr.bounds(EU868, None, None)


def history(snr: float, *, every: int = 1, count: int = 20, spread: float = 1.5, seed: int = 1) -> bytes:
    """Uplinks around an SNR; of `every` counters one arrives."""
    rng, packed = random.Random(seed), b""
    for number in range(count):
        packed = adr.remember(packed, number * every, rng.gauss(snr, spread))
    return packed


def decide(
    packed: bytes,
    current: LinkParameters,
    plan: PlanSettings = V3,
    limits: adr.Bounds = FULL,
    motion: str = "NEAR_STATIC",
) -> LinkParameters:
    return adr.decide(EU868, plan, adr.Link(packed, current, limits), margin=10.0, motion=motion).link


SLOW = LinkParameters(0, 0, 1)


def test_v2_follows_the_worked_example() -> None:
    packed = history(3.5, spread=0.0)
    assert decide(packed, SLOW, V2) == LinkParameters(4, 0, 1)
    assert decide(history(5.0, spread=0.0), LinkParameters(5, 0, 1), V2) == LinkParameters(5, 0, 1)
    assert decide(history(3.5, count=19), SLOW, V2) == SLOW


@pytest.mark.parametrize(
    ("lost_of", "now", "expected"), [(1, 1, 1), (1, 3, 2), (2, 1, 3), (2, 2, 3), (2, 3, 3)]
)
def test_v2_repeats_what_gets_lost(lost_of: int, now: int, expected: int) -> None:
    packed = history(-20, every=lost_of, spread=0.0)
    assert decide(packed, LinkParameters(0, 0, now), V2).nb_trans == expected


def test_v3_raises_the_rate_of_a_good_link_and_then_lowers_its_power() -> None:
    wanted = decide(history(9.0), SLOW)
    assert wanted.data_rate == 5 and wanted.tx_power >= 4 and wanted.nb_trans == 1


def test_v3_lowers_the_rate_of_a_link_that_loses_too_much() -> None:
    """Where v2 waits for the device to back off."""
    weak = history(-6.5, every=3)
    fast = LinkParameters(5, 0, 1)
    assert decide(weak, fast, V2).data_rate == 5
    wanted = decide(weak, fast)
    assert wanted.data_rate < 5 and wanted.tx_power == 0


def test_v3_repeats_against_collisions_rather_than_slowing_down() -> None:
    collided, fast = history(9.0, every=2), LinkParameters(5, 0, 1)
    patient = PlanSettings(macroDiversityReliability=0.4, targetPacketErrorRate=0.2)
    assert decide(collided, fast, patient) == LinkParameters(5, decide(collided, fast, patient).tx_power, 3)
    # Where nothing reaches the target, what comes nearest.
    assert decide(collided, fast, V3) == LinkParameters(5, 0, 3)


def test_v3_stays_where_little_is_to_gain() -> None:
    settled = decide(history(2.0), LinkParameters(5, 0, 1))
    assert decide(history(2.0 - 2 * settled.tx_power), settled) == settled


def test_v3_waits_for_ten_uplinks_unless_frames_are_lost() -> None:
    assert decide(history(9.0, count=9), SLOW) == SLOW
    assert decide(history(9.0, count=10), SLOW) != SLOW
    assert decide(history(-9.0, count=6, every=3), LinkParameters(4, 3, 1)) != LinkParameters(4, 3, 1)


def test_moving_devices_are_treated_with_prudence() -> None:
    still = decide(history(0.0), SLOW)
    moving = decide(history(0.0), SLOW, motion="VEHICLE_SPEED")
    assert (still.data_rate, still.tx_power) > (moving.data_rate, moving.tx_power)
    assert decide(history(3.5, spread=0.0), SLOW, V2, motion="VEHICLE_SPEED").data_rate < 4


def test_bounds_of_the_plan_the_region_and_the_device() -> None:
    region = EU868
    assert adr.bounds(region, 9, 10).data_rates == (2, 3)
    assert adr.bounds(region, None, None, caps=(3, 1)) == adr.Bounds((0, 1, 2, 3), 1)
    assert adr.bounds(REGIONS["AU915"], None, None, dwell=True).data_rates == (2, 3, 4, 5)
    assert adr.bounds(REGIONS["US915"], None, None).data_rates == (0, 1, 2, 3)
    assert decide(history(9.0), SLOW, V3, adr.bounds(region, 9, 12)).data_rate == 3
    assert decide(history(9.0), SLOW, V2, adr.bounds(region, 9, 12)).data_rate == 3


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(-32, 31)), max_size=25),
    st.sampled_from(sorted(REGIONS)),
    st.integers(0, 15),
    st.integers(0, 14),
    st.integers(1, 15),
    st.sampled_from([2, 3]),
    st.tuples(st.integers(1, 4), st.integers(0, 3)),
)
def test_decisions_stay_within_their_bounds(
    heard: list[tuple[int, float]],
    name: str,
    data_rate: int,
    tx_power: int,
    nb_trans: int,
    version: int,
    repeats: tuple[int, int],
) -> None:
    region = REGIONS[name]
    data_rate = min(region.uplink, key=lambda rate: abs(rate - data_rate))
    packed, fcnt = b"", 0
    for step, snr in heard:
        fcnt += step
        packed = adr.remember(packed, fcnt, snr)
    plan = PlanSettings(
        adrVersion=version,  # type: ignore[arg-type]
        nbTransMin=repeats[0],
        nbTransMax=repeats[0] + repeats[1],
    )
    limits = adr.bounds(region, None, None)
    current = LinkParameters(data_rate, tx_power, nb_trans)
    link = adr.Link(packed, current, limits)
    wanted = adr.decide(region, plan, link, margin=10.0, motion="RANDOM").link
    if wanted != current:
        assert wanted.data_rate in limits.data_rates or wanted.data_rate == data_rate
        assert 0 <= wanted.tx_power <= max(limits.max_tx_power, tx_power)
        assert plan.nbTransMin <= wanted.nb_trans <= plan.nbTransMax or wanted.nb_trans == nb_trans


def test_devices_that_are_to_be_located_keep_three_base_stations() -> None:
    assert PlanSettings(nwGeolocalization=True).antenna_diversity == 3
    assert PlanSettings(nwGeolocalization=True, minAntennaDiversity=5).antenna_diversity == 5
    assert PlanSettings(minAntennaDiversity=2).antenna_diversity == 2
    target = device(plan=PlanSettings(nwGeolocalization=True))
    state = DeviceState(session=session(radio=radio(data_rate=5)))
    transition = receive(state, uplink_frame(0), target=target, snr=9.0)
    assert transition is not None and transition.state.session is not None
    assert adr.samples(transition.state.session.adr_history) == [(0, adr.UNHEARD)]


def test_the_third_base_station_decides_how_fast_a_device_that_is_to_be_located_sends() -> None:
    """As well as the first would let it, the third would not hear it any more."""
    rates = []
    for located in (False, True):
        plan = PlanSettings(nwGeolocalization=located, adrVersion=3)
        state = DeviceState(session=session(radio=radio(data_rate=0)))
        for fcnt in range(20):
            frame = uplink_frame(fcnt)
            copies = tuple(
                copy(frame, sf=12, snr=snr, base_station=BaseStationId(number))
                for number, snr in enumerate((9.0, 4.0, -9.0, -15.0))
            )
            event = data_event(frame, number=fcnt + 1)
            event = replace(event, received=replace(event.received, copies=copies))
            context = context_of(NETWORK, device(plan=plan), event, NOW + fcnt * 60)
            found = match(context, state)
            assert found is not None
            state = receive_data(context, state, found).state
        assert state.session is not None
        packed = state.session.adr_history
        assert {snr for _fcnt, snr in adr.samples(packed)} == {-9.0 if located else 9.0}
        rates.append(decide(packed, SLOW, plan).data_rate)
    assert rates[0] == 5 and rates[1] <= 2


def test_the_antenna_diversity_that_a_plan_wants_is_what_adr_looks_at() -> None:
    target = device(plan=PlanSettings(minAntennaDiversity=2))
    state = DeviceState(session=session(radio=radio(data_rate=5)))
    transition = receive(state, uplink_frame(0), target=target, snr=9.0)
    assert transition is not None and transition.state.session is not None
    assert adr.samples(transition.state.session.adr_history) == [(0, adr.UNHEARD)]
