"""Devices by their last uplinks and error rates: the slices of all ways to find them make one order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, func, insert, select, update

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.devices.by_alarm import Narrowed, Slice
from veldnet.inventory.devices.by_standing import Sorting, StandingOrder, refs_by_standing
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.monitoring.device_order import HOUR, PIECE, order_devices
from veldnet.monitoring.observed import standing
from veldnet.monitoring.state import MonitoringState
from veldnet.settings import Settings
from veldnet.store.schema import device_order, device_states, devices

# More than one piece of the chore, so that it goes on behind the first.
HEARD, NEVER = PIECE + 10, 20
NOW = 500_000 * HOUR
ORDERS: tuple[StandingOrder, ...] = ("lastUplink", "-lastUplink", "meanPER", "-meanPER")


def seen(number: int, rng: random.Random) -> MonitoringState | None:
    """A few hours have many devices, many have one; most devices lose nothing."""
    if number >= HEARD:
        return None
    hours = rng.choice((0, 0, 1, 2, rng.randrange(1000)))
    lost = rng.choice((0.0, 0.0, rng.random() / 50, rng.random(), rng.random()))
    return MonitoringState(last_uplink_at=NOW - hours * HOUR - rng.randrange(HOUR), mean_per=lost)


def fill(connection: Connection, watches: list[MonitoringState | None]) -> None:
    common = {
        "activation_type": "OTAA", "device_class": "A", "profile_ref": 1, "hsm_group_ref": 1,
        "sealed_app_key": b"", "details": "{}", "created_at": 0, "updated_at": 0, "updated_by": "x",
        "plan_ref": 1,
    }  # fmt: skip
    numbered = list(enumerate(watches, 1))
    rows: list[dict[str, Any]] = [
        {
            "ref": ref,
            "subscriber_ref": 1 + (ref % 10 == 0),
            "dev_eui": f"{ref:016X}",
            "name": f"d{min(ref % 4, 1)}",
        }
        for ref, _watch in numbered
    ]
    connection.execute(insert(devices), [common | row for row in rows])
    states = [
        {"device_ref": ref, "monitoring": None if state is None else msgspec.msgpack.encode(state)}
        for ref, state in numbered
    ]
    connection.execute(insert(device_states), states)


def expected(
    watches: list[MonitoringState | None], order: StandingOrder, chosen: Any = lambda _ref: True
) -> list[int]:
    own = {ref: state for ref, state in enumerate(watches, 1) if ref % 10 and chosen(ref)}
    down, by_time = order.startswith("-"), order.endswith("lastUplink")
    heard = [
        (state.last_uplink_at if by_time else state.mean_per, ref)
        for ref, state in own.items()
        if state is not None
    ]
    return [ref for _key, ref in sorted(heard, reverse=down)] + [
        ref for ref, state in own.items() if not state
    ]


def sliced(
    connection: Connection, scope: Scope, chosen: Any, sorting: Sorting, total: int, size: int
) -> list[int]:
    """All slices one after the other."""
    refs: list[int] = []
    for offset in range(0, HEARD + NEVER + size, size):
        part = Slice(offset, size, total)
        refs += refs_by_standing(connection, scope, chosen, sorting, part).refs
    return refs


async def test_slices_are_those_of_one_order(tmp_path: Path) -> None:
    opened = await DataDirectory.open(Settings(data=str(tmp_path)), create=True, vaults=False)
    store = opened.store
    rng = random.Random(3)
    watches = [seen(number, rng) for number in range(HEARD + NEVER)]
    for name in "ab":
        await store.write(lambda c, name=name: create_sandbox(c, name, "unused", GatewayEui(ord(name))))  # type: ignore[misc]
    await store.write(lambda c: fill(c, watches))
    scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
    assert scope is not None and scope.subscriber_ref == 1
    some = (devices.c.subscriber_ref == 1) & (devices.c.name == "d1")

    def exact(connection: Connection, most: int, size: int) -> None:
        for order in ORDERS:
            sorting = Sorting(order, standing, most)
            right = expected(watches, order)
            assert sliced(connection, scope, None, sorting, len(right), size) == right
            right = expected(watches, order, lambda ref: ref % 4)
            for few in (False, True):
                assert sliced(connection, scope, Narrowed(some, few), sorting, 0, size) == right

    # As many as are sorted one by one need no order made before; for more there is none yet.
    await store.read(lambda c: exact(c, 10_000, 170))
    with pytest.raises(BadRequest, match="more than 300 devices are not in this order yet"):
        await store.read(lambda c: exact(c, 300, 50))
    await order_devices(store, lambda: NOW / 1000, above=10_000)
    kept = select(func.count()).select_from(device_order)
    assert await store.read(lambda c: c.execute(kept).scalar()) == 0
    await order_devices(store, lambda: NOW / 1000, above=300)
    for size in (19, 100):
        await store.read(lambda c, size=size: exact(c, 300, size))  # type: ignore[misc]
    # Where an hour or percent has more than can be sorted, whole hours are in order.
    for order in ORDERS:
        few = Sorting(order, standing, 5)
        own = expected(watches, order)
        rough = await store.read(
            lambda c, few=few, own=own: sliced(c, scope, None, few, len(own), 500)  # type: ignore[misc]
        )
        assert sorted(rough) == sorted(own)
        heard = [state.last_uplink_at for ref in rough if (state := watches[ref - 1]) is not None]
        hours = [at // HOUR for at in heard if at is not None]
        if order == "lastUplink":
            assert hours == sorted(hours)


async def test_the_order_follows_what_is_heard(tmp_path: Path) -> None:
    opened = await DataDirectory.open(Settings(data=str(tmp_path)), create=True, vaults=False)
    store = opened.store
    await store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    watches: list[MonitoringState | None] = [
        MonitoringState(last_uplink_at=NOW - back * HOUR, mean_per=back / 10) for back in range(6)
    ]
    await store.write(lambda c: fill(c, watches))
    scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
    assert scope is not None

    async def order(by: StandingOrder) -> list[int]:
        part = Slice(0, 9, 6)
        found = await store.read(lambda c: refs_by_standing(c, scope, None, Sorting(by, standing, 1), part))
        assert found.at == NOW
        return found.refs

    def put(ref: int, state: MonitoringState | None) -> Any:
        value = None if state is None else msgspec.msgpack.encode(state)
        return lambda c: c.execute(
            update(device_states).where(device_states.c.device_ref == ref).values(monitoring=value)
        )

    await order_devices(store, lambda: NOW / 1000, above=1)
    assert await order("lastUplink") == [6, 5, 4, 3, 2, 1]
    assert await order("-meanPER") == [6, 5, 4, 3, 2, 1]
    # One is heard again, nothing is known of another any more, one is deleted.
    await store.write(put(6, MonitoringState(last_uplink_at=NOW + 1, mean_per=0.01)))
    await store.write(put(5, None))
    await store.write(lambda c: c.execute(devices.delete().where(devices.c.ref == 4)))
    assert await order("lastUplink") == [6, 5, 3, 2, 1], "until the chore comes past"
    await order_devices(store, lambda: NOW / 1000, above=1)
    assert await order("lastUplink") == [3, 2, 1, 6, 5]
    assert await order("-meanPER") == [3, 2, 6, 1, 5]


def test_a_device_heard_for_the_first_time_has_a_standing() -> None:
    assert standing(None) is None
    assert standing(msgspec.msgpack.encode(MonitoringState(last_downlink_at=5))) is None
    found = standing(
        msgspec.msgpack.encode(
            MonitoringState(last_uplink_at=7, mean_per=0.25, recent=b"1234", stations=(3,))
        )
    )
    assert found is not None and (found.last_uplink_at, found.mean_per) == (7, 0.25)
