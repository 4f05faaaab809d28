"""Settings of the shell itself; what transitions go by is in `NetworkParameters`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from veldnet.lorawan import BaseStationId
from veldnet.network.core.base_station_radios import RadioSettings, default_radio, one_by_one


def _alone(_process: int) -> bool:
    return False


class ServerOptions(NamedTuple):
    """`generation` is how often the database was restored from a backup, `capacity` how many devices are held
    in memory. A process that is `shared` serves none before it takes their partitions; `node_lives` says
    whether a node with a number in identifiers does. Copies of a frame are collected for
    `deduplication_window` seconds; a commit begins after `commit_interval` seconds or with `commit_size`
    records. `plans_both` says which base stations can be given RX1 and RX2 at once."""

    deduplication_window: float = 0.2
    capacity: int = 200_000
    shared: bool = False
    generation: int = 0
    commit_interval: float = 0.010
    commit_size: int = 500
    duty_cycle: bool = True
    radio_settings: Callable[[BaseStationId], RadioSettings] = default_radio
    plans_both: Callable[[BaseStationId], bool] = one_by_one
    node_lives: Callable[[int], bool] = _alone
