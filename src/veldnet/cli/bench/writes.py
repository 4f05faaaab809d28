"""`veldnet bench writes`: devices created and changed over the API, by one customer and by many at once."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.sandbox import make_sandbox
from veldnet.inventory.devices import first_references
from veldnet.inventory.offers import grant_connectivity_plan
from veldnet.lorawan import DevEui
from veldnet.settings import Settings
from veldnet.simulator.customer import Account, Customer
from veldnet.store import Connection

from .fleet import JOIN_EUI
from .load import Percentiles, percentiles
from .profile import Sampling, folded
from .server import BenchServer

_FIRST = 0x3000_0000_0000_0000
_KEY = "000102030405060708090a0b0c0d0e0f"
_GRANTED = 1_000_000
# Requests of each client that are not counted: the first of their kind load code.
_WARM_UP = 5

# One request of a client, by its number.
Write = Callable[[int], Awaitable[Any]]


class WriteCost(msgspec.Struct, frozen=True):
    """Requests that `clients` made side by side, each the next one once it had its answer. CPU is that of the
    server's process, without the vault's."""

    writes: str
    clients: int
    done: int
    per_second: float
    cpu_ms_each: float
    answer_ms: Percentiles | None


async def bench_writes(
    data: Path, *, seconds: float, clients: Sequence[int], stacks: Path | None = None
) -> list[WriteCost]:
    """Devices are created, then changed, then both by turns, by each number of clients. `stacks` is where to
    write where the processor time of all of it went, folded."""
    opened = await DataDirectory.open(Settings(data=str(data)), create=True)
    sandbox = await make_sandbox(opened)
    await opened.store.write(_grant_enough)
    await opened.close()
    account = msgspec.convert(msgspec.structs.asdict(sandbox), Account)
    sampling = None if stacks is None else Sampling(data / "samples.json")
    server = await BenchServer.start(data, module=("veldnet",) if sampling is None else sampling.module)
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            customer = Customer(server.http, account, session)
            await customer.sign_in()
            writes = _Writes(customer, account)
            for make in (writes.create, writes.change):
                for number in range(_WARM_UP):
                    await make(number)
            if sampling is not None:
                await sampling.begin(server)
            measured = [
                await _measure(server, session, name, write, count, seconds)
                for count in clients
                for name, write in writes.kinds().items()
            ]
            if sampling is not None:
                await sampling.end(server)
    finally:
        await server.stop()
    if stacks is not None and sampling is not None and sampling.samples is not None:
        await asyncio.to_thread(stacks.write_text, folded(sampling.samples))
    return measured


def _grant_enough(connection: Connection) -> None:
    refs = first_references(connection)
    grant_connectivity_plan(connection, refs.subscriber, refs.plan, _GRANTED)


class _Writes:
    """What customers write."""

    def __init__(self, customer: Customer, account: Account) -> None:
        self._customer = customer
        self._account = account
        self._numbers: Iterator[int] = itertools.count()
        self._refs: list[str] = []

    def kinds(self) -> dict[str, Write]:
        return {"create": self.create, "change": self.change, "mixed": self._mixed}

    async def create(self, _number: int) -> None:
        eui = DevEui(_FIRST + next(self._numbers))
        body = {
            "EUI": str(eui),
            "applicationEUI": str(JOIN_EUI),
            "applicationKey": _KEY,
            "name": f"Bench {eui}",
            "deviceProfileId": self._account.device_profile_id,
            "connectivityPlanId": self._account.connectivity_plan_id,
            "hsmGroupId": self._account.hsm_group_id,
        }
        made = await self._customer.call("POST", "/devices", body)
        self._refs.append(made["ref"])

    async def change(self, number: int) -> None:
        ref = self._refs[number * 7919 % len(self._refs)]
        await self._customer.call("PUT", f"/devices/{ref}", {"name": f"Changed {number}"})

    async def _mixed(self, number: int) -> None:
        await (self.change if number % 2 else self.create)(number)


async def _measure(
    server: BenchServer,
    session: aiohttp.ClientSession,
    name: str,
    write: Write,
    clients: int,
    seconds: float,
) -> WriteCost:
    numbers, taken = itertools.count(), list[float]()
    before = await server.metrics(session)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _client in range(clients):
            group.create_task(_write_on(partial(_one, write, numbers), begun + seconds, taken))
    elapsed = time.perf_counter() - begun
    after = await server.metrics(session)
    cpu = after["cpu_seconds_total"] - before["cpu_seconds_total"]
    return WriteCost(
        name,
        clients,
        len(taken),
        round(len(taken) / elapsed, 1),
        round(cpu / max(len(taken), 1) * 1000, 2),
        percentiles(taken),
    )


async def _one(write: Write, numbers: Iterator[int]) -> float:
    """Seconds until the answer."""
    begun = time.perf_counter()
    await write(next(numbers))
    return time.perf_counter() - begun


async def _write_on(one: Callable[[], Awaitable[float]], until: float, taken: list[float]) -> None:
    while time.perf_counter() < until:
        taken.append(await one())
