"""Keys that are re-wrapped or moved, interrupted at every step: at each moment every key can be opened where
its group says, and a restarted run completes."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from tests.contract.vaults import order
from tests.rsa_keys import public_pem
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.joins import JoinKeys
from veldnet.domain.resources import Device, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import devices, offers, routing_profiles
from veldnet.inventory.keys import group_moves, wrapped_keys
from veldnet.inventory.routing_profiles import MadeKey
from veldnet.inventory.sandbox import Sandbox, create_sandbox
from veldnet.keys import GeneratedAsKey, SoftwareVault, Vaults, labels, moving
from veldnet.lorawan import AesKey, DevEui, GatewayEui
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import join_request_mic
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, StoreError
from veldnet.store.schema import as_transport_keys, hsm_groups, subscribers
from veldnet.store.schema import devices as device_rows

T = TypeVar("T")
APP_KEY = AesKey.parse("00112233445566778899aabbccddeeff")
FLEET = 12


class Mortal:
    """A store whose n-th write does not happen, or happens and is not heard of."""

    def __init__(self, store: DatabaseStore, dies_at: int, *, before: bool) -> None:
        self._store = store
        self._left = dies_at
        self._before = before
        self.read = store.read

    async def write(self, change: Callable[[Connection], T]) -> T:
        self._left -= 1
        if self._left == 0 and self._before:
            raise StoreError("killed before a write")
        result = await self._store.write(change)
        if self._left == 0:
            raise StoreError("killed after a write")
        return result


class World:
    """Two groups with vaults of their own, a routing profile, and some devices."""

    def __init__(self, store: DatabaseStore) -> None:
        self.store = store
        self.old, self.new = SoftwareVault({1: bytes(32)}), SoftwareVault({1: bytes(range(32))})
        self.vaults = Vaults(SoftwareVault(b"d" * 32), {"old": self.old, "new": self.new})

    async def build(self) -> None:
        sandbox: Sandbox = await self.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
        row = await self.store.read(lambda c: c.execute(select(subscribers)).one())
        self.scope = Scope(row.operator_ref, row.ref, row.customer_id, 1, "tester", "Tester")
        self.source = await self.store.write(
            lambda c: offers.create_hsm_group(c, row.operator_ref, "Old", "old")
        )
        self.target = await self.store.write(
            lambda c: offers.create_hsm_group(c, row.operator_ref, "New", "new")
        )
        generated = await self.old.generate_as_key(public_pem())
        profile = await self.store.write(lambda c: self._profile(c, generated))
        for number in range(FLEET):
            body = Device(
                EUI=f"0059AC00000{number:05X}",
                applicationKey=APP_KEY.hex(),
                deviceProfileId=sandbox.device_profile_id,
                hsmGroupId=self.source,
                routingProfileId=profile.id,
            )
            new = devices.check_new_device(body, hsm_required=True)
            sealed = await self.old.import_app_key(new.dev_eui, APP_KEY)
            device = await self.store.write(partial(self._device, new, sealed))
            nwk_key = await self.old.import_nwk_key(new.dev_eui, APP_KEY)
            await self.store.write(partial(self._nwk_key, int(str(device.ref)), nwk_key))

    def _device(self, new: devices.NewDevice, sealed: bytes, connection: Connection) -> Device:
        return devices.create_device(connection, self.scope, new, sealed)

    def _nwk_key(self, ref: int, sealed: bytes, connection: Connection) -> None:
        devices.set_nwk_key(connection, self.scope, ref, sealed)

    def _profile(self, connection: Connection, generated: GeneratedAsKey) -> RoutingProfile:
        group = group_moves.find_group(connection, self.source)
        return routing_profiles.create_routing_profile(
            connection,
            self.scope,
            RoutingProfile(name="AS"),
            routing_profiles.Prepared((), (), MadeKey(group, generated)),
        )

    async def rows(self) -> list[Any]:
        query = (
            select(device_rows, hsm_groups.c.vault, as_transport_keys.c.sealed)
            .join(hsm_groups, hsm_groups.c.ref == device_rows.c.hsm_group_ref)
            .join(
                as_transport_keys,
                (as_transport_keys.c.routing_profile_ref == device_rows.c.routing_profile_ref)
                & (as_transport_keys.c.vault == hsm_groups.c.vault),
                isouter=True,
            )
        )
        return await self.store.read(lambda c: list(c.execute(query)))

    async def check(self) -> dict[str, int]:
        """Every device can join, with its AppSKey wrapped; returns how many there are in each vault."""
        rows = await self.rows()
        assert len(rows) == FLEET
        counts = {"old": 0, "new": 0}
        for row in rows:
            counts[row.vault] += 1
            vault: SoftwareVault = self.vaults.of(row.vault)  # type: ignore[assignment]
            assert vault.unseal_as(labels.app_key(row.dev_eui), row.sealed_app_key) == APP_KEY
            assert vault.unseal_as(labels.nwk_key(row.dev_eui), row.sealed_nwk_key) == APP_KEY
            assert row.sealed is not None, "the AS key is there for devices on both sides"
            if DevEui.parse(row.dev_eui) == DevEui.parse("0059AC0000000000"):
                moved = order(row.sealed_app_key, ask=row.sealed, vault=row.vault)
                (answer,) = await self.vaults.join([_of(moved, row.dev_eui)])
                assert isinstance(answer, JoinKeys) and answer.wrapped_app_s_key is not None
        return counts


def _of(original: Any, dev_eui: str) -> Any:
    """The same order for another device: its request is signed with the same AppKey."""
    unsigned = JoinRequest(original.join_eui, DevEui.parse(dev_eui), 9, b"")
    request = replace(unsigned, mic=join_request_mic(APP_KEY, unsigned.unsigned()))
    return replace(original, dev_eui=DevEui.parse(dev_eui), request=request)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = await DataDirectory.open(Settings(data=str(tmp_path / "data")), create=True)
    built = World(opened.store)
    await built.build()
    yield built
    await opened.close()


async def _move(world: World, store: Any) -> group_moves.Moved:
    plan = await store.read(lambda c: group_moves.plan(c, world.source, world.target, None))
    giving, taking = moving.SoftwareMover(world.old), moving.SoftwareMover(world.new)
    moving.connect(giving, taking)
    return await group_moves.move(store, plan, group_moves.Channel(giving, taking))


async def test_a_move_killed_at_every_step_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_moves, "_BATCH", 5)
    seen = set()
    for step, before in itertools.product(range(1, 8), (True, False)):
        try:
            await _move(world, Mortal(world.store, step, before=before))
        except StoreError:
            seen.add((await world.check())["new"])
    await _move(world, world.store)
    assert await world.check() == {"old": 0, "new": FLEET}
    assert len(seen) > 2, "it was broken off in the middle"
    left = await world.store.read(lambda c: list(c.execute(select(as_transport_keys.c.vault)).scalars()))
    assert left == ["new"], "the vault that was left keeps nothing"


async def test_rewrapping_killed_at_every_step_goes_on(world: World) -> None:
    world.old.use({1: bytes(32), 2: b"2" * 32})
    header = await world.old.refresh()

    async def reseal(store: Any) -> tuple[int, int]:
        return await wrapped_keys.reseal_all(store, world.old, "old", header, pace=wrapped_keys.Pace(batch=5))

    total = await world.store.read(lambda c: wrapped_keys.count_stale(c, "old", header))
    assert total == 2 * FLEET + 1
    seen = set()
    for step, before in itertools.product((1, 2), (True, False)):
        with pytest.raises(StoreError):
            await reseal(Mortal(world.store, step, before=before))
        assert await world.check() == {"old": FLEET, "new": 0}
        seen.add(await world.store.read(lambda c: wrapped_keys.count_stale(c, "old", header)))
    assert len(seen) > 2
    await reseal(world.store)
    assert await world.store.read(lambda c: wrapped_keys.count_stale(c, "old", header)) == 0
    world.old.use({2: b"2" * 32})
    await world.check()


async def test_a_key_that_changes_while_it_is_carried_is_not_written_over(world: World) -> None:
    """The device gets another NwkKey between the read and the write of the move."""
    rows = await world.rows()
    newer = await world.old.import_nwk_key(DevEui.parse(rows[0].dev_eui), AesKey(b"n" * 16))

    class Interfering:
        read = world.store.read

        def __init__(self) -> None:
            self._done = False

        async def write(self, change: Any) -> Any:
            if not self._done and getattr(change, "func", None) is group_moves._write:
                self._done = True
                await world.store.write(lambda c: devices.set_nwk_key(c, world.scope, rows[0].ref, newer))
            return await world.store.write(change)

    moved = await _move(world, Interfering())
    assert moved.devices == FLEET - 1
    left = [row for row in await world.rows() if row.vault == "old"]
    assert [row.ref for row in left] == [rows[0].ref] and left[0].sealed_nwk_key == newer
    assert left[0].sealed is not None, "its AS key is still there, too"
    assert (await _move(world, world.store)).devices == 1


async def test_a_key_that_does_not_open_stays_and_the_others_go(world: World) -> None:
    first = (await world.rows())[0]

    def damage(connection: Connection) -> None:
        connection.execute(update(as_transport_keys).values(sealed=b"?"))
        mine = device_rows.c.ref == first.ref
        connection.execute(update(device_rows).where(mine).values(sealed_app_key=b"?"))

    await world.store.write(damage)
    moved = await _move(world, world.store)
    assert (moved.devices, moved.as_keys) == (FLEET - 1, 0)
    assert moved.unopened == [f"AS key of routing profile {first.routing_profile_ref}", first.dev_eui]
    assert [row.ref for row in await world.rows() if row.vault == "old"] == [first.ref]


async def test_a_key_that_does_not_open_keeps_no_other_from_being_rewrapped(world: World) -> None:
    first = (await world.rows())[0]
    mine = device_rows.c.ref == first.ref
    await world.store.write(lambda c: c.execute(update(device_rows).where(mine).values(sealed_app_key=b"?")))
    world.old.use({1: bytes(32), 2: b"2" * 32})
    header = await world.old.refresh()
    done = await wrapped_keys.reseal_all(
        world.store, world.old, "old", header, pace=wrapped_keys.Pace(batch=5)
    )
    assert done[0] == 2 * FLEET
