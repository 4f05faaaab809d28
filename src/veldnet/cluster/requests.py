"""Requests about single devices where there are several nodes."""

from __future__ import annotations

from functools import partial
from typing import Any

from veldnet.lorawan import DevEui
from veldnet.network.core import DeviceView, DownlinkRequest, QueuedView, Submission, SubmissionRefusal
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.shell import DeviceRequests, UnknownDevice
from veldnet.store import Store, multicast

from .owner_calls import Call, OwnerCalls


class ClusterRequests:
    """As `DeviceRequests`, at the owner of the device's partition. Calls also raise `NotServed` and
    `Unanswered`."""

    def __init__(
        self, calls: OwnerCalls, local: DeviceRequests, store: Store, addresses: AddressSpace
    ) -> None:
        self._calls = calls
        self._store = store
        self._addresses = addresses

        async def queue(dev_eui: int, request: DownlinkRequest) -> Submission:
            return await local.queue(DevEui(dev_eui), request)

        for name, arguments, answer, function in (
            ("queue", tuple[int, DownlinkRequest], Submission, queue),
            ("cancel", tuple[int, int], bool, local.cancel),
            ("reset_context", tuple[int], None, local.reset_context),
            ("ask_rejoin", tuple[int], bool, local.ask_rejoin),
            ("inspect", tuple[int], DeviceView, local.inspect),
            ("queued", tuple[int], list[QueuedView], local.queued),
        ):
            calls.offer(name, Call(arguments, answer, function))

    async def submit(self, dev_eui: DevEui, request: DownlinkRequest) -> SubmissionRefusal | None:
        return (await self.queue(dev_eui, request)).refusal

    async def queue(self, dev_eui: DevEui, request: DownlinkRequest) -> Submission:
        partition = self.partition(await self._stored_partition(dev_eui))
        queued: Submission = await self._calls.ask(partition, "queue", int(dev_eui), request)
        return queued

    async def _stored_partition(self, dev_eui: DevEui) -> int:
        """That of a device or multicast group. Raises `UnknownDevice`."""
        rows = await self._store.devices_by_dev_eui([str(dev_eui)])
        if rows:
            return rows[0].partition
        group = await self._store.read(partial(multicast.group_by_dev_eui, dev_eui=str(dev_eui)))
        if group is None:
            raise UnknownDevice(f"no device has DevEUI {dev_eui}")
        return group.partition

    async def cancel(self, device_ref: int, submission: int) -> bool:
        cancelled: bool = await self.ask(device_ref, "cancel", device_ref, submission)
        return cancelled

    async def reset_context(self, device_ref: int) -> None:
        await self.ask(device_ref, "reset_context", device_ref)

    async def ask_rejoin(self, device_ref: int) -> bool:
        asked: bool = await self.ask(device_ref, "ask_rejoin", device_ref)
        return asked

    async def inspect(self, device_ref: int) -> DeviceView:
        view: DeviceView = await self.ask(device_ref, "inspect", device_ref)
        return view

    async def queued(self, device_ref: int) -> list[QueuedView]:
        views: list[QueuedView] = await self.ask(device_ref, "queued", device_ref)
        return views

    async def ask(self, device_ref: int, name: str, *arguments: object) -> Any:
        """Any call that is offered about a device."""
        rows = await self._store.devices_by_ref([device_ref])
        if not rows:
            raise UnknownDevice(f"no device has ref {device_ref}")
        return await self._calls.ask(self.partition(rows[0].partition), name, *arguments)

    def partition(self, stored: int) -> int:
        """The partition of a device by what is stored, which knows nothing of small address spaces."""
        return stored & (self._addresses.partitions - 1)
