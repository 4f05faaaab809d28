"""One device on a real platform under a virtual clock, moved frame by frame.

Frames go in as base stations hand them over and pass deduplication, core and commit; what the device would
hear is captured. Nothing happens by chance, so that a test can bring about just what it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from veldnet.assembly.monitoring import MonitoringService
from veldnet.domain.documents import PlanSettings
from veldnet.domain.resources import AlarmThreshold, Device, DeviceAlarm
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, devices, offers
from veldnet.lorawan import BaseStationId, frames
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.monitoring.alarms import listing
from veldnet.monitoring.alarms.listing import PastAlarm
from veldnet.monitoring.observed import observed_at
from veldnet.network.shell import NetworkServer
from veldnet.simulator.device import Received, Transmission, VirtualDevice
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import Store
from veldnet.virtual import PLAIN, Checker, Conditions, Kind, VirtualNetwork
from veldnet.virtual.faults import CALM
from veldnet.virtual.mortal import MortalServer

STATIONS = tuple(BaseStationId(0xFF000001 + number) for number in range(3))
# Plans whose regulators are off, so that only what a test is about is out of the ordinary.
FREE = PlanSettings(uplinkRate=0, downlinkRate=0)


class _Attentive(Checker):
    """Keeps the uplinks that application servers were sent."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def delivered(self, message: dict[str, Any]) -> None:
        super().delivered(message)
        self.messages += [body for body in message.values() if "FCntUp" in body]


class Stage(VirtualNetwork):
    """A network that does nothing by itself. `deaf` devices hear no downlinks; `refuse_transmit` is what base
    stations say to every downlink."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checker: _Attentive = _Attentive()
        self.deaf = False
        self.refuse_transmit: str | None = None
        self.heard: list[Received] = []
        # Seconds by which the server's clock is ahead.
        self.offset = 0.0

    def clock(self) -> float:
        return super().clock() + self.offset

    def transmit(self, server: MortalServer, downlink: GatewayDownlink) -> None:
        if self.refuse_transmit is None:
            self.checker.on_air(downlink.phy_payload)
            if not self.deaf:
                for life in self.lives:
                    received = life.device.receive(downlink.phy_payload)
                    if received is not None:
                        self.heard.append(received)
        report = TransmitReport(downlink.token, downlink.base_station, self.refuse_transmit)
        asyncio.get_running_loop().call_later(0.02, server.platform.network.transmit_reported, report)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.checker.messages

    @property
    def device(self) -> VirtualDevice:
        return self.lives[0].device

    @property
    def network(self) -> NetworkServer:
        return self.server.platform.network

    @property
    def monitoring(self) -> MonitoringService:
        return self.server.platform.monitoring

    @property
    def store(self) -> Store:
        return self.data.store

    # What a device does.

    async def give(
        self,
        sent: Transmission,
        *,
        sf: int | None = None,
        snr: float = 8.0,
        rssi: float = -90.0,
        stations: int = 1,
        heard_at: float | None = None,
    ) -> None:
        """Hand a frame over, and wait until it is committed and answered. `heard_at` makes it a late one."""
        modulation = sent.modulation if sf is None else Lora(sf, 125)
        for number, station in enumerate(STATIONS[:stations]):
            self.network.receive(
                GatewayUplink(
                    station,
                    sent.phy_payload,
                    sent.frequency,
                    modulation,
                    rssi - number,
                    snr - number,
                    int(self.clock() * 1e6) & 0xFFFFFFFF,
                    self.clock() if heard_at is None else heard_at,
                    late=heard_at is not None,
                )
            )
        await asyncio.sleep(0.5)
        await self.network.commits.drain()

    async def join(self) -> None:
        """The device joins, and its first frame confirms the session."""
        await self.give(self.device.join_request())
        assert self.device.joined
        await self.uplink()

    async def uplink(
        self, *, payload: bytes = b"hello", confirmed: bool = False, skip: int = 0, **radio: Any
    ) -> Transmission:
        """The next frame; `skip` frames before it are lost."""
        self.device.fcnt_up += skip
        sent = self.device.uplink(1, payload, confirmed=confirmed)
        await self.give(sent, **radio)
        return sent

    async def pass_time(self, seconds: float, step: float = 3600.0) -> None:
        """Let time pass while the server looks at what is due."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, step))
            await self.monitoring.check_devices()

    # What people do and see.

    async def scope(self) -> Scope:
        scope = await self.store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        return scope

    async def alarms(self) -> dict[tuple[int, str], DeviceAlarm]:
        """As the API lists them, by type and object."""
        scope = await self.scope()
        found = await self.store.read(lambda c: listing.list_alarms(c, scope, None, None))
        return {(alarm.deviceAlarmTypeId, str(alarm.deviceAlarmObjectId or "")): alarm for alarm in found}

    async def alarm(self, kind: int, of: str = "") -> DeviceAlarm:
        return (await self.alarms())[kind, of]

    async def history(self) -> list[PastAlarm]:
        return await self.store.read(lambda c: listing.list_history(c, 1, 1000))

    async def acknowledge(self, kind: int, of: str = "") -> None:
        assert await self.monitoring.acknowledge(1, kind, of, "Somebody")

    async def shown(self) -> Device:
        """The device as the API shows it, with what was observed."""
        scope = await self.scope()
        return await self.store.read(
            lambda c: devices.get_device(c, scope, "1", observed=observed_at(self.clock()))
        )

    async def change_plan(self, **settings: Any) -> None:
        """The operator changes the plan; it is taken up as from another process."""
        self.plan = replace(self.plan, **settings)
        operator = (await self.scope()).operator_ref
        await self.store.write(
            lambda c: offers.change_connectivity_plan(c, operator, "virtual/plan", self.plan)
        )
        await self.server.platform.apply_changes()

    async def set_thresholds(self, *steps: tuple[Any, Any]) -> None:
        """Alarm 004 after these silences at these levels."""
        scope = await self.scope()
        thresholds = [
            AlarmThreshold(enabled=True, durationOfInactivity=after, level=level) for after, level in steps
        ]
        await self.store.write(lambda c: devices.set_thresholds(c, scope, "1", thresholds))
        await self.server.platform.apply_changes()


def frame_of(sent: Transmission) -> frames.DataFrame:
    frame = frames.parse(sent.phy_payload)
    assert isinstance(frame, frames.DataFrame)
    return frame


def on_stage(
    directory: Path,
    story: Callable[[Stage], Awaitable[None]],
    *,
    kind: Kind = PLAIN[0],
    plan: PlanSettings = FREE,
    joined: bool = True,
    settings: dict[str, Any] | None = None,
) -> None:
    """Play a story with one device."""

    async def play() -> None:
        stage = Stage(
            directory, 11, faults=CALM, more=settings, conditions=Conditions(kinds=(kind,), plan=plan)
        )
        await stage.build(1, stations=3)
        try:
            if joined:
                await stage.join()
            await story(stage)
        finally:
            await stage.close()

    run_virtually(play())
