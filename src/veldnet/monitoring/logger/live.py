"""Live feed of durable frames to subscriptions. Without subscriptions it costs nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from veldnet.network.shell import Recorded
from veldnet.store import FrameRow, Rows

from .lines import Line, Named, Places, line_of


class TooManyStreams(Exception):
    """All places are taken."""


class Subscription:
    """Somebody who watches. Holds a bounded number of lines; the oldest are dropped, and counted, when they
    are not fetched in time."""

    def __init__(self, subscriber_ref: int | None, operator_ref: int, most: int) -> None:
        self.subscriber_ref = subscriber_ref
        self.operator_ref = operator_ref
        self.dropped = 0
        self.closed = False
        self._lines: deque[Line] = deque(maxlen=most)
        self._arrived = asyncio.Event()

    def put(self, line: Line) -> None:
        if len(self._lines) == self._lines.maxlen:
            self.dropped += 1
        self._lines.append(line)
        self._arrived.set()

    async def take(self, within: float) -> list[Line]:
        """What has arrived; waits for the first at most `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        lines = list(self._lines)
        self._lines.clear()
        return lines

    def close(self) -> None:
        self.closed = True
        self._arrived.set()


class LiveFeed:
    """Takes part in the frames' commits and hands on what was committed."""

    def __init__(self, places: Places, *, streams: int = 200, lines: int = 1000) -> None:
        self._places = places
        self._streams = streams
        self._most = lines
        self._watchers: set[Subscription] = set()
        self._writing: list[tuple[Recorded, FrameRow]] = []
        # Operators of subscribers, for those who watch a whole network.
        self.operator_of: dict[int, int] = {}
        self.station_operator: dict[int, int] = {}

    @property
    def streams(self) -> int:
        return len(self._watchers)

    def watch(self, subscriber_ref: int | None, operator_ref: int) -> Subscription:
        """Watch a subscriber's frames, or with None all of an operator. Raises `TooManyStreams`."""
        if len(self._watchers) >= self._streams:
            raise TooManyStreams
        subscription = Subscription(subscriber_ref, operator_ref, self._most)
        self._watchers.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        self._watchers.discard(subscription)

    def close(self) -> None:
        """The server stops: streams end."""
        for subscription in self._watchers:
            subscription.close()

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], frames: Sequence[FrameRow]) -> Sequence[Rows]:
        if self._watchers:
            self._writing = list(zip(recorded, frames, strict=True))
        return ()

    def committed(self) -> None:
        writing, self._writing = self._writing, []
        for (record, device, _entry), row in writing:
            watchers = [watcher for watcher in self._watchers if self._concerns(watcher, row)]
            if not watchers:
                continue
            named = None
            if device is not None:
                known = device.row
                named = Named(
                    known.ref,
                    known.dev_eui,
                    known.name,
                    known.profile_ref,
                    known.latitude,
                    known.longitude,
                    known.hsm_group_ref is not None,
                )
            line = line_of(row, record, named, self._places)
            for watcher in watchers:
                watcher.put(line)

    def failed(self) -> None:
        self._writing = []

    def _concerns(self, watcher: Subscription, row: FrameRow) -> bool:
        subscriber = row.subscriber_ref
        if watcher.subscriber_ref is not None:
            return subscriber == watcher.subscriber_ref
        if subscriber is not None:
            return self.operator_of.get(subscriber) == watcher.operator_ref
        return (
            row.base_station is not None
            and self.station_operator.get(row.base_station) == watcher.operator_ref
        )
