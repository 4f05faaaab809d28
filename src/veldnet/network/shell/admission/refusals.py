"""Counts and records refused frames, and detects base stations that flood.

Anybody can send such frames, so the journal must not grow without bound for them.
"""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.events import ReceivedFrame
from veldnet.network.core.records import FLOOD, JoinRecord, RefusedRecord
from veldnet.network.core.uplink_record import copies_of
from veldnet.network.shell.commit_loop import CommitLoop
from veldnet.network.shell.runtime import Runtime

from .flood_guard import VAULT_WEIGHT, FloodGuard

# Outcomes of joins for which the vault was not asked, by their contents.
_OF_THE_DEVICE = frozenset(("wrong_join_eui", "dev_nonce_not_rising", "dev_nonce_replayed", "wrong_region"))

log = structlog.get_logger(__name__)

# Windows' worth of frames of unknown devices that a base station may bring before it is throttled.
LIMIT_IN_WINDOWS = 8
# Refused frames that are recorded at most, each second: of no device, and of known ones.
UNATTRIBUTED_PER_SECOND = 50
REFUSED_PER_SECOND = 500


class _PerSecond:
    """Says yes so many times a second."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._second = 0
        self._count = 0

    def take(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        return self._count <= self._limit


class Refusals:
    """Counts and records what was refused."""

    def __init__(self, runtime: Runtime, commits: CommitLoop, most_unknown: int) -> None:
        self.guard = FloodGuard(limit=LIMIT_IN_WINDOWS * most_unknown)
        self._counters = runtime.counters
        self._commits = commits
        self._ids = runtime.ids
        self._clock = runtime.clock
        self._unattributed = _PerSecond(UNATTRIBUTED_PER_SECOND)
        self._attributed = _PerSecond(REFUSED_PER_SECOND)

    def copy(self, uplink: GatewayUplink, code: str, words: str) -> None:
        """A copy that is no frame of ours; nothing was done for it yet."""
        self._counters.refused[code] += 1
        now = self._clock()
        if self._unattributed.take(now):
            self._commits.add_record(_record(self._ids.next(now), (uplink,), code, words))

    def frame(self, received: ReceivedFrame, code: str, words: str) -> None:
        """A frame that belongs to no device."""
        self._counters.refused[code] += 1
        now = self._clock()
        if self._blame(received.best.base_station, received.brought_by, now, 1.0):
            self._report_throttled(_record(self._ids.next(now), received.copies, FLOOD, ""))
        if self._unattributed.take(now):
            self._commits.add_record(_record(received.id, received.copies, code, words))

    def genuine(self, received: ReceivedFrame) -> None:
        """A frame was accepted."""
        if received.brought_by is not None:
            self.guard.genuine(received.brought_by, self._clock())

    def _blame(
        self, best: BaseStationId, brought_by: BaseStationId | None, now: float, weight: float
    ) -> bool:
        """Add to the score of who brought a frame of an unknown device, which has counted once, or else of
        who heard it best; returns whether to report that it is throttled now."""
        if brought_by is None:
            return self.guard.refused(best, now, weight)
        return self.guard.refused(brought_by, now, weight, admitted=True)

    def admitted(self, uplink: GatewayUplink) -> None:
        """Called when a frame without a known session is admitted."""
        now = self._clock()
        if self.guard.admitted(uplink.base_station, now):
            self._report_throttled(_record(self._ids.next(now), (uplink,), FLOOD, ""))

    def dropped(self, uplink: GatewayUplink) -> None:
        """A frame of an unknown device is dropped, since its base station has brought so many."""
        self.count_dropped()
        now = self._clock()
        if self.guard.warning_due(uplink.base_station, now):
            self._report_throttled(_record(self._ids.next(now), (uplink,), FLOOD, ""))

    def forged(self, uplink: GatewayUplink, code: str) -> None:
        """A frame on the address of a session, forged or sent again, through a base station that floods."""
        self._counters.refused[code] += 1
        now = self._clock()
        if self.guard.refused(uplink.base_station, now):
            self._report_throttled(_record(self._ids.next(now), (uplink,), FLOOD, ""))

    def count_dropped(self) -> None:
        """The same, where not even the frame was read."""
        self._counters.refused[FLOOD] += 1

    def _report_throttled(self, record: RefusedRecord) -> None:
        """Report a throttled base station in the log and the journal, which device explanations read."""
        station = record.best.base_station
        log.warning("base_station_floods", base_station=str(station))
        words = f"base station {station} is throttled: it brings too many frames of unknown devices"
        self._commits.add_record(replace(record, decisions=(words,)))

    def of_device(self, records: list[JoinRecord | RefusedRecord], brought_by: BaseStationId | None) -> bool:
        """Frames of a known device; whether they are to be recorded."""
        now = self._clock()
        self._counters.refused.update(record.outcome for record in records)
        first = records[0]
        weight = weight_of(first)
        if weight and self._blame(first.best.base_station, brought_by, now, weight):
            self._report_throttled(
                RefusedRecord(
                    id=self._ids.next(now),
                    device_ref=0,
                    time=first.time,
                    outcome=FLOOD,
                    phy_payload=first.phy_payload,
                    copies=first.copies,
                    frequency=first.frequency,
                    modulation=first.modulation,
                )
            )
        return self._attributed.take(now)


def weight_of(record: JoinRecord | RefusedRecord) -> float:
    """What a refused frame of a known device says against its base station. A join that the vault could not
    serve says nothing: after a power cut there are thousands of these, and all are genuine."""
    if not isinstance(record, JoinRecord) or record.outcome in _OF_THE_DEVICE:
        return 1.0
    return VAULT_WEIGHT if record.outcome == "wrong_mic" else 0.0


def _record(frame_id: int, copies: tuple[GatewayUplink, ...], code: str, words: str) -> RefusedRecord:
    best = copies[0]
    return RefusedRecord(
        id=frame_id,
        device_ref=0,
        time=best.received_at,
        outcome=code,
        phy_payload=best.phy_payload,
        copies=copies_of(copies),
        frequency=best.frequency,
        modulation=best.modulation,
        decisions=(words,),
    )
