"""Routes admitted frames: to the device whose key fits a data frame's MIC, or that a join-request names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from veldnet.domain.partitions import partition_of_address, partition_of_eui
from veldnet.lorawan import DevAddr, DevEui
from veldnet.lorawan.frames import DataFrame, JoinRequest, RejoinRequest
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.events import DataReceived, JoinRequested, ReceivedFrame, RejoinRequested
from veldnet.network.core.join import request_join
from veldnet.network.core.rejoin import request_rejoin
from veldnet.network.core.uplink import match, receive_data
from veldnet.network.core.uplink_record import wrong_mic

from .admission import Admission, ReceivedType
from .devices import DeviceTable
from .runtime import Runtime
from .shared_addresses import likeliest_first
from .transitions import Transitions

# Devices an address is given to while others are free.
MAX_SHARING = 8
_ATTEMPTS = 16


class FrameRouter:
    """The `FrameHandler` of admission; `reserved` says which addresses no session may have. A frame whose
    device is not in memory waits until it is loaded."""

    def __init__(
        self,
        runtime: Runtime,
        devices: DeviceTable,
        addresses: AddressSpace,
        admission: Admission,
        transitions: Transitions,
        reserved: Callable[[DevAddr], bool],
    ) -> None:
        self._reserved = reserved
        self._rng = runtime.rng
        self._counters = runtime.counters
        self._devices = devices
        self._addresses = addresses
        self._admission = admission
        self._transitions = transitions

    def received(self, received: ReceivedFrame, frame: ReceivedType) -> None:
        if isinstance(frame, DataFrame):
            self._data(received, frame)
        else:
            self._join(received, frame)

    def counter_of(self, uplink: GatewayUplink, frame: DataFrame) -> str | None:
        event = DataReceived(ReceivedFrame(0, 0, (uplink,), uplink.received_at), frame)
        for entry in self._devices.in_memory(frame.dev_addr):
            found = match(self._transitions.context(entry, event), entry.state)
            if found is not None:
                return found.verdict
        return None

    def _data(self, received: ReceivedFrame, frame: DataFrame) -> None:
        entries = self._devices.on_address(frame.dev_addr)
        if entries is None:
            if partition_of_address(frame.dev_addr) not in self._devices.owned:
                self._counters.refused["not_served"] += 1
                return
            self._devices.request_address(int(frame.dev_addr), partial(self._data_loaded, received, frame))
            return
        event = DataReceived(received, frame)
        for entry in likeliest_first(entries, frame, received):
            context = self._transitions.context(entry, event)
            found = match(context, entry.state)
            if found is not None:
                if found.verdict == "counter_replayed" and self._admission.are_late_copies(received):
                    return
                self._admission.genuine(received)
                self._transitions.apply(entry, receive_data(context, entry.state, found), received)
                return
        if self._admission.are_late_copies(received):
            # Of a session that has ended since.
            return
        if len(entries) == 1:
            # Nobody else has the address, so that the frame is this device's, or pretends to be.
            (entry,) = entries
            refusal = wrong_mic(self._transitions.context(entry, event), entry.state)
            self._transitions.apply(entry, refusal, received)
            return
        reason = "wrong_mic" if entries else "unknown_dev_addr"
        words = f"the MIC fits none of {len(entries)} sessions on DevAddr {frame.dev_addr}"
        self._admission.refused(received, reason, words)

    def _data_loaded(self, received: ReceivedFrame, frame: DataFrame, loaded: bool) -> None:
        if loaded:
            self._data(received, frame)
        else:
            self._counters.refused["store_unavailable"] += 1

    def _join(self, received: ReceivedFrame, request: JoinRequest | RejoinRequest) -> None:
        dev_eui = str(request.dev_eui)
        entry = self._devices.by_dev_eui(dev_eui)
        if entry is None:
            if self._devices.is_unknown(dev_eui):
                self._admission.refused(received, "unknown_dev_eui", f"no device has DevEUI {dev_eui}")
            elif partition_of_eui(request.dev_eui) not in self._devices.owned:
                self._counters.refused["not_served"] += 1
            else:
                self._devices.request_dev_eui(dev_eui, partial(self._join_loaded, received, request))
            return
        if self._admission.are_late_copies(received):
            return
        dev_addr = self._allocate(request.dev_eui)
        if isinstance(request, JoinRequest):
            join = self._transitions.context(entry, JoinRequested(received, request, dev_addr))
            transition = request_join(join, entry.state, entry.memory)
        else:
            rejoin = self._transitions.context(entry, RejoinRequested(received, request, dev_addr))
            transition = request_rejoin(rejoin, entry.state, entry.memory)
        self._transitions.apply(entry, transition, received)

    def _join_loaded(
        self, received: ReceivedFrame, request: JoinRequest | RejoinRequest, loaded: bool
    ) -> None:
        if loaded:
            self._join(received, request)
        else:
            self._counters.refused["store_unavailable"] += 1

    def _allocate(self, dev_eui: DevEui) -> DevAddr:
        dev_addr = self._addresses.allocate(dev_eui, self._rng)
        for _attempt in range(_ATTEMPTS):
            if self._devices.sharing(dev_addr) < MAX_SHARING and not self._reserved(dev_addr):
                break
            dev_addr = self._addresses.allocate(dev_eui, self._rng)
        return dev_addr
