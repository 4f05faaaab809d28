"""The areas of all subscribers, in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable

from sqlalchemy import Connection, select

from veldnet.domain.devices import DeviceRow
from veldnet.domain.geofences import Geofence
from veldnet.store import readable
from veldnet.store.geofences import geofence_of
from veldnet.store.schema import geofences

Stored = Iterable[tuple[int, Geofence]]


def read_geofences(connection: Connection, subscriber_ref: int | None = None) -> Stored:
    """Areas with whose they are, of one subscriber or of all."""
    query = select(geofences)
    if subscriber_ref is not None:
        query = query.where(geofences.c.subscriber_ref == subscriber_ref)
    rows = connection.execute(query.order_by(geofences.c.ref))
    return list(readable("geofence", rows, lambda row: (row.subscriber_ref, geofence_of(row))))


async def _no_tags(_device_ref: int) -> Collection[str]:
    return ()


class Geofences:
    """By subscriber. `tags_of` reads the tags of a device; raises `StoreError`."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Geofence, ...]] = {}
        self.tags_of: Callable[[int], Awaitable[Collection[str]]] = _no_tags

    def load(self, stored: Stored) -> None:
        self._of = {}
        for subscriber_ref, geofence in stored:
            self._of[subscriber_ref] = (*self._of.get(subscriber_ref, ()), geofence)

    def take(self, subscriber_ref: int, stored: Stored) -> None:
        """Those of a subscriber have changed."""
        self._of.pop(subscriber_ref, None)
        now = tuple(geofence for _subscriber, geofence in stored)
        if now:
            self._of[subscriber_ref] = now

    async def watching(self, device: DeviceRow) -> list[Geofence]:
        """The areas that watch a device. Raises `StoreError`."""
        every = self._of.get(device.subscriber_ref, ())
        if all(geofence.tag is None for geofence in every):
            return list(every)
        tags = await self.tags_of(device.ref)
        return [geofence for geofence in every if geofence.tag is None or geofence.tag in tags]

    def is_known(self, subscriber_ref: int, ref: int) -> bool:
        """Whether a subscriber still has an area."""
        return any(geofence.ref == ref for geofence in self._of.get(subscriber_ref, ()))
