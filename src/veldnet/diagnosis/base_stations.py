"""Findings about base stations, for explanations of devices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from veldnet.lorawan import BaseStationId
from veldnet.network.core.records import Copy
from veldnet.store.schema import base_stations

from .findings import Found, ago, found


class _Conduct(NamedTuple):
    """What is known of how a base station behaves. Times in Unix milliseconds."""

    id: str
    duplicate_addresses: str | None
    refused_frames: int
    last_refusal: str | None
    last_refusal_at: int | None


# Refusals older than so many seconds say nothing of now.
_LATELY = 3600.0


def odd_copies(copies: Sequence[Copy]) -> list[Found]:
    """What was wrong with what base stations said of a frame."""
    findings = [
        found(
            "note",
            "station.clock.behind" if copy.clock_error < 0 else "station.clock.ahead",
            station=str(copy.base_station),
            ago=ago(abs(copy.clock_error)),
        )
        for copy in copies
        if copy.clock_error is not None
    ]
    untimed = [str(copy.base_station) for copy in copies if copy.untimed]
    if untimed:
        findings.append(found("note", "station.untimed", stations=", ".join(untimed[:5])))
    fine = [str(copy.base_station) for copy in copies if copy.fine_time is not None]
    if fine:
        findings.append(
            found("note", "station.fine", number=len(fine), total=len(copies), stations=", ".join(fine[:5]))
        )
    return findings


def conduct(connection: Connection, heard: Collection[BaseStationId], now: float) -> list[Found]:
    """What is wrong with the base stations that heard a device; with all of them where none has."""
    columns = base_stations.c
    query = select(*(columns[name] for name in _Conduct._fields))
    if heard:
        query = query.where(columns.id.in_([str(station) for station in heard]))
    else:
        query = query.where(columns.last_refusal_at.is_not(None) | columns.duplicate_addresses.is_not(None))
    findings: list[Found] = []
    for row in connection.execute(query.order_by(columns.last_refusal_at.desc().nulls_last()).limit(20)):
        findings += _of_station(_Conduct(*row), now)
    return findings


def _of_station(row: _Conduct, now: float) -> list[Found]:
    findings = []
    if row.duplicate_addresses is not None:
        findings.append(
            found("problem", "station.duplicate", station=row.id, addresses=row.duplicate_addresses)
        )
    since = None if row.last_refusal_at is None else now - row.last_refusal_at / 1000
    if since is not None and since < _LATELY:
        findings.append(
            found(
                "note",
                "station.unreadable",
                station=row.id,
                number=row.refused_frames,
                ago=ago(since),
                reason=row.last_refusal or "",
            )
        )
    return findings
