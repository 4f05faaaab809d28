"""Air time for set-ups, and the turns of questions."""

from __future__ import annotations

import pytest

from veldnet.campaigns.airtime import Turns
from veldnet.campaigns.block import Block
from veldnet.campaigns.capacity import SET_UP, Reach, estimate, message_time, reach_of
from veldnet.campaigns.estimating import needs_of
from veldnet.campaigns.pacing import asks
from veldnet.campaigns.sessions import Need, plan_session
from veldnet.campaigns.states import GroupOptions, Needs, Options, Plan, Progress
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.regions import REGIONS, ChannelPlan
from veldnet.network.core.multicast import Heard

EU, US = ChannelPlan(REGIONS["EU868"]), ChannelPlan(REGIONS["US915"])
NOW = 1_700_000_000_000


def heard(device: int, station: int, margin: float | None) -> Heard:
    return Heard(device, BaseStationId(station), margin)


def test_a_message_takes_the_part_of_each_band_that_campaigns_have() -> None:
    # Half of 1 % in RX1 at SF7 (72 ms), half of 10 % in RX2 at SF12 (1.65 s): about six a minute.
    assert message_time(EU, 5, 0.1) == pytest.approx(10, abs=1)
    # At SF12 also in RX1; and with 1 % in all the other half of it is left for RX2.
    assert message_time(EU, 0, 0.1) == pytest.approx(30, abs=2)
    assert message_time(EU, 0, 0.01) == pytest.approx(165, abs=10)
    # Where no duty cycle is to be kept the share alone counts.
    assert message_time(US, 3, 0.1) == pytest.approx(10 * message_time(US, 3, 1.0))


def test_devices_are_answered_by_those_that_hear_them_well() -> None:
    reach = reach_of(EU, [heard(1, 7, 30.0), heard(1, 8, 26.0), heard(1, 9, 10.0), heard(2, 9, None)])
    assert reach == {1: Reach((7, 8), 5), 2: Reach((9,), 0)}


def test_a_set_up_takes_as_long_as_the_busiest_base_station_needs() -> None:
    one, both = Reach((7,), 5), Reach((7, 8), 5)
    alone = estimate(EU, dict.fromkeys(range(100), one), 100, SET_UP, 0.1)
    shared = estimate(EU, dict.fromkeys(range(100), both), 100, SET_UP, 0.1)
    assert (alone.stations, shared.stations) == (1, 2) and alone.seconds == pytest.approx(
        2 * shared.seconds, abs=1
    )
    # Those that nobody has heard yet count, too; where none was heard nothing is known.
    assert estimate(EU, dict.fromkeys(range(50), one), 100, SET_UP, 0.1).seconds == alone.seconds
    assert estimate(EU, {}, 100, SET_UP, 0.1).seconds == 0


def test_what_a_campaign_needs() -> None:
    near = [heard(device, 7, 30.0) for device in range(5)]
    alone = needs_of(Options(), 480, near, {"EU868": range(5)}, {"EU868": EU})
    # Ten fragments and two besides, four questions; a quarter more for what is lost.
    assert alone is not None and (alone.uplinks, alone.heard, alone.unheard) == (20, 5, 0)
    assert alone.time is not None and alone.airtime is not None and alone.time > 10 * alone.airtime
    # Who was never heard counts like the others.
    twice = needs_of(Options(), 480, near, {"EU868": range(10)}, {"EU868": EU})
    assert twice is not None and twice.time == pytest.approx(2 * alone.time, abs=1) and twice.unheard == 5
    assert needs_of(Options(), 480, [], {"EU868": range(5)}, {"EU868": EU}) == Needs(20, None, None, 0, 5)
    assert needs_of(Options(), 480, near, {"EU868": range(5)}, {}) is None


def test_questions_go_out_by_turns_and_some_at_once() -> None:
    turns = Turns()
    when = [turns.take((7, 8), 300, NOW) for _ in range(10)]
    # A quarter of an hour's worth at each of the two, then one every five minutes at each.
    assert when == [NOW] * 8 + [NOW + 300_000] * 2
    assert turns.take((9,), 300, NOW) == NOW
    # What was not used is not saved up.
    assert [turns.take((7,), 300, NOW + 86_400_000) for _ in range(5)][-1] == NOW + 86_400_000 + 300_000


def test_base_stations_that_have_turns_are_bounded() -> None:
    turns = Turns()
    for station in range(10_050):
        turns.take((station,), 1, NOW)
    assert len(turns._busy_until) == 10_000


def test_who_waits_for_a_turn() -> None:
    options = Options(group=GroupOptions(lead=600))
    plan = Plan(options, Block(bytes(100), 50), bytes(4))
    session = plan_session(plan, Need(1, True, 0), None, 4000, NOW)
    assert asks(Progress(state="pending", due_at=NOW), None, NOW)
    assert not asks(Progress(state="pending", due_at=NOW, held=True), None, NOW)
    assert not asks(Progress(state="settingUp", due_at=NOW + 1), None, NOW)
    assert not asks(Progress(state="receiving", due_at=NOW), None, NOW)
    assert asks(Progress(state="waitingSession", due_at=NOW), session, NOW)
    assert not asks(Progress(state="waitingSession", due_at=NOW), None, NOW)
    assert not asks(Progress(state="listening", due_at=NOW), session, NOW)
    assert asks(Progress(state="listening", due_at=NOW), session, session.ends_at)
