"""Why a server cannot do its work now, in words, and what a node says of itself to others."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from veldnet.cluster import NodeReport
from veldnet.inventory import changes
from veldnet.store import StoreError
from veldnet.texts import Text, pack

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

_STORE_TIMEOUT = 3.0
_LONGEST_LAG = 5.0
# Bytes that must be free for the log and a day of frames.
_LEAST_FREE = 100_000_000


async def problems_of(platform: Platform) -> list[str]:
    """Nothing where all works."""
    found: list[str] = [] if platform.ready else [Text("starting: not every port listens yet")]
    found += write_problems(platform)
    try:
        async with asyncio.timeout(_STORE_TIMEOUT):
            await platform.store.read(changes.position)
    except (StoreError, TimeoutError):
        found.append(Text("the store does not answer within {seconds:g} s", seconds=_STORE_TIMEOUT))
    found += vault_problems(platform)
    found += platform.supervisor.problems() + delivery_problems(platform)
    free = shutil.disk_usage(platform.settings.data).free
    if free < _LEAST_FREE:
        found.append(Text("the data directory has {free} MB left", free=free // 1_000_000))
    if platform.loop_lag.seconds > _LONGEST_LAG:
        found.append(Text("the event loop is {lag:.1f} s late", lag=platform.loop_lag.seconds))
    return found + platform.hub.problems()


def vault_problems(platform: Platform) -> list[str]:
    """Why devices that this process serves cannot join."""
    found: list[str] = []
    for name in platform.vault.names:
        problem = platform.vault.of(name).problem
        if problem is not None:
            found.append(
                Text(
                    "vault {name}: {problem}: no device of its HSM groups can join",
                    name=name,
                    problem=problem,
                )
                if name
                else Text("{problem}: no device can join", problem=problem)
            )
    return found


def delivery_problems(platform: Platform) -> list[str]:
    """Processes that do not deliver; what they would is kept."""
    processes = platform.deliveries.processes
    away = [] if processes is None else processes.away
    return [Text("the process {name} does not deliver: it is being started", name=name) for name in away]


def write_problems(platform: Platform) -> list[str]:
    """Why frames are not accepted."""
    found: list[str] = []
    if platform.cluster is None and platform.heartbeat.replaced:
        found.append(Text("another process has taken over this data directory: this one stops"))
    elif platform.network.commits.failing:
        found.append(Text("the last commit failed: frames are not accepted"))
    elif not platform.heartbeat.writable:
        found.append(Text("the database cannot be written: frames are not accepted"))
    if platform.data.problem is not None:
        found.append(platform.data.problem)
    return found if platform.cluster is None else found + platform.cluster.problems()


def report_of(platform: Platform) -> NodeReport:
    """What the status of this node says, as `veldnet cluster status` and the console show it."""
    problems = (
        write_problems(platform)
        + vault_problems(platform)
        + platform.supervisor.problems()
        + platform.hub.problems()
    )
    return NodeReport(
        lag=round(min(platform.receive_lag, 60.0), 3),
        devices=len(platform.network.devices),
        base_stations=platform.hub.connected_count,
        problems=tuple(map(pack, problems)),
    )
