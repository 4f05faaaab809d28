"""Live feed of durable frames to subscriptions. Without subscriptions it costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from veldnet.monitoring.subscriptions import Feed, Subscription
from veldnet.network.shell import Recorded
from veldnet.store import FrameRow, Rows

from .lines import Line, Named, Places, line_of


class LiveFeed(Feed[Line]):
    """Takes part in the frames' commits and hands on what was committed."""

    def __init__(self, places: Places, *, streams: int = 200, lines: int = 1000) -> None:
        super().__init__(streams=streams, most=lines)
        self._places = places
        self._writing: list[tuple[Recorded, FrameRow]] = []
        self.station_operator: dict[int, int] = {}

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], frames: Sequence[FrameRow]) -> Sequence[Rows]:
        if self._subscriptions:
            self._writing = list(zip(recorded, frames, strict=True))
        return ()

    def committed(self) -> None:
        writing, self._writing = self._writing, []
        for (record, device, _entry), row in writing:
            subscriptions = [
                subscription for subscription in self._subscriptions if self._concerns(subscription, row)
            ]
            if not subscriptions:
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
            for subscription in subscriptions:
                subscription.put(line)

    def failed(self) -> None:
        self._writing = []

    def _concerns(self, subscription: Subscription[Line], row: FrameRow) -> bool:
        if row.subscriber_ref is not None:
            return self._of_subscriber(subscription, row.subscriber_ref)
        return (
            subscription.subscriber_ref is None
            and row.base_station is not None
            and self.station_operator.get(row.base_station) == subscription.operator_ref
        )
