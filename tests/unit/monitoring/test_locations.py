"""Solver processes, and what is learnt of base stations; uplinks that are too many are left out."""

from __future__ import annotations

import asyncio
import os
import signal

from msgspec.structs import replace
from sqlalchemy import create_engine

from tests.unit.location.city import City, exact
from tests.unit.network import builders
from veldnet.domain.documents import PlanSettings
from veldnet.location import Clocks, Learnt, Problem, Reference, solve
from veldnet.location.plane import Point
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.locations import (
    Located,
    LocationKeeper,
    Placed,
    SolverPool,
    read_calibration,
    write_calibration,
)
from veldnet.monitoring.locations.referees import Referees, Stored
from veldnet.network.core import UplinkRecord
from veldnet.network.core.state import DeviceState
from veldnet.network.shell import Entry, Recorded, new_entry
from veldnet.store import write_property
from veldnet.store.schema import properties

SQUARE = [Point(0, 0, 30), Point(2000, 100, 30), Point(2100, 2100, 30), Point(-100, 1900, 30)]
PROBLEM = Problem(1000.0, exact(Point(700, 800, 1.5), SQUARE))


async def test_a_process_solves_as_this_one_does_and_another_follows_one_that_died() -> None:
    pool = SolverPool(1)
    try:
        assert await pool.solve(PROBLEM) == solve(PROBLEM)
        (solver,) = pool._idle
        assert solver._process is not None
        os.kill(solver._process.pid, signal.SIGKILL)
        await solver._process.wait()
        assert await pool.solve(PROBLEM) == solve(PROBLEM)
    finally:
        await pool.close()
    assert await pool.solve(PROBLEM) is None, "it is closed"


async def test_without_processes_a_problem_is_solved_at_once() -> None:
    assert await SolverPool(0).solve(PROBLEM) == solve(PROBLEM)


def test_what_nodes_learn_is_added_up() -> None:
    engine = create_engine("sqlite://")
    properties.create(engine)
    with engine.begin() as connection:
        assert read_calibration(connection) == Stored()
        first, second = Referees(), Referees()
        city = City(1)
        for node in (first, second, first):
            device = city.anywhere()
            node.learn(Reference(52.0907, 5.1214, 14.0, city.heard(device, 5)), 0.0)
        assert first.changed
        for node in (first, second):
            node.load(write_calibration(connection, node.news()))
            assert not node.changed and node.news().stations == {}
        stored = read_calibration(connection)
    frames = sum(each.gain_frames for each in stored.stations.values())
    assert frames == 15 and 14 < stored.sums[0] <= 15
    assert stored.stations[next(iter(stored.stations))] != Learnt()
    engine.dispose()


class _Nowhere:
    def placed(self, base_station: BaseStationId) -> Placed | None:
        return None


class _Nobody:
    async def get(self, *, ref: int | None = None, dev_eui: str | None = None) -> Entry | None:
        return None

    def note(self, entry: Entry, record: object) -> None:
        raise AssertionError("nothing was located")


def keeper_of(located: Located) -> LocationKeeper:
    nobody = _Nobody()
    return LocationKeeper(
        builders.runtime(lambda: builders.NOW), nobody, nobody, _Nowhere(), SolverPool(0), located
    )


def uplinks(keeper: LocationKeeper, *refs: int, at: float = 0.0, wanted: bool = True) -> None:
    """Commit an uplink of each device."""
    recorded = []
    for ref in refs:
        target = builders.device(ref=ref, plan=PlanSettings(nwGeolocalization=wanted))
        transition = builders.receive(
            DeviceState(session=builders.session()), builders.uplink_frame(1), target=target
        )
        assert transition is not None
        record = transition.records[0]
        assert isinstance(record, UplinkRecord)
        recorded.append(
            Recorded(replace(record, device_ref=ref, time=record.time + at), target, new_entry(target))
        )
    keeper.rows(recorded, [])
    keeper.committed()


async def test_a_device_that_fails_keeps_no_other_from_being_located() -> None:
    keeper, asked = keeper_of(Located()), []

    class Broken(_Nobody):
        async def get(self, *, ref: int | None = None, dev_eui: str | None = None) -> Entry | None:
            asked.append(ref)
            if ref == 1:
                raise LookupError
            return None

    keeper._devices = Broken()
    uplinks(keeper, 1, 2)
    running = asyncio.create_task(keeper.run())
    await asyncio.sleep(0.01)
    assert asked == [1, 2] and keeper.waiting == 0 and not running.done()
    assert keeper.counters.outcomes == {"broken": 1}
    running.cancel()


async def test_too_many_uplinks_and_those_that_come_too_soon_are_left_out() -> None:
    keeper = keeper_of(Located(interval=10.0, waiting=2))
    uplinks(keeper, 1, wanted=False)
    assert keeper.waiting == 0, "the plan does not want it"
    uplinks(keeper, 1, 2, 3)
    assert keeper.waiting == 2 and keeper.counters.outcomes == {"dropped": 1}
    await keeper.settle()
    uplinks(keeper, 1, at=9.0)
    assert keeper.waiting == 0 and keeper.counters.outcomes["too_often"] == 1
    uplinks(keeper, 1, at=10.0)
    assert keeper.waiting == 1
    keeper.failed()


def test_what_was_learnt_and_cannot_be_read_is_learnt_again() -> None:
    engine = create_engine("sqlite://")
    properties.create(engine)
    with engine.begin() as connection:
        write_property(connection, "location_calibration", '{"stations": 5}')
        assert read_calibration(connection) == Stored()
        node = Referees()
        node.learn(Reference(52.0907, 5.1214, 14.0, City(1).heard(City(1).anywhere(), 5)), 0.0)
        write_calibration(connection, node.news())
        assert len(read_calibration(connection).stations) == 5
    engine.dispose()


def test_what_was_learnt_of_a_base_station_is_forgotten_once_it_stands_elsewhere() -> None:
    engine = create_engine("sqlite://")
    properties.create(engine)
    here, there = Placed(52.0, 5.0, 30.0), Placed(52.0, 5.1, 30.0)
    node, city = Referees(), City(1)
    heard = city.heard(city.anywhere(), 5)
    moved, kept = heard[0].station, heard[1].station
    for station in (moved, kept):
        node.stands(station, here)
        for _frame in range(10):
            node.clocks.note(Clocks(wrong=(station,)), 0.0)
    node.learn(Reference(52.0907, 5.1214, 14.0, heard), 0.0)
    with engine.begin() as connection:
        news = node.news()
        node.load(write_calibration(connection, news), news.moved)
        for station, place in ((moved, there), (kept, here)):
            node.stands(station, place)
        assert node.clocks.is_wrong(moved) is None and node.clocks.is_wrong(kept)
        assert node.changed
        # What was read before it was written that it moved.
        node.load(read_calibration(connection))
        assert node.changed
        news = node.news()
        node.load(write_calibration(connection, news), news.moved)
        assert not node.changed
        stations = read_calibration(connection).stations
    assert moved not in stations and kept in stations
    engine.dispose()


def test_the_keeper_notices_that_a_base_station_stands_elsewhere() -> None:
    keeper = keeper_of(Located())

    class Moving:
        east = 5.0

        def placed(self, base_station: BaseStationId) -> Placed | None:
            return Placed(52.0, self.east, None)

    stations = keeper._stations = Moving()
    uplinks(keeper, 1)
    (job,) = keeper._waiting
    (hearing,) = keeper._heard(job)
    for _frame in range(10):
        keeper.referees.clocks.note(Clocks(wrong=(hearing.station,)), 0.0)
    keeper._heard(job)
    assert keeper.referees.clocks.is_wrong(hearing.station)
    stations.east = 5.01
    keeper._heard(job)
    assert keeper.referees.clocks.is_wrong(hearing.station) is None
