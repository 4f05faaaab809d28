"""Admission of frames: copies are parsed, judged, collected in windows, and handed on as frames.

What becomes of a frame is reported back: `accepted`, `genuine` or `refused`. Thereby base stations that bring
floods of forged frames are throttled, late copies recognised, and refused frames recorded within bounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Protocol

import structlog

from veldnet.domain.partitions import partition_of_address, partition_of_eui
from veldnet.lorawan import BaseStationId, frames
from veldnet.lorawan.frames import DataFrame, FrameError, JoinRequest, RejoinRequest
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.events import ReceivedFrame
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.records import JoinRecord, RefusedRecord, encode_record
from veldnet.network.core.uplink_record import copies_of
from veldnet.network.shell.commit_loop import CommitLoop
from veldnet.network.shell.devices import DeviceTable
from veldnet.network.shell.runtime import Runtime

from .deduplication import MAX_COPIES, Deduplicator, ReceivedType, Window
from .deferred_queue import DeferredQueue
from .gate import FrameGate, Verdict
from .recent_frames import RecentFrames
from .refusals import Refusals

log = structlog.get_logger(__name__)

MAX_OPEN_WINDOWS = 50_000
MAX_WAITING_JOINS = 10_000
# Seconds after RX1 for which copies of a frame still count to it.
_HORIZON_AFTER_RX1, _LEAST_HORIZON = 1.0, 2.0


class FrameHandler(Protocol):
    """Takes admitted frames."""

    def received(self, received: ReceivedFrame, frame: ReceivedType) -> None:
        """A frame, when its window has closed."""

    def counter_of(self, uplink: GatewayUplink, frame: DataFrame) -> str | None:
        """How the counter of a copy is found in the session in memory that its MIC fits; None without one."""


class Admission:
    """`window` is how many seconds copies of a frame are collected."""

    def __init__(
        self,
        runtime: Runtime,
        parameters: NetworkParameters,
        window: float,
        devices: DeviceTable,
        commits: CommitLoop,
    ) -> None:
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._counters = runtime.counters
        self._devices = devices
        self._commits = commits
        self._handler: FrameHandler | None = None
        self._addresses = AddressSpace(parameters.net_id)
        self._known = devices.session_addresses
        horizon = max(_LEAST_HORIZON, parameters.rx1_delay + _HORIZON_AFTER_RX1)
        self._windows = Deduplicator(window, horizon)
        self._refusals = Refusals(runtime, commits, parameters.unknown_device_limit)
        self.gate = FrameGate(devices, self._refusals, self._counter_of, parameters.unknown_device_limit)
        self._recent = RecentFrames()
        self._joins = DeferredQueue()
        self._timer: asyncio.TimerHandle | None = None

    def hand_to(self, handler: FrameHandler) -> None:
        """Who gets the frames; to be called before the first comes."""
        self._handler = handler

    # From base stations.

    def receive(self, uplink: GatewayUplink) -> None:
        """Take a base station's copy of a frame."""
        self._counters.copies += 1
        now = self._clock()
        window = self._windows.find(uplink.phy_payload, now)
        if window is not None:
            if window.closed:
                self._fold_late(window, uplink)
            else:
                window.add(uplink)
            return
        frame = self._parse(uplink)
        if frame is None:
            return
        if len(self._windows) >= MAX_OPEN_WINDOWS:
            self._counters.refused["overload"] += 1
            return
        verdict = self.gate.judge(uplink, frame, now)
        if verdict is Verdict.DROPPED:
            return
        window = self._windows.open(frame, uplink, now)
        window.unknown = verdict is Verdict.UNKNOWN
        # The frame is named after the moment at which it was heard, and not after that of its judgement.
        window.frame_id = self._ids.next(now if uplink.late else uplink.received_at)
        self._prefetch(frame)
        if self._timer is None:
            self._schedule()

    @property
    def lag(self) -> float:
        """Seconds by which frames are judged later than they should be; infinite where there is no room."""
        if len(self._windows) >= MAX_OPEN_WINDOWS or len(self._joins) >= MAX_WAITING_JOINS:
            return float("inf")
        due = self._windows.next_close
        return 0.0 if due is None else max(self._clock() - due, 0.0)

    def _parse(self, uplink: GatewayUplink) -> ReceivedType | None:
        """An uplink of this network, or None for what is refused at once."""
        try:
            frame = frames.parse(uplink.phy_payload)
        except FrameError as error:
            self._refusals.copy(uplink, error.code, str(error))
            return None
        if isinstance(frame, DataFrame):
            if frame.uplink:
                # Devices that were moved here keep the address that another network gave them.
                if self._addresses.contains(frame.dev_addr) or frame.dev_addr in self._known:
                    return frame
                words = f"DevAddr {frame.dev_addr} belongs to another network"
                self._refusals.copy(uplink, "foreign_network", words)
                return None
        elif isinstance(frame, JoinRequest | RejoinRequest):
            return frame
        words = "the frame is not a data uplink, join-request or rejoin-request"
        self._refusals.copy(uplink, "not_an_uplink", words)
        return None

    def _counter_of(self, uplink: GatewayUplink, frame: DataFrame) -> str | None:
        assert self._handler is not None
        return self._handler.counter_of(uplink, frame)

    def _prefetch(self, frame: ReceivedType) -> None:
        """Have the store answer while the window is open."""
        devices = self._devices
        if isinstance(frame, DataFrame):
            if devices.on_address(frame.dev_addr) is None:
                devices.request_address(int(frame.dev_addr))
            return
        dev_eui = str(frame.dev_eui)
        if devices.by_dev_eui(dev_eui) is None and not devices.is_unknown(dev_eui):
            devices.request_dev_eui(dev_eui)

    def _fold_late(self, window: Window, uplink: GatewayUplink) -> None:
        self._counters.late_copies += 1
        original = self._recent.find(uplink.phy_payload)
        if original is not None:
            original.heard_by(uplink)
        if len(window.late) >= MAX_COPIES:
            return
        window.late.append(uplink)
        self._commits.add_part(window.frame_id, len(window.late), encode_record(copies_of((uplink,))))

    # To devices.

    def _schedule(self) -> None:
        due = self._windows.next_close
        if due is not None:
            delay = max(due - self._clock(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self._close_due)

    def _close_due(self) -> None:
        self._timer = None
        # Timers may fire a little early by the other clock; what is due within a millisecond is due.
        self._close_until(self._clock() + 0.001)
        self._schedule()

    def _close_until(self, moment: float) -> None:
        self._hand_over(self._windows.close_due(moment))

    def _hand_over(self, windows: Iterable[Window]) -> None:
        for window in windows:
            window.closed = True
            first = window.copies[0]
            if window.unknown:
                self.gate.window_closed(first.base_station)
            received = ReceivedFrame(
                window.frame_id,
                self._ids.next(self._clock()),
                window.ordered(),
                next((copy.received_at for copy in window.copies if not copy.late), first.received_at),
                first.base_station if window.unknown else None,
            )
            if isinstance(window.frame, DataFrame):
                self._hand_on(received, window.frame)
            else:
                self._joins.add(partial(self._hand_on, received, window.frame))

    def close_windows(self, stored: frozenset[int]) -> None:
        """Judge the frames of partitions now, though more copies may come."""
        self._hand_over(self._windows.close_those(lambda window: _partition(window.frame) in stored))

    @property
    def joins_waiting(self) -> int:
        """Join-requests that are not judged yet."""
        return len(self._joins)

    def _hand_on(self, received: ReceivedFrame, frame: ReceivedType) -> None:
        assert self._handler is not None
        try:
            self._handler.received(received, frame)
        except Exception:
            # A defect of ours; the other frames must not suffer from it.
            log.exception("frame_processing_failed", frame_id=received.id)
            self._counters.refused["defect"] += 1

    # What became of them.

    def genuine(self, received: ReceivedFrame) -> None:
        """The MIC of a frame fits a device's key: it says nothing against its base station."""
        self._refusals.genuine(received)

    def accepted(self, received: ReceivedFrame) -> None:
        """Remember an accepted frame, so that late copies of it are recognised."""
        self._recent.accepted(received.id, received.copies, self._clock())

    def refused(self, received: ReceivedFrame, code: str, words: str) -> None:
        """A frame that belongs to no device; it is counted, and recorded within bounds."""
        self._refusals.frame(received, code, words)

    def is_recorded(
        self, records: list[JoinRecord | RefusedRecord], brought_by: BaseStationId | None
    ) -> bool:
        """Whether refused frames of a device are to be recorded; they are counted here."""
        return self._refusals.of_device(records, brought_by)

    def are_late_copies(self, received: ReceivedFrame) -> bool:
        """Whether what looks like a frame sent again is a late copy of one accepted before; it is added to
        that then."""
        original = self._recent.original_of(received.copies, self._clock())
        if original is None:
            return False
        for copy in received.copies:
            self._counters.late_copies += 1
            part = original.add(copy)
            self._commits.add_part(original.frame_id, part, encode_record(copies_of((copy,))))
        self._windows.forget(received.best.phy_payload)
        self._refusals.genuine(received)
        return True

    # The end.

    def finish(self) -> None:
        """Close every window now."""
        self.close()
        self._close_until(float("inf"))
        self._joins.finish()

    def close(self) -> None:
        """Drop what was to come."""
        self._joins.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _partition(frame: ReceivedType) -> int:
    if isinstance(frame, DataFrame):
        return partition_of_address(frame.dev_addr)
    return partition_of_eui(frame.dev_eui)
