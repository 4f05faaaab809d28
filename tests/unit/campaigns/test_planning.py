"""When the session of a group begins, beside those of other campaigns."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from veldnet.campaigns.airtime import Turns
from veldnet.campaigns.block import Block
from veldnet.campaigns.planning import Pace, Taken, beside
from veldnet.campaigns.sessions import Need
from veldnet.campaigns.states import GroupOptions, Options, Plan, Session
from veldnet.lorawan import BaseStationId

NOW = 1_700_000_000_000
HERE, THERE, FAR = BaseStationId(7), BaseStationId(8), BaseStationId(9)
OPTIONS = Options(group=GroupOptions(lead=60), redundancy=0)
PLAN = Plan(OPTIONS, Block(bytes(1000), 50), bytes(4))
# Half a second of transmission, so one in 50 s at one percent.
PACE = Pace((HERE, THERE), 0.5, 6000)


def planned(*taken: Taken, plan: Plan = PLAN) -> Session:
    return beside(plan, Need(1, True, 0), None, PACE, taken, NOW)


def used(station: BaseStationId, share: float, seconds: int) -> Taken:
    return Taken(frozenset([station]), share, NOW + seconds * 1000)


def test_a_session_that_is_alone_uses_the_whole_share() -> None:
    for alone in (planned(), planned(used(FAR, 0.01, 9000)), planned(used(HERE, 0.01, 60))):
        assert (alone.starts_at, alone.spacing) == (NOW + 60_000, 50_000)


@pytest.mark.parametrize(
    ("taken", "begins", "spacing"),
    [
        # Nothing is left beside it: after it.
        ((used(THERE, 0.01, 5000),), 5000, 50_000),
        # Half is left, for so long that twenty fragments are through before.
        ((used(HERE, 0.005, 5000),), 60, 100_000),
        # Half is left, but it is over soon.
        ((used(HERE, 0.005, 200),), 200, 50_000),
        # Two of different base stations do not add up, two of the same one do.
        ((used(HERE, 0.005, 9000), used(THERE, 0.005, 9000)), 60, 100_000),
        ((used(HERE, 0.005, 9000), used(HERE, 0.005, 7000)), 7000, 100_000),
        # A campaign that may use more than the other does.
        ((used(HERE, 0.0099, 90_000),), 90_000, 50_000),
    ],
)
def test_sessions_share_what_base_stations_may_send(
    taken: tuple[Taken, ...], begins: int, spacing: int
) -> None:
    session = planned(*taken)
    assert (session.starts_at - NOW) // 1000 == begins and session.spacing == pytest.approx(spacing, abs=2)


def test_a_campaign_with_a_larger_share_goes_beside() -> None:
    plan = Plan(replace(OPTIONS, duty_cycle_share=5.0), PLAN.block, bytes(4))
    session = planned(used(HERE, 0.01, 9000), plan=plan)
    assert session.starts_at == NOW + 60_000 and session.spacing == pytest.approx(12_500, abs=2)


def test_what_is_asked_meanwhile_can_be_seen() -> None:
    turns = Turns()
    turns.take([7, 8], 30.0, NOW)
    seen = turns.busy_until
    turns.take([7], 30.0, NOW)
    assert seen == {7: NOW + 30_000.0}
