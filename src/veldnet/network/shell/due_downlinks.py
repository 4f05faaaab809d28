"""Downlinks of class B and C devices, which need no uplink: sent when they are due, also after a restart."""

from __future__ import annotations

import asyncio

import structlog

from veldnet.network.core.device_class import has_unsolicited_downlinks
from veldnet.network.core.events import SendDue, Wake
from veldnet.network.core.outcome import send_due
from veldnet.store import Store, StoreError

from .device_timers import DeviceTimers
from .devices import DeviceTable
from .entries import Entry
from .runtime import Runtime
from .tasks import Tasks
from .transitions import Transitions

log = structlog.get_logger(__name__)

_BATCH = 200
# Seconds before a store that did not answer is asked again.
_STORE_PAUSE = 1.0
_TASK = "queued downlinks"


class DueDownlinks:
    """Comes back to devices with `SendDue` when they asked for it."""

    def __init__(
        self, runtime: Runtime, store: Store, devices: DeviceTable, transitions: Transitions, tasks: Tasks
    ) -> None:
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._supervisor = runtime.supervisor
        self._store = store
        self._devices = devices
        self._transitions = transitions
        self._tasks = tasks
        self._timers = DeviceTimers(runtime.clock, self._timer_fired)

    def start(self) -> None:
        """Go on with the devices for which a process before this one had something left."""
        self.resume(None)

    def resume(self, stored: frozenset[int] | None) -> None:
        """The same with those of some partitions; None for all."""
        self._tasks.spawn(_TASK, self._resume(stored))

    def wake(self, entry: Entry, effect: Wake) -> None:
        """Do the effect: come back at a time."""
        self._timers.at(entry.device.row.ref, effect.at)

    async def _resume(self, stored: frozenset[int] | None) -> None:
        after = 0
        while True:
            try:
                refs = await self._store.devices_with_unsolicited_downlinks(after, _BATCH, stored)
            except StoreError as error:
                log.warning("queued_downlinks_not_loaded", error=str(error))
                await asyncio.sleep(_STORE_PAUSE)
                continue
            if not refs:
                return
            for ref in refs:
                try:
                    await self._send(ref)
                except Exception as error:
                    # What one device has left does not hold up the others.
                    self._supervisor.caught(_TASK, error)
            after = refs[-1]

    def _timer_fired(self, ref: int) -> None:
        self._tasks.spawn(_TASK, self._send(ref))

    async def _send(self, ref: int) -> None:
        try:
            entry = await self._devices.get(ref=ref)
        except StoreError:
            # The downlink is still in the queue; try again when the store answers.
            self._timers.at(ref, self._clock() + _STORE_PAUSE)
            return
        if entry is None or entry.removed or not has_unsolicited_downlinks(entry.device, entry.state):
            return
        now = self._clock()
        event = SendDue(self._ids.next(now), self._ids.next(now))
        self._transitions.apply(entry, send_due(self._transitions.context(entry, event), entry.state))

    def close(self) -> None:
        self._timers.close()
