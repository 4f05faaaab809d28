"""What becomes durable, passed on to those who watch it: frames, downlinks and unknown devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.shared_feeds import Kind, SharedFeeds
from veldnet.assembly.unknown_devices import UnknownEverywhere
from veldnet.cluster import NodeCalls
from veldnet.monitoring.downlinks import Changed, DownlinkLedger
from veldnet.monitoring.logger import Line, LiveFeed
from veldnet.monitoring.unknown_devices import UnknownDevices
from veldnet.network.shell import CommitLoop


class LiveFeeds:
    """They take part in commits after whoever joined earlier. With `calls`, readers here are also sent what
    becomes durable at other nodes."""

    def __init__(
        self,
        commits: CommitLoop,
        base_stations: BaseStations,
        clock: Callable[[], float],
        *,
        streams: int,
        calls: NodeCalls | None,
    ) -> None:
        self._base_stations = base_stations
        self.frames = LiveFeed(base_stations.place_of, streams=streams)
        self.unknown_devices = UnknownDevices()
        self.downlinks = DownlinkLedger(clock, streams=streams)
        for participant in (self.frames, self.unknown_devices, self.downlinks):
            commits.join(participant)
        commits.watch_queues(self.downlinks)
        self.shared: SharedFeeds | None = None
        self.unknown_everywhere = UnknownEverywhere(self.unknown_devices, base_stations, calls)
        if calls is not None:
            kinds = {"frames": Kind(self.frames, Line), "downlinks": Kind(self.downlinks, Changed)}
            self.shared = SharedFeeds(calls.bus, kinds)

    @property
    def readers(self) -> int:
        """Streams that are open at this node."""
        return self.frames.streams + self.downlinks.streams

    def set_operators(self, of_subscribers: Mapping[int, int]) -> None:
        """Whose subscribers and base stations are, for subscriptions to a whole network."""
        self.frames.operator_of = self.downlinks.operator_of = dict(of_subscribers)
        self.frames.station_operator = {
            int(identifier): station.operator_ref for identifier, station in self._base_stations.all()
        }

    def close(self) -> None:
        """End the streams, on which a server that stops would wait."""
        self.frames.close()
        self.downlinks.close()
