"""Hourly totals of fleets, connectivity plans and base stations, made of frame rows in the frames'
transaction.

The same function makes them of the rows that are being written and of those that are read again, so that
both agree (I7). Hours are UTC, those in which a frame was heard, not those in which it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import log10

from veldnet.network import LATE, OVER_LIMIT, FrameKind, FrameRow, heard_at, unpack_copies
from veldnet.store import Rows, Statement
from veldnet.store.schema import HOURLY_COUNTERS

SUBSCRIBER, PLAN, BASE_STATION = 1, 2, 3

HOUR = 3_600_000
_AT = {name: position for position, name in enumerate(HOURLY_COUNTERS)}
_WIDTH = len(HOURLY_COUNTERS)
_SF = [_AT["sf_other"]] * 13
for _sf in range(7, 13):
    _SF[_sf] = _AT[f"sf{_sf}"]

(
    _UPLINKS, _UPLINKS_LATE, _UPLINK_BYTES, _LATE_BYTES, _LOST, _RSSI, _SNR, _ESP, _PER, _UPLINK_AIRTIME
) = (_AT[name] for name in HOURLY_COUNTERS[:10])  # fmt: skip
_UPLINKS_OVER = _AT["uplinks_over"]
(
    _DOWNLINKS_SENT, _DOWNLINKS_FAILED, _SENT_BYTES, _FAILED_BYTES, _DOWNLINK_AIRTIME, _DOWNLINKS_OVER,
    _JOINS, _JOINS_REFUSED, _REFUSED, _UNMEASURED,
) = (_AT[name] for name in HOURLY_COUNTERS[18:])  # fmt: skip

Key = tuple[int, int, int]
# Comparing with a plain number is the cheaper one.
_KIND_UPLINK = int(FrameKind.UPLINK)


@lru_cache(maxsize=4096)
def _noise_share(snr: int) -> int:
    """Tenths of a dB between RSSI and ESP at an SNR in tenths of a dB."""
    return round(100 * log10(1 + 10 ** (-snr / 100)))


def esp_of(rssi: int, snr: int) -> int:
    """Estimated signal power; all in tenths of a dB(m)."""
    return rssi - _noise_share(snr)


@lru_cache(maxsize=1024)
def _per(gap: int) -> int:
    return round(10_000 * (1 - 2 / (gap + 1)))


class HourlyTotals:
    """Adds frame rows up. Devices of the same customer and plan are added up together first."""

    def __init__(self) -> None:
        self._fleets: dict[tuple[int | None, int | None, int], list[int]] = {}
        self._stations: dict[tuple[int, int], list[int]] = {}

    @property
    def totals(self) -> dict[Key, list[int]]:
        """The totals of each scope."""
        found: dict[Key, list[int]] = {}
        for (station, hour), total in self._stations.items():
            found[BASE_STATION, station, hour] = total
        for (subscriber, plan, hour), total in self._fleets.items():
            for scope, ref in ((SUBSCRIBER, subscriber), (PLAN, plan)):
                if ref is None:
                    continue
                before = found.get((scope, ref, hour))
                found[scope, ref, hour] = (
                    total
                    if before is None
                    else [have + more for have, more in zip(before, total, strict=True)]
                )
        return found

    def _fleet(self, row: FrameRow, hour: int) -> list[int]:
        """The total of the device's subscriber and plan."""
        key = (row[18], row[19], hour)
        total = self._fleets.get(key)
        if total is None:
            total = self._fleets[key] = [0] * _WIDTH
        return total

    def _station(self, station: int, hour: int) -> list[int]:
        key = (station, hour)
        total = self._stations.get(key)
        if total is None:
            total = self._stations[key] = [0] * _WIDTH
        return total

    def add(self, row: FrameRow) -> None:
        """Count a frame row where it belongs."""
        kind = row[2]
        if kind == _KIND_UPLINK:
            if row[3] == "accepted":
                self._uplink(row)
        elif kind == FrameKind.DOWNLINK:
            self._downlink(row)
        elif kind == FrameKind.JOIN_REQUEST:
            self._join(row)
        elif kind == FrameKind.REFUSED:
            self._refused(row)
        elif kind == FrameKind.DOWNLINK_REJECTED and row[13] & OVER_LIMIT:
            self._fleet(row, heard_at(row) // HOUR)[_DOWNLINKS_OVER] += 1

    def _uplink(self, row: FrameRow) -> None:
        hour, rssi, snr = heard_at(row) // HOUR, row[7], row[8]
        flags, gap, heard = row[13], row[14], row[17]
        fleet = self._fleet(row, hour)
        _add_levels(fleet, rssi, snr)
        if gap is not None and gap > 1:
            fleet[_LOST] += gap - 1
            fleet[_PER] += _per(gap)
        if flags & OVER_LIMIT:
            fleet[_UPLINKS_OVER] += 1
        _count_uplink(fleet, row)
        copies = ((row[10], rssi, snr),) if heard is None else unpack_copies(heard)
        for station, station_rssi, station_snr in copies:
            total = self._station(station, hour)
            _add_levels(total, station_rssi, station_snr)
            _count_uplink(total, row)

    def _downlink(self, row: FrameRow) -> None:
        hour, size = heard_at(row) // HOUR, row[6]
        sent = row[3] == "sent"
        totals = [self._fleet(row, hour)]
        if row[10] is not None:
            totals.append(self._station(row[10], hour))
        for total in totals:
            total[_DOWNLINKS_SENT if sent else _DOWNLINKS_FAILED] += 1
            total[_SENT_BYTES if sent else _FAILED_BYTES] += size
            total[_DOWNLINK_AIRTIME] += row[15] or 0
            if row[13] & OVER_LIMIT:
                total[_DOWNLINKS_OVER] += 1

    def _join(self, row: FrameRow) -> None:
        hour = heard_at(row) // HOUR
        counter = _JOINS if row[3] == "accepted" else _JOINS_REFUSED
        self._fleet(row, hour)[counter] += 1
        self._station(row[10], hour)[counter] += 1

    def _refused(self, row: FrameRow) -> None:
        hour = heard_at(row) // HOUR
        self._fleet(row, hour)[_REFUSED] += 1
        self._station(row[10], hour)[_REFUSED] += 1

    def rows(self) -> Rows:
        """What is to be added to the store."""
        return Statement.ADD_HOURLY, [(*key, *total) for key, total in self.totals.items()]


def _add_levels(total: list[int], rssi: int | None, snr: int | None) -> None:
    if rssi is None or snr is None:
        total[_UNMEASURED] += 1
        return
    total[_RSSI] += rssi
    total[_SNR] += snr
    total[_ESP] += rssi - _noise_share(snr)


def _count_uplink(total: list[int], row: FrameRow) -> None:
    size = row[6]
    total[_UPLINKS] += 1
    total[_UPLINK_BYTES] += size
    total[_UPLINK_AIRTIME] += row[15] or 0
    total[_SF[row[16] or 0]] += 1
    if row[13] & LATE:
        total[_UPLINKS_LATE] += 1
        total[_LATE_BYTES] += size


def totals_of(rows: Iterable[FrameRow]) -> HourlyTotals:
    """The totals of frame rows."""
    totals = HourlyTotals()
    for row in rows:
        totals.add(row)
    return totals
