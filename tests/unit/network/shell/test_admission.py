"""Devices with a session are served while somebody forges frames, whatever these look like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.network.quiet import HERE, THERE, QuietNetwork
from veldnet.lorawan import DevAddr, NetId, frames
from veldnet.lorawan.frames import MType
from veldnet.network.core import FrameKind
from veldnet.network.shell.session_addresses import SessionAddresses
from veldnet.simulator.virtual_time import run_virtually

RATE = 750
Forge = Callable[[QuietNetwork, int], bytes]


def forged(world: QuietNetwork, address: DevAddr, *, confirmed: bool = False) -> bytes:
    mtype = MType.CONFIRMED_UP if confirmed else MType.UNCONFIRMED_UP
    rng = world.rng
    octets = frames.data_frame_octets(
        mtype, frames.Fhdr(address, 0x80, rng.getrandbits(16), b""), 1, rng.randbytes(12)
    )
    return octets + rng.randbytes(4)


def own_address(world: QuietNetwork, number: int) -> bytes:
    address = world.lives[0].device.dev_addr
    return forged(world, address or DevAddr(0), confirmed=bool(number % 2))


def unknown_addresses(world: QuietNetwork, number: int) -> bytes:
    return forged(world, DevAddr(world.rng.getrandbits(24)))


def addresses_of_others(world: QuietNetwork, number: int) -> bytes:
    address = world.lives[number % len(world.lives)].device.dev_addr
    return forged(world, address or DevAddr(0))


def joins(world: QuietNetwork, number: int) -> bytes:
    return world.lives[1].device.join_request().phy_payload[:19] + world.rng.randbytes(4)


def broken(world: QuietNetwork, number: int) -> bytes:
    return world.rng.randbytes(1 + number % 40)


async def flood(world: QuietNetwork, forge: Forge, seconds: float) -> None:
    for number in range(int(seconds * RATE)):
        world.bring(forge(world, number))
        await asyncio.sleep(1 / RATE)


FORGERIES = [own_address, unknown_addresses, addresses_of_others, joins, broken]


async def accepted(world: QuietNetwork, count: int, forge: Forge) -> int:
    """How many uplinks of the first device are accepted, half of them sent through each base station."""
    device, before = world.lives[0].device, await uplinks(world)
    attack = asyncio.get_running_loop().create_task(flood(world, forge, 0.6 * count))
    for number in range(count):
        await asyncio.sleep(0.5)
        sent = device.uplink(1, b"reading").phy_payload
        world.bring(sent, HERE if number % 2 else THERE)
    await attack
    await asyncio.sleep(1)
    return await uplinks(world) - before


async def uplinks(world: QuietNetwork) -> int:
    return sum(
        record.kind is FrameKind.UPLINK and record.outcome == "accepted" for record in await world.records()
    )


@pytest.mark.parametrize("forge", FORGERIES)
def test_c8_a_device_is_served_when_it_has_joined_and_after_a_restart(tmp_path: Path, forge: Forge) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(3)
        for life in world.lives[1:]:
            await world.join(life.device)
        await flood(world, forge, 1)
        # Through the other base station: this one brings too many that ask to join.
        await world.join(world.lives[0].device, THERE)
        assert await accepted(world, 6, forge) == 6, "just joined"
        await world.restart()
        assert await accepted(world, 4, forge) == 4, "with nothing in memory"
        await world.close()

    run_virtually(story())


def test_c8_recorded_frames_sent_again_hold_up_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        device = world.lives[0].device
        await world.join(device)
        recorded = []
        for _ in range(20):
            recorded.append(device.uplink(1, b"reading").phy_payload)
            world.bring(recorded[-1])
            await asyncio.sleep(3)
        before = len(await world.records())
        assert await accepted(world, 6, lambda _world, number: recorded[number % 20]) == 6
        assert len(await world.records()) - before < 300, "what is refused at once leaves no record"
        await world.close()

    run_virtually(story())


def test_c8_devices_that_must_be_loaded_first_have_a_budget_of_their_own(tmp_path: Path) -> None:
    """Forged frames on the addresses of many devices, none of which is in memory."""

    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(40)
        for life in world.lives:
            await world.join(life.device)
        await world.restart()
        await flood(world, unknown_addresses, 3)
        assert world.network.gate.throttles(HERE, world.clock())
        for life in world.lives:
            world.bring(addresses_of_others(world, world.lives.index(life)))
            world.bring(life.device.uplink(1, b"reading").phy_payload)
        await asyncio.sleep(1)
        assert await uplinks(world) == 40
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize("net_id", ["000000", "000013", "600001", "C0FFEE", "E00042"])
def test_a_bit_for_each_address_of_a_net_id(net_id: str) -> None:
    from veldnet.lorawan.identifiers import address_prefix

    prefix, bits = address_prefix(NetId.parse(net_id))
    known = SessionAddresses(NetId.parse(net_id))
    last = int(prefix) | ((1 << 32 - bits) - 1)
    for address in (int(prefix), last):
        assert DevAddr(address) not in known
        known.add(DevAddr(address))
        assert DevAddr(address) in known
    assert (last ^ 1 << 31) not in known, "of another network"
    assert (last - 1) not in known
