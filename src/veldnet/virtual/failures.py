"""Failures injected into devices in the simulated week, with the expected alarms."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import AesKey
from veldnet.lorawan.mac_commands import DevStatusReq
from veldnet.monitoring.alarms import types
from veldnet.simulator.life import DeviceLife

HOUR, DAY = 3600.0, 86_400.0


class Scene(Protocol):
    """What a failure can reach."""

    rng: random.Random

    def switch_off(self, life: DeviceLife) -> None: ...

    def switch_on(self, life: DeviceLife) -> None: ...

    def play(self, life: DeviceLife, change: Callable[[bytes], bytes]) -> None: ...


class Failure(msgspec.Struct, frozen=True):
    """`expected` alarms come to devices of MAC version `version`, any if None; `act` lives beside the device
    for all the week, `prepare` comes before it."""

    name: str
    expected: tuple[int, ...]
    act: Callable[[Scene, DeviceLife], Awaitable[None]]
    prepare: Callable[[DeviceLife], None] = lambda _life: None
    version: str | None = None


async def _nothing(_scene: Scene, _life: DeviceLife) -> None:
    """What is wrong was wrong from the start."""


async def _battery_runs_down(_scene: Scene, life: DeviceLife) -> None:
    """From half full to five per cent in six days."""
    for hour in range(144):
        life.device.battery = 127 - hour * 115 // 144
        await asyncio.sleep(HOUR)


async def _stops(scene: Scene, life: DeviceLife) -> None:
    await asyncio.sleep(3 * DAY + scene.rng.uniform(0, DAY))
    scene.switch_off(life)


async def _is_away_for_a_day(scene: Scene, life: DeviceLife) -> None:
    await asyncio.sleep(2 * DAY)
    scene.switch_off(life)
    await asyncio.sleep(DAY)
    scene.switch_on(life)


async def _chatters(scene: Scene, life: DeviceLife) -> None:
    """A reading a minute for an hour and a half."""
    await asyncio.sleep(DAY + scene.rng.uniform(0, 6 * HOUR))
    for _ in range(90):
        await life.measure()
        await asyncio.sleep(60)


async def _forgets_its_nonces(scene: Scene, life: DeviceLife) -> None:
    """After a change of its battery a device that must count its joins begins from 0."""
    await asyncio.sleep(5 * DAY)
    scene.switch_off(life)
    life.device.dev_nonce = 0
    scene.switch_on(life)


async def _is_replayed(scene: Scene, life: DeviceLife) -> None:
    """Somebody sends what was recorded hours ago."""
    await asyncio.sleep(2 * DAY)
    for _ in range(12):
        await asyncio.sleep(1.5 * HOUR)
        # The newest frame heard is repeated until an older one is at hand.
        scene.play(life, lambda octets: octets)


async def _is_forged(scene: Scene, life: DeviceLife) -> None:
    """Somebody sends frames under its address without its key."""
    await asyncio.sleep(3 * DAY)
    for _ in range(5):
        scene.play(life, lambda octets: octets[:-4] + scene.rng.randbytes(4))
        await asyncio.sleep(HOUR)


async def _stays_at_sf12(_scene: Scene, life: DeviceLife) -> None:
    """Says yes to ADR and does not follow."""
    while True:
        await asyncio.sleep(30)
        if life.device.joined:
            life.device.data_rate = 0


def _wrong_key(life: DeviceLife) -> None:
    life.device.identity = replace(life.device.identity, app_key=AesKey(bytes(16)))


def _ignores_status(life: DeviceLife) -> None:
    life.device.ignores = frozenset({DevStatusReq})


FAILURES = (
    Failure("its battery runs down", (types.BATTERY,), _battery_runs_down),
    Failure("stops for good", (types.SILENCE,), _stops),
    Failure("is away for a day", (types.SILENCE,), _is_away_for_a_day),
    Failure("sends every minute for a while", (types.UPLINK_RATE,), _chatters),
    Failure("restarts its DevNonce counter", (types.NONCE_NOT_RISING,), _forgets_its_nonces, version="1.0.4"),
    Failure("old frames of it are replayed", (types.COUNTER_REPLAYED,), _is_replayed),
    Failure("frames of it are forged", (types.UPLINK_MIC,), _is_forged),
    Failure("has the wrong AppKey", (types.JOIN_MIC,), _nothing, prepare=_wrong_key),
    Failure("does not answer DevStatusReq", (types.COMMAND_IGNORED,), _nothing, prepare=_ignores_status),
    Failure("stays at SF12", (types.SLOW_RATE,), _stays_at_sf12),
)
