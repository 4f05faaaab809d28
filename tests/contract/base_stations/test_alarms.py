"""Alarms of base stations rise and clear by what comes through each protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from veldnet.lorawan.modulation import Lora
from veldnet.monitoring.alarms import listing, types
from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, OF_FRAMES
from veldnet.simulator.backhaul import PROTOCOLS, ProtocolName
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.propagation import Heard, Place
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import Conditions, VirtualNetwork
from veldnet.virtual.faults import CALM

# Of a device that nobody knows.
FRAME = bytes.fromhex("40040302018001000102030405060708")
NO_FRAMES = 600.0


class Scene(VirtualNetwork):
    """A base station with GPS, and a device that sends when it is told to."""

    station: BaseStation

    async def begin(self) -> None:
        await self.build(1, stations=1, period=20, confirmed_share=1.0)
        (self.station,) = self._stations.values()
        self.station.gps = True
        # Its counter goes round after 4,294 s, which is not when it is restarted here.
        self.station.reboot()
        self.lives[0].device.adr, self.lives[0].device.data_rate = False, 0

    async def let_pass(self, seconds: float, *, hears: bool = True) -> None:
        """Time passes, the base station hears frames, and its alarms are looked at."""
        for second in range(0, round(seconds), 10):
            if hears and not self.station.down:
                self.station.hear(FRAME, 868_100_000, Lora(7, 125), Heard(-71, 8.5))
            await asyncio.sleep(10)
            if second % 30 == 0:
                await self.server.platform.monitoring.check_base_stations()

    async def alarms(self) -> dict[int, str]:
        """Active alarms, with their states."""
        found = await self.data.store.read(lambda c: listing.list_base_station_alarms(c, cleared=True))
        return {alarm.alarmTypeId: alarm.alarmState for alarm in found if alarm.alarmState != "CLEARED"}

    def power(self, *, on: bool) -> None:
        assert self.backhaul is not None
        self.station.down = not on
        (self.backhaul.switch_on if on else self.backhaul.switch_off)(self.station)

    def lose(self, share: float) -> None:
        """Of datagrams."""
        assert self.backhaul is not None
        self.backhaul.internet.faults = replace(CALM, loss=share)


Act = Callable[[Scene], Awaitable[None]]


async def away(scene: Scene) -> None:
    assert scene.backhaul is not None
    scene.backhaul.sites[scene.station].line.cut()
    await scene.let_pass(240)


async def back(scene: Scene) -> None:
    assert scene.backhaul is not None
    scene.backhaul.sites[scene.station].line.mend()
    await scene.let_pass(90)


async def deaf(scene: Scene) -> None:
    await scene.let_pass(NO_FRAMES + 60, hears=False)


async def well(scene: Scene) -> None:
    await scene.let_pass(120)


async def without_gps(scene: Scene) -> None:
    await scene.let_pass(60)
    scene.station.gps = False
    await scene.let_pass(720)


async def with_gps(scene: Scene) -> None:
    scene.station.gps = True
    await scene.let_pass(60)


async def noisy(scene: Scene) -> None:
    for _ in range(6):
        scene.station.broken += 300
        await scene.let_pass(30)


async def lossy(scene: Scene) -> None:
    scene.lose(0.4)
    await scene.let_pass(600)


async def lossless(scene: Scene) -> None:
    scene.lose(0.0)
    await scene.let_pass(120)


async def doubled(scene: Scene) -> None:
    assert scene.backhaul is not None
    twin = BaseStation(scene.station.eui, Place(0, 0), boot=-3000.0)
    scene.backhaul.add(twin)
    for _ in range(30):
        twin.hear(FRAME, 868_300_000, Lora(7, 125), Heard(-71, 8.5))
        await scene.let_pass(10)
    scene.backhaul.switch_off(twin)


async def busy(scene: Scene) -> None:
    """Answers at the slowest data rate take an hour's airtime of their sub-band."""
    living = asyncio.get_running_loop().create_task(scene.lives[0].run())
    await scene.let_pass(1500, hears=False)
    living.cancel()


async def restarted(scene: Scene) -> None:
    scene.power(on=False)
    await asyncio.sleep(30)
    scene.power(on=True)
    await scene.let_pass(150)


class Case(NamedTuple):
    """What raises an alarm and what clears it, None where an hour without it does; `by` are the protocols
    that tell of it."""

    alarm: int
    bad: Act
    good: Act | None
    by: tuple[ProtocolName, ...] = PROTOCOLS


CASES = (
    Case(types.CONNECTION, away, back),
    Case(types.LOW_TRAFFIC, deaf, well),
    Case(types.TIME_LOST, without_gps, with_gps),
    # Basics Station says nothing of broken frames.
    Case(types.INVALID_CRC, noisy, None, ("semtech-udp", "chirpstack-mqtt")),
    # Others have connections, which lose nothing.
    Case(types.BACKHAUL, lossy, lossless, ("semtech-udp",)),
    Case(types.DOWNLINK_OVERLOAD, busy, None),
    Case(types.RESTARTED, restarted, None),
    # A broker does not say where a client is; a second path is refused.
    Case(types.DUPLICATE_EUI, doubled, None, ("semtech-udp", "basics-station")),
)


# What no frame and no silence brings about. Those of forged and replayed frames are judged behind the
# protocols: tests/api/test_alarm_handling.py.
ELSEWHERE = {
    111: "tests/monitoring/test_base_stations.py, by downlinks of class B that are refused",
    205: "tests/api/test_cups.py, by an update that never returns",
    206: "tests/api/test_locations.py, by fine timestamps that do not fit",
}


def test_every_alarm_has_a_case() -> None:
    elsewhere = ELSEWHERE.keys() | OF_FRAMES.values()
    assert {case.alarm for case in CASES} | elsewhere == set(BASE_STATION_TYPES)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_alarms_rise_and_clear_through_a_protocol(tmp_path: Path, protocol: ProtocolName) -> None:
    async def story() -> None:
        more = {"alarms.base_station_no_frames": NO_FRAMES}
        scene = Scene(tmp_path, 1, faults=CALM, more=more, conditions=Conditions(protocols=(protocol,)))
        await scene.begin()
        await scene.let_pass(60)
        for case in CASES:
            if protocol not in case.by:
                continue
            code = BASE_STATION_TYPES[case.alarm].code
            assert case.alarm not in await scene.alarms(), f"{code} is there before"
            await case.bad(scene)
            assert case.alarm in await scene.alarms(), f"{code} does not rise"
            if case.good is not None:
                await case.good(scene)
                assert case.alarm not in await scene.alarms(), f"{code} does not clear"
        await scene.let_pass(3600 + 900)
        assert not await scene.alarms(), "an hour later all is well"
        await scene.check_invariants()
        await scene.close()

    run_virtually(story())
