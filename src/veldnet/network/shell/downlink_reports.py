"""What became of downlinks, brought to their devices, which may have to be loaded first."""

from __future__ import annotations

import asyncio

from veldnet.network.core.events import DownlinkReported
from veldnet.network.core.outcome import report_downlink
from veldnet.network.core.transmission import SUCCESS, TOO_LATE, Done
from veldnet.store import StoreError

from .devices import DeviceTable, Entry
from .runtime import Runtime
from .tasks import Tasks
from .transitions import Transitions

# Seconds before a store that did not answer is asked again.
_STORE_PAUSE = 1.0
# What is still not reported then is settled when the device is loaded again.
_ATTEMPTS = 60
_INTERRUPTED = Done(
    False, None, TOO_LATE, TOO_LATE, SUCCESS, "unknown: the server restarted while it was in flight"
)


class DownlinkReports:
    """Reports outcomes of transmissions to the core."""

    def __init__(
        self, runtime: Runtime, devices: DeviceTable, transitions: Transitions, tasks: Tasks
    ) -> None:
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._devices = devices
        self._transitions = transitions
        self._tasks = tasks

    def transmitted(self, device_ref: int, token: int, outcome: Done) -> None:
        """A transmission has ended."""
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
            self._tasks.spawn("downlink reports", self._report_later(device_ref, event))

    def interrupted(self, device_ref: int, token: int) -> None:
        """A process before this one handed the downlink over, or died."""
        asyncio.get_running_loop().call_soon(self.transmitted, device_ref, token, _INTERRUPTED)

    async def _report_later(self, device_ref: int, event: DownlinkReported) -> None:
        for _attempt in range(_ATTEMPTS):
            try:
                entry = await self._devices.get(ref=device_ref)
            except StoreError:
                await asyncio.sleep(_STORE_PAUSE)
                continue
            if entry is not None:
                self._report(entry, event)
            return

    def _report(self, entry: Entry, event: DownlinkReported) -> None:
        context = self._transitions.context(entry, event)
        self._transitions.apply(entry, report_downlink(context, entry.state))
