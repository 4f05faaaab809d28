"""Writes down what base stations have shown of themselves, for lists."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from veldnet.gateways import Presence, Seen, UnknownBaseStation
from veldnet.lorawan import BaseStationId
from veldnet.store import Store, StoreError, put
from veldnet.store.schema import base_stations, unknown_base_stations

_MAX_UNKNOWN = 1000


class PresenceKeeper:
    """Who was seen, and what could not be read of them. Nothing is written for each message."""

    def __init__(self, store: Store, presence: Presence, clock: Callable[[], float]) -> None:
        self._store = store
        self._presence = presence
        self._clock = clock
        self._written_at = 0.0

    async def write(self) -> None:
        """Write down who was seen since the last time."""
        now = self._clock()
        seen, self._presence.last_seen = self._presence.last_seen, {}
        since, self._written_at = self._written_at, now
        unknown = {
            str(gateway): station
            for gateway, station in self._presence.unknown.items()
            if station.last_seen_at >= since
        }
        unheard = {station: tally.count for station, tally in self._presence.unheard.items() if tally.count}
        if not (seen or unknown or unheard):
            return
        conduct = {station: self._presence.stations[station] for station in seen}
        counted = {station: (each.refused.count, each.irregular.count) for station, each in conduct.items()}
        # In an order that all writers have, so that none waits for one that waits for it.
        rows = [_row(station, each, now) for station, each in sorted(conduct.items())]
        try:
            await self._store.write(partial(_write_presence, rows, self._refusals(unheard), unknown))
        except StoreError:
            self._presence.last_seen = seen | self._presence.last_seen
            self._written_at = since
            raise
        for station, (refused, irregular) in counted.items():
            conduct[station].refused.count -= refused
            conduct[station].irregular.count -= irregular
        for station, count in unheard.items():
            self._presence.unheard[station].count -= count

    def _refusals(self, unheard: dict[BaseStationId, int]) -> list[dict[str, Any]]:
        """Of base stations that were not heard."""
        tallies = self._presence.unheard
        return [
            {
                "station": str(station),
                "refused": count,
                "refusal": tallies[station].packed,
                "refusal_at": _millis(tallies[station].at),
            }
            for station, count in sorted(unheard.items())
        ]


def _row(station: BaseStationId, seen: Seen, now: float) -> dict[str, Any]:
    addresses = ", ".join(seen.duplicates(now))
    return {
        "station": str(station),
        "seen": int(seen.seen_at * 1000),
        "refused": seen.refused.count,
        "refusal": seen.refused.packed,
        "refusal_at": _millis(seen.refused.at),
        "irregular": seen.irregular.count,
        "irregularity": seen.irregular.packed,
        "irregularity_at": _millis(seen.irregular.at),
        "addresses": addresses or None,
        "error": seen.clock_error,
    }


def _millis(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _write_presence(
    rows: list[dict[str, Any]],
    refusals: list[dict[str, Any]],
    unknown: dict[str, UnknownBaseStation],
    connection: Connection,
) -> None:
    columns = base_stations.c
    refused = {
        "refused_frames": columns.refused_frames + bindparam("refused"),
        "last_refusal": func.coalesce(bindparam("refusal"), columns.last_refusal),
        "last_refusal_at": func.coalesce(bindparam("refusal_at"), columns.last_refusal_at),
    }
    if refusals:
        of_one = update(base_stations).where(columns.id == bindparam("station"))
        connection.execute(of_one.values(refused), refusals)
    if rows:
        # One statement for all: frames wait for the writer.
        connection.execute(
            update(base_stations)
            .where(columns.id == bindparam("station"))
            .values(
                **refused,
                last_seen_at=bindparam("seen"),
                irregular_frames=columns.irregular_frames + bindparam("irregular"),
                last_irregularity=func.coalesce(bindparam("irregularity"), columns.last_irregularity),
                last_irregularity_at=func.coalesce(
                    bindparam("irregularity_at"), columns.last_irregularity_at
                ),
                duplicate_addresses=bindparam("addresses"),
                clock_error=bindparam("error"),
            ),
            rows,
        )
    columns = unknown_base_stations.c
    put(
        connection,
        unknown_base_stations,
        [
            {
                "gateway_eui": gateway,
                "address": station.address,
                "datagrams": station.datagrams,
                "last_seen_at": int(station.last_seen_at * 1000),
            }
            for gateway, station in sorted(unknown.items())
        ],
    )
    # Anybody can send with any number of EUIs; only the newest are kept.
    oldest = connection.execute(
        select(columns.last_seen_at).order_by(columns.last_seen_at.desc()).offset(_MAX_UNKNOWN).limit(1)
    ).scalar()
    if oldest is not None:
        connection.execute(delete(unknown_base_stations).where(columns.last_seen_at <= oldest))
