"""A fleet of national size for several nodes, and how soon they serve it and answer questions about it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory, database_of
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.domain.partitions import PARTITIONS
from veldnet.lorawan import GatewayEui
from veldnet.network.core import FrameKind
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings, load_settings
from veldnet.simulator.customer import Account, Customer
from veldnet.store import (
    ClusterView,
    balance_lists,
    fold_device_counts,
    index_names,
    read_cluster,
    unbalanced_lists,
)
from veldnet.store.made_history import Traffic, create_history

from .api import measure, some_operations
from .fleet import FIRST_BASE_STATION, SITES, Fleet, create_fleet
from .load import Percentiles
from .uplinks import create_sites

_KEY = Path("vault") / "master.key"
_TIMEOUT = 120.0
_POLL = 0.02

# What is done, how far, and of how many.
Progress = Callable[[str, int, int], None]


class Size(msgspec.Struct, frozen=True):
    """So many devices, each with a session, and about as many rows of frames."""

    devices: int
    rows: int = 0


class Installation(msgspec.Struct, frozen=True):
    """What was built: an account to ask with, and base stations."""

    account: Account
    gateways: list[GatewayEui]
    seconds: float


async def build(
    directories: Sequence[Path], settings: Settings, size: Size, progress: Progress
) -> Installation:
    """Fill the empty database, and give each node a directory with the same master key."""
    begun = time.perf_counter()
    opened = await DataDirectory.open(settings, create=True)
    try:
        sandbox = await make_sandbox(opened)
        gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
        parameters = network_parameters(settings.network)
        shown = partial(progress, "writing devices")
        fleet = Fleet(size.devices, joined=True)
        await create_fleet(opened, parameters, fleet, lambda done: shown(done, size.devices))
        await opened.store.write(fold_device_counts)
        while await opened.store.write(index_names):
            pass
        while await opened.store.read(unbalanced_lists):
            await opened.store.write(balance_lists)
    finally:
        await opened.close()
    if size.rows:
        create_history(
            database_of(settings),
            Traffic(int(FrameKind.UPLINK), int(FrameKind.DOWNLINK), FIRST_BASE_STATION, SITES),
            size.devices,
            size.rows,
            int(time.time() * 1000),
            lambda done: progress("writing frame rows", done, size.rows),
        )
    for directory in directories[1:]:
        (directory / _KEY).parent.mkdir(mode=0o700, parents=True)
        shutil.copy2(directories[0] / _KEY, directory / _KEY)
    account = msgspec.convert(msgspec.structs.asdict(sandbox), Account)
    return Installation(account, gateways, round(time.perf_counter() - begun, 1))


class Watch:
    """Sees in the database who has which partitions."""

    def __init__(self, opened: DataDirectory) -> None:
        self._opened = opened

    @classmethod
    async def open(cls, settings: Settings) -> Watch:
        return cls(await DataDirectory.open(settings, vaults=False))

    async def close(self) -> None:
        await self._opened.close()

    async def view(self) -> ClusterView:
        return await self._opened.store.read(read_cluster)

    async def partitions_of(self, node: str) -> set[int]:
        leases = (await self.view()).leases
        return {partition for partition, held in leases.items() if held.owner == node}

    async def until_shared(self, nodes: Sequence[str]) -> float:
        """Seconds until these nodes, and nobody else, have all partitions in equal shares."""
        begun, least = time.perf_counter(), PARTITIONS // len(nodes)
        while time.perf_counter() - begun < _TIMEOUT:
            owners = [held.owner for held in (await self.view()).leases.values()]
            shares = [owners.count(node) for node in nodes]
            if sum(shares) == PARTITIONS and min(shares) >= least:
                return round(time.perf_counter() - begun, 2)
            await asyncio.sleep(_POLL)
        raise RuntimeError(f"the nodes {', '.join(nodes)} do not share the partitions")


async def until_ready(http: str, session: aiohttp.ClientSession) -> None:
    """Wait until a node serves."""
    async with asyncio.timeout(_TIMEOUT):
        while True:
            async with session.get(f"{http}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(_POLL)


async def ask(
    http: str, session: aiohttp.ClientSession, built: Installation, size: Size, requests: int
) -> dict[str, Percentiles | None]:
    """Pages of devices and weeks of a device from a node, one request after another."""
    customer = Customer(http, built.account, session)
    await customer.sign_in()
    space = AddressSpace(network_parameters(load_settings().network).net_id)
    asked = some_operations(size.devices, space, datetime.now(UTC), history=bool(size.rows))
    return {name: await measure(customer, path_of, requests) for name, path_of in asked.items()}
