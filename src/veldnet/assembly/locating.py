"""Network location in a server: the keeper, its solver processes, and what is stored of calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from veldnet.inventory import devices
from veldnet.lorawan import DevEui
from veldnet.monitoring.locations import (
    Located,
    LocationKeeper,
    SolverPool,
    read_calibration,
    read_geofences,
    write_calibration,
)
from veldnet.network.shell import Runtime
from veldnet.settings import LocationSettings, SettingsError
from veldnet.store import Store, StoreError
from veldnet.supervision import Supervisor

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

log = structlog.get_logger(__name__)


class Locations:
    """`keeper` takes part in the commits."""

    def __init__(self, store: Store, keeper: LocationKeeper, pool: SolverPool) -> None:
        self._store, self.keeper, self._pool = store, keeper, pool

    def begin(self, supervisor: Supervisor) -> None:
        """Have what comes solved."""
        for number in range(self._pool.width):
            supervisor.keep(f"locations {number + 1}", self.keeper.run)

    async def load(self) -> None:
        """Take up what was learnt of base stations, and all areas. Raises `StoreError`."""
        self.keeper.referees.load(await self._store.read(read_calibration))
        self.keeper.geofences.load(await self._store.read(read_geofences))

    async def geofences_changed(self, subscriber_ref: int) -> None:
        """Areas of a subscriber have changed. Raises `StoreError`."""
        stored = await self._store.read(lambda c: read_geofences(c, subscriber_ref))
        self.keeper.geofences.take(subscriber_ref, stored)

    async def write(self) -> None:
        """Store what was learnt since, and take up what other nodes have."""
        referees = self.keeper.referees
        if referees.changed:
            news = referees.news()
            known = await self._store.write(lambda connection: write_calibration(connection, news))
            referees.load(known, news.moved)
        else:
            referees.load(await self._store.read(read_calibration))

    # Partitions.

    async def take(self, partitions: frozenset[int]) -> None:
        """Other nodes have served these devices: how they move begins at their stored places."""
        self.keeper.forget()

    async def give(self, partitions: frozenset[int]) -> None:
        """Places are stored with each solution."""

    def lose(self, partitions: frozenset[int]) -> None:
        """What waits of these devices finds no device here."""

    async def close(self) -> None:
        try:
            await self.write()
        except StoreError as error:
            log.warning("calibration_write_failed", error=str(error))
        await self._pool.close()


def locations_of(platform: Platform, runtime: Runtime) -> Locations:
    settings = platform.settings.location
    # A test that moves the clock must find what it has led to.
    pool = SolverPool(settings.processes if platform.virtual is None else 0)
    keeper = LocationKeeper(
        runtime,
        platform.network.devices,
        platform.network.commits,
        platform.base_stations,
        pool,
        Located(settings.interval, settings.queue, settings.timing_error, _references(settings)),
    )
    platform.network.commits.join(keeper)
    platform.monitoring.wrong_stamps = keeper.referees.clocks.is_wrong
    platform.monitoring.monitor.has_area = keeper.geofences.is_known
    keeper.geofences.tags_of = lambda ref: platform.store.read(lambda c: devices.tags_of(c, ref))
    return Locations(platform.store, keeper, pool)


def _references(settings: LocationSettings) -> frozenset[str]:
    try:
        return frozenset(str(DevEui.parse(each)) for each in settings.reference_devices)
    except ValueError as error:
        raise SettingsError(f"settings: location.reference_devices: {error}") from None
