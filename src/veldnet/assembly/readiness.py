"""Why a server cannot do its work now, in words."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from veldnet.inventory import changes
from veldnet.store import StoreError

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

_STORE_TIMEOUT = 3.0
_LONGEST_LAG = 5.0
# Bytes that must be free for the log and a day of frames.
_LEAST_FREE = 100_000_000


async def problems_of(platform: Platform) -> list[str]:
    """Nothing where all works."""
    found = [] if platform.ready else ["starting: not every port listens yet"]
    found += platform.write_problems()
    try:
        async with asyncio.timeout(_STORE_TIMEOUT):
            await platform.store.read(changes.position)
    except (StoreError, TimeoutError):
        found.append(f"the store does not answer within {_STORE_TIMEOUT:g} s")
    for name in platform.vault.names:
        problem = platform.vault.of(name).problem
        if problem is not None:
            whose = (
                f"vault {name}: {problem}: no device of its HSM groups" if name else f"{problem}: no device"
            )
            found.append(f"{whose} can join")
    found += platform.supervisor.problems()
    free = shutil.disk_usage(platform.settings.data).free
    if free < _LEAST_FREE:
        found.append(f"the data directory has {free // 1_000_000} MB left")
    if platform.loop_lag > _LONGEST_LAG:
        found.append(f"the event loop is {platform.loop_lag:.1f} s late")
    return found + platform.hub.problems()
