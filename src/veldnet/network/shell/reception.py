"""Reception of frames: parses, drops foreign frames, collects copies, closes windows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from veldnet.lorawan import frames
from veldnet.lorawan.frames import DataFrame, FrameError, JoinRequest, RejoinRequest
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.events import ReceivedFrame
from veldnet.network.core.records import encode_record
from veldnet.network.core.uplink_record import copies_of
from veldnet.store import IdSource

from .admission import Admission, Verdict
from .commit_loop import CommitLoop
from .counters import Counters
from .deduplication import MAX_COPIES, Deduplicator, ReceivedType, Window
from .deferred_queue import DeferredQueue
from .devices import DeviceTable
from .recent_frames import RecentFrames
from .refusals import Refusals

log = structlog.get_logger(__name__)

MAX_OPEN_WINDOWS = 50_000
MAX_WAITING_JOINS = 10_000


class Reception:
    """`received(frame, what it parsed to)` is called with each frame when its window closes."""

    def __init__(
        self,
        windows: Deduplicator,
        addresses: AddressSpace,
        devices: DeviceTable,
        admission: Admission,
        commits: CommitLoop,
        refusals: Refusals,
        counters: Counters,
        ids: IdSource,
        clock: Callable[[], float],
        received: Callable[[ReceivedFrame, ReceivedType], None],
    ) -> None:
        self._windows = windows
        self._addresses = addresses
        self._devices = devices
        self._admission = admission
        self._commits = commits
        self._refusals = refusals
        self._counters = counters
        self._ids = ids
        self._clock = clock
        self._received = received
        self._timer: asyncio.TimerHandle | None = None
        self._joins = DeferredQueue()
        self._recent = RecentFrames()

    def receive(self, uplink: GatewayUplink) -> None:
        """Take a base station's copy of a frame."""
        self._counters.copies += 1
        now = self._clock()
        window = self._windows.find(uplink.phy_payload, now)
        if window is not None:
            if window.closed:
                self._fold_late(window, uplink)
            elif len(window.copies) < MAX_COPIES:
                window.copies.append(uplink)
            return
        try:
            frame = frames.parse(uplink.phy_payload)
        except FrameError as error:
            self._refusals.copy(uplink, error.code, str(error))
            return
        if not isinstance(frame, DataFrame | JoinRequest | RejoinRequest) or (
            isinstance(frame, DataFrame) and not frame.uplink
        ):
            words = "the frame is not a data uplink, join-request or rejoin-request"
            self._refusals.copy(uplink, "not_an_uplink", words)
            return
        if isinstance(frame, DataFrame) and not self._addresses.contains(frame.dev_addr):
            words = f"DevAddr {frame.dev_addr} belongs to another network"
            self._refusals.copy(uplink, "foreign_network", words)
            return
        if len(self._windows) >= MAX_OPEN_WINDOWS:
            self._counters.refused["overload"] += 1
            return
        verdict = self._admission.judge(uplink, frame, now)
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
        for window in self._windows.close_due(moment):
            window.closed = True
            first = window.copies[0]
            if window.unknown:
                self._admission.left(first.base_station)
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

    def _hand_on(self, received: ReceivedFrame, frame: ReceivedType) -> None:
        try:
            self._received(received, frame)
        except Exception:
            # A defect of ours; the other frames must not suffer from it.
            log.exception("frame_processing_failed", frame_id=received.id)
            self._counters.refused["defect"] += 1

    def _fold_late(self, window: Window, uplink: GatewayUplink) -> None:
        self._counters.late_copies += 1
        original = self._recent.find(uplink.phy_payload)
        if original is not None:
            original.heard_by(uplink)
        if len(window.late) >= MAX_COPIES:
            return
        window.late.append(uplink)
        self._commits.add_part(window.frame_id, len(window.late), encode_record(copies_of((uplink,))))

    def accepted(self, received: ReceivedFrame) -> None:
        """Remember an accepted frame, so that late copies of it are recognised."""
        self._recent.accepted(received.id, received.copies, self._clock())

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

    def finish(self) -> None:
        """Close every window now."""
        self.close()
        self._close_until(float("inf"))
        self._joins.finish()

    def close(self) -> None:
        """Let go of what was to come."""
        self._joins.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
