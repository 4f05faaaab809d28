"""Hourly totals of fleets, connectivity plans and base stations, made of frame rows in the frames'
transaction.

The same function makes them of the rows that are being written and of those that are read again, so that
both agree (I7). Hours are UTC, those in which a frame was heard, not those in which it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import log10
from typing import NamedTuple

from veldnet.network.core import FrameKind
from veldnet.network.shell import LATE, OVER_LIMIT, heard_at, unpack_copies
from veldnet.store import FrameRow, HourlyRow, Rows, Statement

SUBSCRIBER, PLAN, BASE_STATION = 1, 2, 3

HOUR = 3_600_000
# Comparing with a plain number is the cheaper one.
_KIND_UPLINK = int(FrameKind.UPLINK)
# Of a total that is not of a scope yet.
_NO_SCOPE = 0


class Key(NamedTuple):
    """Whose total of which hour since 1970."""

    scope: int
    ref: int
    hour: int


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
        # By customer, plan and hour; by base station and hour.
        self._fleets: dict[tuple[int | None, int | None, int], HourlyRow] = {}
        self._stations: dict[tuple[int, int], HourlyRow] = {}

    @property
    def totals(self) -> dict[Key, HourlyRow]:
        """The totals of each scope."""
        found = {Key(BASE_STATION, station, hour): total for (station, hour), total in self._stations.items()}
        for (subscriber, plan, hour), total in self._fleets.items():
            for scope, ref in ((SUBSCRIBER, subscriber), (PLAN, plan)):
                if ref is None:
                    continue
                key = Key(scope, ref, hour)
                before = found.get(key)
                found[key] = HourlyRow(*key, *total.counters) if before is None else before.plus(total)
        return found

    def _fleet(self, row: FrameRow, hour: int) -> HourlyRow:
        """The total of the device's subscriber and plan."""
        key = (row.subscriber_ref, row.plan_ref, hour)
        total = self._fleets.get(key)
        if total is None:
            total = self._fleets[key] = HourlyRow(_NO_SCOPE, 0, hour)
        return total

    def _station(self, station: int | None, hour: int) -> HourlyRow:
        key = (station or 0, hour)
        total = self._stations.get(key)
        if total is None:
            total = self._stations[key] = HourlyRow(BASE_STATION, *key)
        return total

    def add(self, row: FrameRow) -> None:
        """Count a frame row where it belongs."""
        kind = row.kind
        if kind == _KIND_UPLINK:
            if row.outcome == "accepted":
                self._uplink(row)
        elif kind in (FrameKind.DOWNLINK, FrameKind.MULTICAST):
            # That of a group counts once for its customer, however many base stations have sent it.
            self._downlink(row)
        elif kind == FrameKind.JOIN_REQUEST:
            self._join(row)
        elif kind == FrameKind.REFUSED:
            self._refused(row)
        elif kind == FrameKind.DOWNLINK_REJECTED and row.flags & OVER_LIMIT:
            self._fleet(row, heard_at(row) // HOUR).downlinks_over += 1

    def _uplink(self, row: FrameRow) -> None:
        hour, rssi, snr, gap = heard_at(row) // HOUR, row.rssi, row.snr, row.gap
        fleet = self._fleet(row, hour)
        _count_uplink(fleet, row, rssi, snr)
        if gap is not None and gap > 1:
            fleet.lost += gap - 1
            fleet.per += _per(gap)
        if row.flags & OVER_LIMIT:
            fleet.uplinks_over += 1
        heard = row.heard
        copies = ((row.base_station, rssi, snr),) if heard is None else unpack_copies(heard)
        for station, station_rssi, station_snr in copies:
            total = self._station(station, hour)
            _count_uplink(total, row, station_rssi, station_snr)

    def _downlink(self, row: FrameRow) -> None:
        hour, size = heard_at(row) // HOUR, row.size
        totals = [self._fleet(row, hour)]
        if row.base_station is not None:
            totals.append(self._station(row.base_station, hour))
        for total in totals:
            if row.outcome == "sent":
                total.downlinks_sent += 1
                total.sent_bytes += size
            else:
                total.downlinks_failed += 1
                total.failed_bytes += size
            total.downlink_airtime += row.airtime or 0
            if row.flags & OVER_LIMIT:
                total.downlinks_over += 1

    def _join(self, row: FrameRow) -> None:
        hour = heard_at(row) // HOUR
        for total in (self._fleet(row, hour), self._station(row.base_station, hour)):
            if row.outcome == "accepted":
                total.joins += 1
            else:
                total.joins_refused += 1

    def _refused(self, row: FrameRow) -> None:
        hour = heard_at(row) // HOUR
        self._fleet(row, hour).refused += 1
        self._station(row.base_station, hour).refused += 1

    def rows(self) -> Rows:
        """What is to be added to the store."""
        return Statement.ADD_HOURLY, list(self.totals.values())


def _count_uplink(total: HourlyRow, row: FrameRow, rssi: int | None, snr: int | None) -> None:
    """Count an uplink with the levels at which it was heard."""
    size = row.size
    total.uplinks += 1
    total.uplink_bytes += size
    total.uplink_airtime += row.airtime or 0
    total.count_sf(row.sf)
    if row.flags & LATE:
        total.uplinks_late += 1
        total.late_bytes += size
    if rssi is None or snr is None:
        total.unmeasured += 1
        return
    total.rssi += rssi
    total.snr += snr
    total.esp += rssi - _noise_share(snr)


def totals_of(rows: Iterable[FrameRow]) -> HourlyTotals:
    """The totals of frame rows."""
    totals = HourlyTotals()
    for row in rows:
        totals.add(row)
    return totals
