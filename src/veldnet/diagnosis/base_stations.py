"""What base stations do wrong, for those who ask why a device is not heard or does not hear."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from veldnet.lorawan import BaseStationId
from veldnet.network.core.records import Copy
from veldnet.store.schema import base_stations

from .findings import Finding, ago

# Refusals older than so many seconds say nothing of now.
_LATELY = 3600.0
_FORWARDER = "correct or replace the packet forwarder of the base station"


def odd_copies(copies: Sequence[Copy]) -> list[Finding]:
    """What was wrong with what base stations said of a frame."""
    findings = [
        Finding(
            "note",
            f"the clock of base station {copy.base_station} is wrong, {_clock(copy.clock_error)}: its time "
            "was not used",
            "correct the time source of the base station (GPS or NTP)",
        )
        for copy in copies
        if copy.clock_error is not None
    ]
    untimed = [str(copy.base_station) for copy in copies if copy.untimed]
    if untimed:
        words = f"base station {', '.join(untimed[:5])} gave no counter (tmst): it cannot answer this frame"
        findings.append(Finding("note", words, _FORWARDER))
    return findings


def conduct(connection: Connection, heard: Collection[BaseStationId], now: float) -> list[Finding]:
    """What is wrong with the base stations that heard a device; with all of them where none has."""
    columns = base_stations.c
    query = select(
        columns.id,
        columns.duplicate_addresses,
        columns.refused_frames,
        columns.last_refusal,
        columns.last_refusal_at,
    )
    if heard:
        query = query.where(columns.id.in_([str(station) for station in heard]))
    else:
        query = query.where(columns.last_refusal_at.is_not(None) | columns.duplicate_addresses.is_not(None))
    findings: list[Finding] = []
    for row in connection.execute(query.order_by(columns.last_refusal_at.desc()).limit(20)):
        findings += _of_station(row, now)
    return findings


def _of_station(row: Any, now: float) -> list[Finding]:
    findings = []
    if row.duplicate_addresses is not None:
        findings.append(
            Finding(
                "problem",
                f"the EUI of base station {row.id} is used from several addresses at once "
                f"({row.duplicate_addresses}): what one hears, the other may have to answer",
                "give each base station an EUI of its own",
            )
        )
    since = None if row.last_refusal_at is None else now - row.last_refusal_at / 1000
    if since is not None and since < _LATELY:
        findings.append(
            Finding(
                "note",
                f"base station {row.id} sends frames that cannot be read, {row.refused_frames} so far; "
                f"the last {ago(since)} ago: {row.last_refusal}",
                _FORWARDER,
            )
        )
    return findings


def _clock(error: float) -> str:
    way = "behind" if error < 0 else "ahead of"
    return f"{ago(abs(error))} {way} ours"
