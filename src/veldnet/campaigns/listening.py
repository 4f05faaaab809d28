"""Writes down, with the frames themselves, what devices of campaigns have answered and been sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from veldnet.domain.documents import ProfileSettings
from veldnet.network.core import DownlinkRecord, UplinkRecord
from veldnet.network.shell import Recorded
from veldnet.store import CampaignEventRow, FrameRow, Rows, Statement


def ports_of(profile: ProfileSettings) -> frozenset[int]:
    """The ports of the packages that campaigns use."""
    ports = (profile.multicastSetupPort, profile.fragmentationPort, profile.firmwarePort)
    return frozenset(port for port in ports if port is not None)


class Listener:
    """Takes part in the commits. `devices` are those of campaigns that have not come to an end; `noted`
    counts the commits that something of theirs was written down with."""

    def __init__(self) -> None:
        self.devices: Collection[int] = frozenset()
        self.noted = 0
        self._waiting = 0

    def rows(self, recorded: Sequence[Recorded], frames: Sequence[FrameRow]) -> Sequence[Rows]:
        devices = self.devices
        if not devices:
            return ()
        rows = [
            row
            for item, frame in zip(recorded, frames, strict=True)
            if frame.device_ref in devices and (row := _event(item, frame))
        ]
        self._waiting += bool(rows)
        return [(Statement.INSERT_CAMPAIGN_EVENT, rows)] if rows else ()

    def committed(self) -> None:
        """Nobody waits for it: the runner comes round, and sees that there is something."""
        self.noted = self._waiting

    def failed(self) -> None:
        """Nothing is kept here."""


def _event(item: Recorded, frame: FrameRow) -> CampaignEventRow | None:
    record, device, entry = item
    if device is None or entry is None or frame.fport not in (ports := ports_of(device.profile)):
        return None
    if isinstance(record, UplinkRecord):
        if record.outcome != "accepted" or record.encrypted:
            return None
        return CampaignEventRow(frame.id, frame.device_ref, frame.fport, record.payload, None, None, None)
    if isinstance(record, DownlinkRecord):
        waiting = sum(queued.fport in ports for queued in entry.state.queue)
        airtime = frame.airtime if record.delivered else None
        return CampaignEventRow(frame.id, frame.device_ref, None, None, waiting, frame.base_station, airtime)
    return None
