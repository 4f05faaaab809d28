"""`veldnet bench lists`: lists of devices, searches and the map of many devices, on SQLite or PostgreSQL."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.sandbox import make_sandbox
from veldnet.domain.health import Standing
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, devices, search
from veldnet.inventory.devices import FleetDevice, Paging, Wanted, first_references, write_fleet
from veldnet.lorawan import DevEui
from veldnet.monitoring.device_order import order_devices
from veldnet.monitoring.observed import observed_at, standing, stored
from veldnet.settings import load_settings
from veldnet.store import Connection, balance_lists, fold_device_counts, index_names, unbalanced_lists

from .fleet import JOIN_EUI, place_of
from .load import Percentiles, percentiles

_PIECE = 5000
_PAGE = 100
_COUNTRY = (50.7, 3.3, 53.6, 7.3)
_WORDS = (
    ("Pump", "Tank", "Meter", "Valve", "Gate"),
    ("north", "south", "river", "lock", "polder", "dike", "street"),
)
# Of devices: never heard, lost, with an alarm that nobody has acknowledged, with a tag; one in so many.
_SILENT, _LOST, _ALARMED, _TAGGED = 20, 50, 10, 10
_HOUR = 3_600_000

Ask = Callable[[Connection], Any]


class Taken(msgspec.Struct, frozen=True):
    """Milliseconds by the clock, and CPU of this process, which has all of SQLite and none of PostgreSQL."""

    clock: Percentiles | None
    cpu: float


class ListsResult(msgspec.Struct, frozen=True):
    store: str
    devices: int
    seconds_to_create: float
    lists: dict[str, Taken]


class ListsLoad(msgspec.Struct, frozen=True):
    """So many devices; each list is asked for so many times. `store` is the URL of an empty PostgreSQL
    database, or empty for SQLite."""

    devices: int
    rounds: int
    store: str = ""


async def bench_lists(data: Path, load: ListsLoad, progress: Callable[[str, int, int], None]) -> ListsResult:
    """Fill a database and ask it as the API does. `progress` hears what is done, and how far."""
    begun = time.perf_counter()
    settings = load_settings({"data": str(data / "data"), "store.url": load.store, "keys.process": False})
    opened = await DataDirectory.open(settings, create=True)
    try:
        plan = (await make_sandbox(opened)).connectivity_plan_id
        refs = await opened.store.read(first_references)
        now = int(time.time() * 1000)
        for start in range(0, load.devices, _PIECE):
            fleet = [_device(n, now) for n in range(start + 1, min(start + _PIECE, load.devices) + 1)]
            await opened.store.write(partial(write_fleet, refs=refs, fleet=fleet))
            progress("writing devices", fleet[-1].ref, load.devices)
        progress("indexing", 0, 1)
        await order_devices(opened.store, time.time, above=0)
        while await opened.store.write(index_names):
            pass
        await opened.store.write(fold_device_counts)
        while await opened.store.read(unbalanced_lists):
            await opened.store.write(balance_lists)
        created = time.perf_counter() - begun
        scope = await opened.store.read(lambda connection: accounts.scope_of_user(connection, 1))
        assert scope is not None
        asked = _lists(scope, plan, load.devices)
        taken = {}
        for number, (name, ask) in enumerate(asked.items(), 1):
            taken[name] = await _measure(opened, ask, load.rounds)
            progress("asking", number, len(asked))
    finally:
        await opened.close()
    return ListsResult("postgresql" if load.store else "sqlite", load.devices, round(created, 1), lists=taken)


def _device(number: int, now: int) -> FleetDevice:
    """Device `number` of every such fleet."""
    first, second = (words[number % len(words)] for words in _WORDS)
    heard = number % _SILENT != 0
    at = Standing(now - number * 37 % 2000 * _HOUR, number * 13 % 101 / 100)
    return FleetDevice(
        number,
        DevEui(0x1000_0000_0000_0000 + number * 7919),
        JOIN_EUI,
        f"{first} {second} {number}",
        "A",
        b"sealed",
        place_of(number),
        health=(2 if number % _LOST == 1 else 1) if heard else 0,
        monitoring=stored(at) if heard else None,
        tag="bench" if number % _TAGGED == 0 else "",
        alarm=3 + number // _ALARMED % 4 if number % _ALARMED == 3 else None,
    )


async def _measure(opened: DataDirectory, ask: Ask, rounds: int) -> Taken:
    seconds = []
    # What is read for the first time comes from the disk.
    await opened.store.read(ask)
    cpu = time.process_time()
    for _round in range(rounds):
        begun = time.perf_counter()
        await opened.store.read(ask)
        seconds.append(time.perf_counter() - begun)
    return Taken(percentiles(seconds), round((time.process_time() - cpu) / rounds * 1000, 1))


def _lists(scope: Scope, plan: str, count: int) -> dict[str, Ask]:
    observed = observed_at(time.time())
    chance = random.Random(1)  # noqa: S311 - pages, no secrets
    last = -(-count // _PAGE)

    def found(wanted: Wanted, order: devices.Order, page: int | None = 1) -> Ask:
        """A page, any of them for None."""

        def ask(connection: Connection) -> Any:
            paging = Paging(order, page or chance.randint(1, last), _PAGE)
            return devices.search_devices(connection, scope, wanted, paging, observed, standing)

        return ask

    def listed(connection: Connection) -> Any:
        return devices.list_devices(connection, scope, devices.Filter(page_index=chance.randint(1, last)))

    def mapped(wanted: Wanted, size: float = 0.25) -> Ask:
        return lambda connection: devices.map_cells(connection, scope, wanted, _COUNTRY, size)

    def everything(text: str) -> Ask:
        sight = search.Sight(scope.operator_ref, scope.subscriber_ref)
        return lambda connection: search.search(connection, sight, text, 8)

    everyone, page = Wanted(), min(150, last)
    return {
        "KPN's list of devices, any page": listed,
        "all, any page": found(everyone, "created", None),
        "all by name": found(everyone, "name"),
        "all by name, any page": found(everyone, "name", None),
        "all, silent for longest": found(everyone, "lastUplink"),
        "all by last uplink, any page": found(everyone, "-lastUplink", None),
        "all, worst PER": found(everyone, "-meanPER"),
        "all by PER, any page": found(everyone, "meanPER", None),
        "all by worst alarm, any page": found(everyone, "-alarm", None),
        "lost by name": found(Wanted(health="RF_CNX_ERROR"), "name"),
        "lost by last uplink, page 150": found(Wanted(health="RF_CNX_ERROR"), "lastUplink", page),
        "with an alarm by last uplink, page 150": found(Wanted(alarm="ANY"), "lastUplink", page),
        "tagged by name": found(Wanted(tag="bench"), "name"),
        "of a plan by name": found(Wanted(plan_id=plan), "name"),
        "a text that all names have, by name": found(Wanted(text="e"), "name"),
        "two letters by name": found(Wanted(text="ri"), "name"),
        "a word of one name in seven, page 100": found(Wanted(text="river"), "name", min(100, last)),
        "a number in few names": found(Wanted(text="9999"), "name"),
        "a letter that no name has": found(Wanted(text="q"), "created"),
        "map of the country": mapped(everyone),
        "map, with a text": mapped(Wanted(text="9999")),
        "map, with an alarm": mapped(Wanted(alarm="ANY")),
        "map, of a plan": mapped(Wanted(plan_id=plan)),
        "search over everything, a word": everything("river"),
        "search over everything, a number": everything("99999"),
        "search over everything, a letter that no name has": everything("q"),
        "search over everything, two hexadecimal digits": everything("7f"),
        "search over everything, nothing": everything("nowhere at all"),
    }
