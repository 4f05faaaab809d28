"""`veldnet bench api`: reading operations of the API on a store of national size."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory, database_of
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.network.core import FrameKind
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.simulator.customer import Account, Customer
from veldnet.store.made_history import DAYS, LOST_EVERY, TALKATIVE, Traffic, create_history

from .fleet import FIRST_BASE_STATION, SITES, Fleet, bench_device, create_fleet, place_of
from .load import Percentiles, percentiles
from .server import BenchServer

_WARM_UP = 20
KPN = "/data/lora/thingpark"


class ApiResult(msgspec.Struct, frozen=True):
    """Milliseconds of each operation, one request after another."""

    devices: int
    frame_rows: int
    database_gb: float
    seconds_to_create: float
    operations: dict[str, Percentiles | None]


async def bench_api(
    data: Path,
    *,
    devices: int,
    rows: int,
    requests: int,
    progress: Callable[[str, int, int], None],
) -> ApiResult:
    """Create the store, start a server on it, and ask. `progress` hears what is done, and how far."""
    begun = time.perf_counter()
    settings = Settings(data=str(data))
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    parameters = network_parameters(settings.network)
    await create_fleet(
        opened,
        parameters,
        Fleet(devices, joined=False, placed=True),
        lambda done: progress("writing devices", done, devices),
    )
    await opened.close()
    now = datetime.now(UTC)
    database = database_of(settings)
    create_history(
        database,
        Traffic(int(FrameKind.UPLINK), int(FrameKind.DOWNLINK), FIRST_BASE_STATION, SITES),
        devices,
        rows,
        int(now.timestamp() * 1000),
        lambda done: progress("writing frame rows", done, rows),
    )
    created = time.perf_counter() - begun
    server = await BenchServer.start(data)
    try:
        async with aiohttp.ClientSession() as session:
            account = msgspec.convert(msgspec.structs.asdict(sandbox), Account)
            customer = Customer(server.http, account, session)
            await customer.sign_in()
            operations = _operations(devices, AddressSpace(parameters.net_id), now)
            measured = {}
            for number, (name, path_of) in enumerate(operations.items(), 1):
                measured[name] = await measure(customer, path_of, requests)
                progress("asking", number, len(operations))
    finally:
        await server.stop()
    return ApiResult(devices, rows, round(database.size() / 1e9, 2), round(created, 1), measured)


def _operations(devices: int, space: AddressSpace, now: datetime) -> dict[str, Callable[[], str]]:
    """A name, and what makes the path of each request."""
    rng = random.Random(5)  # noqa: S311 - a load, not a key
    start = (now - timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def statistics(most: int, step: str = "") -> Callable[[], str]:
        return lambda: (
            f"{KPN}/deviceFrameStatistics?deviceEUIList={bench_device(rng.randrange(most), space).dev_eui}"
            f"&startDate={start}&duration={DAYS}{step}"
        )

    def page(query: str, count: int) -> Callable[[], str]:
        return lambda: f"{KPN}/devices?{query}pageIndex={rng.randint(1, max(count // 100, 1))}"

    return {
        "deviceFrameStatistics, 7 days": statistics(devices),
        "deviceFrameStatistics, 7 days by 24 hours": statistics(devices, "&aggregationStep=24"),
        "deviceFrameStatistics, 7 days of a device that sends every 15 minutes": statistics(TALKATIVE),
        "the same by hours": statistics(TALKATIVE, "&aggregationStep=1"),
        "deviceFrameStatistics, 7 days of all devices by 24 hours": lambda: (
            f"{KPN}/deviceFrameStatistics?startDate={start}&duration={DAYS}&aggregationStep=24"
        ),
        "deviceHealthStatistics": lambda: f"{KPN}/deviceHealthStatistics",
        "devices, any page": page("", devices),
        "devices?healthState=RF_CNX_ERROR, any page": page(
            "healthState=RF_CNX_ERROR&", devices // LOST_EVERY
        ),
        "devices?healthState=ACTIVE, any page": page("healthState=ACTIVE&", devices - devices // LOST_EVERY),
        **_console(devices, rng),
    }


def some_operations(
    devices: int, space: AddressSpace, now: datetime, *, history: bool
) -> dict[str, Callable[[], str]]:
    """Pages of devices and, where there is a history, what a device has sent."""
    wanted = {
        "devices, any page": False,
        "console: devices, any page": False,
        "console: devices by name, any page": False,
        "deviceFrameStatistics, 7 days": True,
        "deviceFrameStatistics, 7 days of a device that sends every 15 minutes": True,
        "console: newest 100 frames of one device": True,
    }
    found = _operations(devices, space, now)
    return {name: found[name] for name, past in wanted.items() if history or not past}


def _console(devices: int, rng: random.Random) -> dict[str, Callable[[], str]]:
    """What the console asks for."""
    last = devices // 50

    def found(query: str, pages: int = 1) -> Callable[[], str]:
        return lambda: f"/api/v1/devices?{query}&pageSize=50&page={rng.randint(1, pages)}"

    def part() -> str:
        return f"/api/v1/devices?search={rng.randrange(devices)}&pageSize=50"

    def box() -> str:
        # Around a device: with few of them a box anywhere may be empty.
        latitude, longitude = place_of(rng.randrange(devices))
        span = rng.choice((0.05, 0.3, 1.0))
        south, west = latitude - span * rng.random(), longitude - span * rng.random()
        return (
            f"/api/v1/devices/map?south={south}&west={west}&north={south + span}&east={west + span}"
            f"&cell={span / 20}"
        )

    return {
        "console: devices, any page": found("sort=created", last),
        "console: devices by name, any page": found("sort=name", last),
        "console: devices by DevEUI turned round, any page": found("sort=-deviceEUI", last),
        "console: devices by part of the name": part,
        "console: devices, no name matches": found("search=nowhere"),
        "console: devices with a lost connection by name": found("sort=name&healthState=RF_CNX_ERROR"),
        "console: devices with a critical alarm": found("alarm=CRITICAL"),
        "console: search everything, end of a DevEUI": lambda: (
            f"/api/v1/search?q={rng.randrange(devices):06X}"
        ),
        "console: search everything, no name matches": lambda: "/api/v1/search?q=nowhere",
        "console: map of a part of the country": box,
        "console: map of the whole country": lambda: (
            "/api/v1/devices/map?south=50.7&west=3.3&north=53.6&east=7.3&cell=0.25"
        ),
        "console: overview": lambda: "/api/v1/overview",
        "console: newest 100 frames of all devices": lambda: "/api/v1/frames?limit=100",
        "console: newest 100 frames of one device": lambda: (
            f"/api/v1/frames?limit=100&deviceRef={rng.randint(1, devices)}"
        ),
    }


async def measure(customer: Customer, path_of: Callable[[], str], requests: int) -> Percentiles | None:
    """Ask so many times, one request after another; `path_of` makes the path of each."""
    seconds = []
    for number in range(requests + _WARM_UP):
        path = path_of()
        begun = time.perf_counter()
        answer: Any = await customer.call("GET", path, base="")
        if number >= _WARM_UP:
            seconds.append(time.perf_counter() - begun)
        if not answer:
            raise RuntimeError(f"GET {path} answered nothing: the store is not what it should be")
    return percentiles(seconds)
