"""What became of downlinks, brought to their devices, which may have to be loaded first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veldnet.domain.devices import DeviceRow
from veldnet.network.core.events import DownlinkReported
from veldnet.network.core.outcome import report_downlink
from veldnet.network.core.transmission import SUCCESS, TOO_LATE, Done
from veldnet.store import StoreError, process_of

from .devices import DeviceTable
from .entries import Entry
from .runtime import Runtime
from .tasks import Tasks
from .transitions import Transitions

# Seconds before a store that did not answer is asked again.
_STORE_PAUSE = 1.0
# What is still not reported then is settled when the device is loaded again.
_ATTEMPTS = 60
# Seconds in which a node that has given a device tells what became of its downlink.
_REPORTED_WITHIN = 10.0
_INTERRUPTED = Done(
    False, None, TOO_LATE, TOO_LATE, SUCCESS, "unknown: the server restarted while it was in flight"
)


class DownlinkReports:
    """Reports outcomes of transmissions to the core."""

    def __init__(
        self,
        runtime: Runtime,
        devices: DeviceTable,
        transitions: Transitions,
        tasks: Tasks,
        node_lives: Callable[[int], bool],
    ) -> None:
        # Called with partition, device, token and outcome where another node serves the device by now.
        self.forward: Callable[[int, int, int, Done], None] | None = None
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._devices = devices
        self._transitions = transitions
        self._tasks = tasks
        self._node_lives = node_lives
        # Downlinks that other nodes send, by token: until when.
        self._awaited: dict[int, asyncio.TimerHandle] = {}

    def transmitted(self, device_ref: int, token: int, outcome: Done) -> None:
        """A transmission has ended."""
        awaited = self._awaited.pop(token, None) if self._awaited else None
        if awaited is not None:
            awaited.cancel()
        now = self._clock()
        event = DownlinkReported(
            self._ids.next(now),
            token,
            self._ids.next(now),
            outcome.delivered,
            outcome.window,
            outcome.cause_rx1,
            outcome.cause_rx2,
            outcome.cause_ping,
            outcome.decision,
        )
        entry = self._devices.by_ref(device_ref)
        if entry is not None:
            self._report(entry, event)
        else:
            self._tasks.spawn("downlink reports", self._report_later(device_ref, event, outcome))

    def unknown(self, device_ref: int, token: int) -> None:
        """Another process handed the downlink over, or died. Where it lives, it tells what becomes of it."""
        loop, process = asyncio.get_running_loop(), process_of(token)
        if process != self._ids.process and self._node_lives(process):
            timer = loop.call_later(_REPORTED_WITHIN, self._unreported, device_ref, token)
            self._awaited[token] = timer
        else:
            loop.call_soon(self.transmitted, device_ref, token, _INTERRUPTED)

    def _unreported(self, device_ref: int, token: int) -> None:
        self._awaited.pop(token, None)
        if self._devices.by_ref(device_ref) is not None:
            self.transmitted(device_ref, token, _INTERRUPTED)

    def close(self) -> None:
        for timer in self._awaited.values():
            timer.cancel()

    async def _report_later(self, device_ref: int, event: DownlinkReported, outcome: Done) -> None:
        for _attempt in range(_ATTEMPTS):
            try:
                entry = await self._devices.get(ref=device_ref)
            except StoreError:
                await asyncio.sleep(_STORE_PAUSE)
                continue
            if entry is not None:
                self._report(entry, event)
            elif self.forward is not None and (row := await self._elsewhere(device_ref)) is not None:
                self.forward(row.partition, device_ref, event.token, outcome)
            return

    async def _elsewhere(self, device_ref: int) -> DeviceRow | None:
        """A device that another node serves."""
        rows = await self._devices.store.devices_by_ref([device_ref])
        return next((row for row in rows if row.partition not in self._devices.owned), None)

    def _report(self, entry: Entry, event: DownlinkReported) -> None:
        context = self._transitions.context(entry, event)
        self._transitions.apply(entry, report_downlink(context, entry.state))
