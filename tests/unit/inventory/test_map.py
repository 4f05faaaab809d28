"""The map of many devices: cells merge, and each device is in one of them."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from math import floor
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.inventory import accounts
from veldnet.inventory.devices import MOST_CELLS, Wanted, map_cells
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.settings import Settings
from veldnet.store.schema import devices

WORLD = (-90.0, -180.0, 90.0, 180.0)
EVERY = 2100
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
SIZES = (90, 10, 1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.001, 0.00001)
Place = tuple[float, float]
Box = tuple[float, float, float, float]


def spread(south: float, west: float, height: float = 1, width: float = 1) -> list[Place]:
    """Places at random, each in a hundredth of a degree of its own."""
    rng = random.Random(7)
    rows, columns = round(height * 100), round(width * 100)
    chosen = rng.sample(range(rows * columns), EVERY)
    return [
        (
            south + (cell // columns + rng.uniform(0.1, 0.9)) / 100,
            west + (cell % columns + rng.uniform(0.1, 0.9)) / 100,
        )
        for cell in chosen
    ]


def fill(connection: Connection, places: list[Place]) -> None:
    connection.execute(
        insert(devices),
        [
            {
                "subscriber_ref": 1, "dev_eui": f"{number:016X}", "name": f"d{number}",
                "activation_type": "OTAA", "device_class": "A", "profile_ref": 1, "hsm_group_ref": 1,
                "sealed_app_key": b"", "details": "{}", "created_at": 0, "updated_at": 0, "updated_by": "x",
                "health": number % 3, "plan_ref": 1, "latitude": latitude, "longitude": longitude,
            }
            for number, (latitude, longitude) in enumerate(places)
        ],
    )  # fmt: skip


def merged(places: list[Place], size: float) -> Counter[tuple[int, int]]:
    return Counter((floor((north + 90) / size), floor((east + 180) / size)) for north, east in places)


def covers(outer: Box, inner: Box) -> bool:
    near = 1e-5
    return all(o <= i + near for o, i in zip(outer[:2], inner[:2], strict=True)) and all(
        o >= i - near for o, i in zip(outer[2:], inner[2:], strict=True)
    )


def edges(places: list[Place]) -> Box:
    return (*map(min, zip(*places, strict=True)), *map(max, zip(*places, strict=True)))


# `make fuzz` tries all sizes in one place, half of them at the edges of quarters and of the world, and one in
# three in three of these places; `make test` a third of those, others in each place.
@pytest.mark.parametrize(
    ("place", "sizes"),
    [
        ((52, 5), SIZES),
        ((-34, -59), SIZES[1::2]),
        ((-0.5, -0.5), SIZES[::2]),
        ((64, -22), SIZES[2::3]),
        ((-90, -180), SIZES[::3]),
        ((89, 179), SIZES[1::3]),
        ((-80, -170, 150, 330), SIZES[::2]),
    ],
    ids=["one degree", "south west", "around zero", "north west", "first corner", "last corner", "world"],
)
async def test_e1_thousands_of_devices_merge_into_cells(
    tmp_path: Path, place: tuple[float, ...], sizes: Sequence[float]
) -> None:
    places = spread(*place)
    opened = await DataDirectory.open(Settings(data=str(tmp_path)), create=True, vaults=False)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    await opened.store.write(lambda c: fill(c, places))
    scope = await opened.store.read(lambda c: accounts.scope_of_user(c, 1))
    assert scope is not None

    for size in sizes if LONG else sizes[sum(map(int, place)) % 3 :: 3]:
        # Counted cells, and devices themselves.
        for wanted in (Wanted(), Wanted(text="d")):
            found = await opened.store.read(
                lambda c, wanted=wanted, size=size: map_cells(c, scope, wanted, WORLD, size)  # type: ignore[misc]
            )
            assert sum(cell.devices for cell in found) == EVERY, "each device is on the map"
            assert sum(cell.disconnected for cell in found) == EVERY // 3
            assert len(found) <= MOST_CELLS
            # Counted areas are tenths of a degree.
            expected = merged(places, 0.3 if size == 0.25 and wanted.all else size)
            if len(expected) <= MOST_CELLS:
                assert sorted(cell.devices for cell in found) == sorted(expected.values())
            else:
                assert len(found) > MOST_CELLS // 20, "cells are not larger than they must be"
            for cell in found:
                assert -90 <= cell.south <= cell.latitude <= cell.north <= 90
                assert -180 <= cell.west <= cell.longitude <= cell.east <= 180
            around = edges(
                [(cell.south, cell.west) for cell in found] + [(cell.north, cell.east) for cell in found]
            )
            assert covers(around, edges(places))
    await opened.close()


async def test_a_few_devices_are_within_exact_edges(tmp_path: Path) -> None:
    """So a map that opens with all of them shows each, also where they lie at the edge of an area."""
    places = [(52.0001, 5.0999), (52.0999, 5.0001), (-34.7, -59.3)]
    opened = await DataDirectory.open(Settings(data=str(tmp_path)), create=True, vaults=False)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    await opened.store.write(lambda c: fill(c, places))
    scope = await opened.store.read(lambda c: accounts.scope_of_user(c, 1))
    assert scope is not None
    for wanted in (Wanted(), Wanted(text="d")):
        found = await opened.store.read(lambda c, wanted=wanted: map_cells(c, scope, wanted, WORLD, 0.5))  # type: ignore[misc]
        assert [(cell.devices, cell.south, cell.west, cell.north, cell.east) for cell in found] == [
            (2, 52.0001, 5.0001, 52.0999, 5.0999),
            (1, -34.7, -59.3, -34.7, -59.3),
        ]
    await opened.close()
