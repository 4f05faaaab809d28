"""`veldnet bench groups`: how long it takes to plan a downlink to a multicast group, over a store.

What is measured is what a server does once for each downlink whose base stations are not known yet: read the
base stations and how they hear the members, choose those that send, and give each its turn.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import msgspec

from veldnet.assembly import multicast
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.domain.documents import PlanSettings
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, base_stations, groups, offers
from veldnet.lorawan import AesKey, BaseStationId, DevAddr, GatewayEui
from veldnet.network.core import DownlinkRequest
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.multicast import GroupContext, GroupKeys, GroupState, begin, plan_attempt, submit
from veldnet.network.core.parameters import NetworkParameters
from veldnet.settings import load_settings
from veldnet.store import Connection, coverage
from veldnet.store import multicast as stored

from .fleet import FIRST_BASE_STATION, Fleet, bench_device, create_fleet
from .load import Percentiles, percentiles

_PLAN = "bench-cs/multicast"
_EUI, _ADDRESS, _KEY = "02000000000000BE", DevAddr(0x0010BEBE), AesKey(bytes(range(16)))
# Degrees between base stations, about 1.5 km, and how many of them hear a device.
_APART, _HEARING = 0.0135, 3
# dB above what the slowest data rate needs, at a base station and for each kilometre from it.
_NEAR, _AWAY = 32.0, 8.0
_KM = 111.2


class GroupsLoad(msgspec.Struct, frozen=True):
    """So many members, base stations and measurements."""

    members: int
    stations: int
    rounds: int


class GroupsResult(msgspec.Struct, frozen=True):
    """`chosen` base stations send, in so many `turns`; milliseconds by the clock to choose them, and to give
    each its turn; `cpu` of the process for both together."""

    members: int
    baseStations: int
    chosen: int
    weak: int
    unheard: int
    turns: int
    choosing: Percentiles | None
    giving: Percentiles | None
    cpu: float


async def bench_groups(data: Path, load: GroupsLoad) -> GroupsResult:
    """Fill a data directory with a town, and plan downlinks to a group of its street lights."""
    settings = load_settings({"data": str(data / "data"), "keys.process": False})
    opened = await DataDirectory.open(settings, create=True)
    try:
        await make_sandbox(opened)
        parameters = network_parameters(settings.network)
        scope = await opened.store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        await create_fleet(opened, parameters, Fleet(load.members, joined=False, class_c_every=1))
        ref = await _group(opened, parameters, scope, load)
        return await _measured(opened, parameters, ref, load)
    finally:
        await opened.close()


async def _group(opened: DataDirectory, parameters: NetworkParameters, scope: Scope, load: GroupsLoad) -> int:
    """A group of all devices, and how base stations hear them; returns its ref."""
    store = opened.store
    await store.write(lambda c: _write_town(c, scope, load))
    body = groups.MulticastGroup(
        EUI=_EUI,
        name="Street lights",
        deviceClass="C",
        downlinkDataRate=3,
        connectivityPlanId=_PLAN,
        networkAddress=str(_ADDRESS),
        multicastKey=_KEY.hex(),
        baseStationCoverage="MEMBERS",
    )
    new = groups.check_new_group(body, parameters.channel_plans)
    keys = await multicast.seal_keys(opened.vault.of(""), new, _ADDRESS)
    made = await store.write(lambda c: groups.create_group(c, scope, new, _ADDRESS, keys))
    space = AddressSpace(parameters.net_id)
    euis = [str(bench_device(number, space).dev_eui) for number in range(load.members)]

    def join(connection: Connection) -> None:
        record = groups.own_group(connection, scope, str(made.ref))
        for start in range(0, len(euis), groups.MOST_AT_ONCE):
            groups.add_members(connection, scope, record, euis[start : start + groups.MOST_AT_ONCE])

    await store.write(join)
    return int(str(made.ref))


def _write_town(connection: Connection, scope: Scope, load: GroupsLoad) -> None:
    """A plan, base stations on a grid, and devices among them, each heard by those nearest to it."""
    rng = random.Random(1)  # noqa: S311 - the same town each time
    plan = offers.create_connectivity_plan(
        connection, scope.operator_ref, _PLAN, "Groups", PlanSettings(downlinkRate=0), "MULTICAST"
    )
    offers.grant_connectivity_plan(connection, scope.subscriber_ref, plan, 1)
    side = -(-load.stations // max(round(load.stations**0.5), 1))
    places = [(52.0 + n // side * _APART, 5.0 + n % side * _APART * 1.6) for n in range(load.stations)]
    for number, (latitude, longitude) in enumerate(places):
        facts = base_stations.StationFacts(name=f"Mast {number}", latitude=latitude, longitude=longitude)
        eui = GatewayEui(0x0059ACBE00000000 + number)
        base_stations.create_base_station(connection, scope.operator_ref, eui, facts)
    rows: list[coverage.HearingRow] = []
    # As `create_fleet` numbers them.
    for ref in range(1, load.members + 1):
        near = rng.choice(places)
        at = near[0] + rng.uniform(-_APART, _APART), near[1] + rng.uniform(-_APART, _APART)
        away = sorted((_kilometres(at, place), number) for number, place in enumerate(places))
        for distance, number in away[:_HEARING]:
            # The sandbox has the first number.
            station = FIRST_BASE_STATION + 1 + number
            rows.append(
                coverage.HearingRow(
                    ref, station, scope.subscriber_ref, 20, 1.0, _NEAR - _AWAY * distance, last_at=0
                )
            )
    coverage.add_hearing(connection, rows)


def _kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float((((one[0] - other[0]) * _KM) ** 2 + ((one[1] - other[1]) * _KM * 0.62) ** 2) ** 0.5)


async def _measured(
    opened: DataDirectory, parameters: NetworkParameters, ref: int, load: GroupsLoad
) -> GroupsResult:
    store, plans = opened.store, parameters.channel_plans
    row = await store.read(lambda c: stored.group_by_ref(c, ref))
    assert row is not None
    context = GroupContext(
        parameters, row, PlanSettings(), plans["EU868"].region, GroupKeys(_KEY, _KEY), time.time()
    )
    request = DownlinkRequest(fport=5, payload=b"\x01")
    choosing, giving = [], []
    # What is read for the first time comes from the disk.
    coverage = await store.read(lambda c: multicast.coverage_of(c, ref, plans))
    places = {
        BaseStationId.parse(each.id): (each.latitude, each.longitude)
        for each in coverage.baseStations
        if each.latitude is not None and each.longitude is not None
    }
    turns = 0
    cpu = time.process_time()
    for number in range(load.rounds):
        began = time.perf_counter()
        coverage = await store.read(lambda c: multicast.coverage_of(c, ref, plans))
        chosen = time.perf_counter()
        stations = [BaseStationId.parse(each.id) for each in coverage.baseStations]
        state, refusal = submit(context, GroupState(), request, number, len(stations))
        assert refusal is None, refusal
        sending = begin(context, state, stations).state.sending
        assert sending is not None
        planned = plan_attempt(context, sending, places)
        choosing.append(chosen - began)
        giving.append(time.perf_counter() - chosen)
        turns = len({each.at for each in planned})
    return GroupsResult(
        load.members,
        load.stations,
        len(coverage.baseStations),
        coverage.weakCount,
        coverage.unheardCount,
        turns,
        percentiles(choosing),
        percentiles(giving),
        round((time.process_time() - cpu) / load.rounds * 1000, 1),
    )
