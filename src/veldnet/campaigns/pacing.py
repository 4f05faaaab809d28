"""Spreads the questions of campaigns over the air time of base stations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from veldnet.lorawan import BaseStationId
from veldnet.network.core.multicast import Heard
from veldnet.store import Store, multicast

from .airtime import Turns
from .capacity import Reach, message_time, reach_of
from .group_work import Regions
from .planning import Around
from .states import ASKING, DeviceState, Progress, Session
from .work import Item

# States from which a device is asked something once its time has come.
_BEFORE_ASKING: frozenset[DeviceState] = ASKING | {"pending", "waitingSession", "listening"}
# A turn that is so many milliseconds away is taken now: devices hear nothing at once anyway.
_SOON = 5_000


class Asking(msgspec.Struct, frozen=True):
    """A device that a campaign asks something, and the share of the time, from 0 to 1, that a base station
    may transmit for that campaign."""

    item: Item
    share: float


def asks(progress: Progress, session: Session | None, now: int) -> bool:
    """Whether a device is to be asked something now that has not had its turn yet."""
    if progress.held or progress.due_at is None or progress.due_at > now:
        return False
    if progress.state == "waitingSession":
        return session is not None and session.open(now)
    if progress.state == "listening":
        return session is None or session.over(now)
    return progress.state in _BEFORE_ASKING


class Pacer:
    """Knows in memory what base stations have to send; after a restart it begins again."""

    def __init__(self, store: Store, regions: Regions) -> None:
        self._store = store
        self._regions = regions
        self._turns = Turns()

    def around(self, now: int) -> Around:
        """What a session that is planned now has to go by."""
        return Around(now, self._regions, self._turns.busy_until)

    async def later(self, asking: Sequence[Asking], now: int) -> dict[int, int]:
        """Devices whose turn has not come, and when it does, in Unix milliseconds. One query for all."""
        when = await self._take(asking, now)
        return {ref: at for ref, at in when.items() if at > now + _SOON}

    async def asked(self, asking: Sequence[Asking], now: int) -> None:
        """Devices have been asked without having waited for their turn: the others wait for longer."""
        await self._take(asking, now)

    async def _take(self, asking: Sequence[Asking], now: int) -> dict[int, int]:
        if not asking:
            return {}
        refs = [each.item.device_ref for each in asking]
        rows = await self._store.read(lambda c: multicast.hearing_of(c, refs))
        heard = [Heard(device, BaseStationId(station), margin) for device, station, margin in rows]
        when: dict[int, int] = {}
        for region, some in _by_region(asking).items():
            channel_plan = self._regions.get(region)
            if channel_plan is None:
                continue
            reach = reach_of(channel_plan, heard)
            # Those that nobody has heard yet are taken to be near to one base station.
            nowhere = Reach((0,), channel_plan.region.adr_max_data_rate)
            for each in some:
                found = reach.get(each.item.device_ref, nowhere)
                seconds = message_time(channel_plan, found.data_rate, each.share)
                when[each.item.device_ref] = self._turns.take(found.stations, seconds, now)
        return when


def _by_region(asking: Iterable[Asking]) -> dict[str, list[Asking]]:
    found: dict[str, list[Asking]] = {}
    for each in asking:
        found.setdefault(each.item.region, []).append(each)
    return found
