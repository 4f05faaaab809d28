"""What the API asks of single devices: downlinks, security contexts, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from veldnet.domain.devices import DeviceRow
from veldnet.lorawan import DevEui
from veldnet.network.core.events import (
    ContextReset,
    DownlinkRequest,
    DownlinkSubmitted,
    Submission,
    SubmissionRefusal,
)
from veldnet.network.core.inspection import DeviceView, QueuedView, inspect, queued
from veldnet.network.core.outcome import ask_rejoin, reset_context
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.submission import cancel_downlink, submit_downlink
from veldnet.store import NotServed

from .answers import PendingAnswers
from .commit_loop import CommitLoop
from .devices import DeviceTable
from .entries import Entry
from .multicast import MulticastGroups
from .runtime import Runtime
from .transitions import Transitions


class UnknownDevice(LookupError):
    """No device has this identifier."""


class Requests(Protocol):
    """What `DeviceRequests` does, here or at another node that serves the device."""

    async def submit(self, dev_eui: DevEui, request: DownlinkRequest) -> SubmissionRefusal | None: ...

    async def queue(self, dev_eui: DevEui, request: DownlinkRequest) -> Submission: ...

    async def cancel(self, device_ref: int, submission: int) -> bool: ...

    async def reset_context(self, device_ref: int) -> None: ...

    async def ask_rejoin(self, device_ref: int) -> bool: ...

    async def inspect(self, device_ref: int) -> DeviceView: ...

    async def queued(self, device_ref: int) -> list[QueuedView]: ...


class DeviceRequests:
    """Devices are loaded where they are not in memory. Calls raise `StoreError` when the store does not
    answer, or what they changed could not be made durable, `NotServed` where another node has the device."""

    def __init__(
        self,
        runtime: Runtime,
        parameters: NetworkParameters,
        devices: DeviceTable,
        commits: CommitLoop,
        transitions: Transitions,
        answers: PendingAnswers,
    ) -> None:
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._parameters = parameters
        self._devices = devices
        self._commits = commits
        self._transitions = transitions
        self._answers = answers
        # Which are submitted to as devices are.
        self.groups: MulticastGroups | None = None

    async def submit(self, dev_eui: DevEui, request: DownlinkRequest) -> SubmissionRefusal | None:
        """Queue a downlink; returns when it is durable, or why it was refused. Raises `UnknownDevice`."""
        return (await self.queue(dev_eui, request)).refusal

    async def queue(self, dev_eui: DevEui, request: DownlinkRequest) -> Submission:
        """The same with the id of the downlink. Raises `UnknownDevice`."""
        entry = await self._devices.get(dev_eui=str(dev_eui))
        if entry is None and self._devices.owned.stored is not None:
            self._check_served(await self._devices.store.devices_by_dev_eui([str(dev_eui)]))
        if entry is None and self.groups is not None:
            to_group = await self.groups.queue(dev_eui, request)
            if to_group is not None:
                return to_group
        if entry is None or entry.removed:
            raise UnknownDevice(f"no device has DevEUI {dev_eui}")
        now = self._clock()
        event = DownlinkSubmitted(
            self._ids.next(now),
            self._ids.next(now),
            request.fport,
            request.payload,
            request.fcnt,
            request.confirmed,
            request.flush,
            request.expires_at,
            request.correlation_id,
            request.priority,
        )
        transition = submit_downlink(self._transitions.context(entry, event), entry.state)
        answer = self._answers.expect(event.token)
        self._transitions.apply(entry, transition)
        return Submission(event.id, await answer)

    async def cancel(self, device_ref: int, submission: int) -> bool:
        """Take a queued downlink back; durable when this returns. False if none such waits any more. Raises
        `UnknownDevice`."""
        entry = await self._entry(device_ref)
        transition = cancel_downlink(entry.state, submission)
        if transition.state is entry.state:
            return False
        self._transitions.apply(entry, transition)
        await self._commits.durable()
        return True

    async def reset_context(self, device_ref: int) -> None:
        """Drop the security context of a device. Raises `UnknownDevice`."""
        entry = await self._entry(device_ref)
        context = self._transitions.context(entry, ContextReset(self._ids.next(self._clock())))
        self._transitions.apply(entry, reset_context(context, entry.state, entry.memory))
        await self._commits.durable()

    async def ask_rejoin(self, device_ref: int) -> bool:
        """Ask a 1.1 device to renew its session with its next downlink; False if it has no 1.1 session.
        Raises `UnknownDevice`."""
        entry = await self._entry(device_ref)
        transition = ask_rejoin(entry.state)
        if transition.state is entry.state:
            return False
        self._transitions.apply(entry, transition)
        await self._commits.durable()
        return True

    async def inspect(self, device_ref: int) -> DeviceView:
        """What is known of a device's session, without keys. Raises `UnknownDevice`."""
        entry = await self._entry(device_ref)
        return inspect(self._parameters, entry.device, entry.state, entry.memory)

    async def queued(self, device_ref: int) -> list[QueuedView]:
        """The downlinks that wait for a device. Raises `UnknownDevice`."""
        return queued((await self._entry(device_ref)).state)

    async def _entry(self, device_ref: int) -> Entry:
        entry = await self._devices.get(ref=device_ref)
        if entry is None:
            if self._devices.owned.stored is not None:
                self._check_served(await self._devices.store.devices_by_ref([device_ref]))
            raise UnknownDevice(f"no device has ref {device_ref}")
        return entry

    def _check_served(self, rows: Sequence[DeviceRow]) -> None:
        """Raises `NotServed` where another node has the device."""
        if any(row.partition not in self._devices.owned for row in rows):
            raise NotServed("another node serves the device")
