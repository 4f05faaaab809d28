"""Writes down what base stations have shown of themselves, for lists and for the process after this one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from veldnet.gateways import DownlinkPath, Presence, Seen, SemtechUdpServer, UnknownBaseStation
from veldnet.lorawan import BaseStationId
from veldnet.store import Store, StoreError
from veldnet.store.schema import base_stations, unknown_base_stations

_MAX_KNOCKS = 1000


class PresenceKeeper:
    """Who was seen, what could not be read of them, and where their downlinks go. Nothing is written for each
    datagram."""

    def __init__(
        self, store: Store, presence: Presence, udp: SemtechUdpServer, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._presence = presence
        self._udp = udp
        self._clock = clock
        self._written_at = 0.0

    async def restore(self) -> None:
        """Let downlinks go where they went before the start, until keep-alives confirm or move that."""
        self._udp.restore(await self._store.read(_paths))

    async def write(self) -> None:
        """Write down who was seen since the last time."""
        now = self._clock()
        seen, self._presence.last_seen = self._presence.last_seen, {}
        since, self._written_at = self._written_at, now
        knocks = {
            str(gateway): knock
            for gateway, knock in self._presence.unknown.items()
            if knock.last_seen_at >= since
        }
        if not (seen or knocks):
            return
        conduct = {station: self._presence.stations[station] for station in seen}
        counted = {station: (each.refused.count, each.irregular.count) for station, each in conduct.items()}
        rows = [_row(station, each, now) for station, each in conduct.items()]
        try:
            await self._store.write(partial(_write_presence, rows, knocks))
        except StoreError:
            self._presence.last_seen = seen | self._presence.last_seen
            self._written_at = since
            raise
        for station, (refused, irregular) in counted.items():
            conduct[station].refused.count -= refused
            conduct[station].irregular.count -= irregular
        await self._write_paths({station for station in seen if self._udp.path(station) is not None})

    async def write_paths(self) -> None:
        """Write down at once where downlinks go that have found another way."""
        if self._udp.moved:
            await self._write_paths(set(self._udp.moved))

    async def _write_paths(self, stations: set[BaseStationId]) -> None:
        paths = {station: path for station in stations if (path := self._udp.path(station)) is not None}
        if paths:
            await self._store.write(partial(_write_paths, paths))
        self._udp.moved -= {
            station for station, path in paths.items() if _same_way(path, self._udp.path(station))
        }


def _same_way(one: DownlinkPath, other: DownlinkPath | None) -> bool:
    return other is not None and (one.address, one.version) == (other.address, other.version)


def _paths(connection: Connection) -> dict[BaseStationId, DownlinkPath]:
    columns = base_stations.c
    rows = connection.execute(
        select(
            columns.id,
            columns.downlink_host,
            columns.downlink_port,
            columns.downlink_version,
            columns.downlink_heard_at,
        ).where(columns.downlink_host.is_not(None))
    )
    return {
        BaseStationId.parse(row.id): DownlinkPath(
            (row.downlink_host, row.downlink_port), row.downlink_version, row.downlink_heard_at / 1000
        )
        for row in rows
    }


def _write_paths(paths: dict[BaseStationId, DownlinkPath], connection: Connection) -> None:
    names = ("downlink_host", "downlink_port", "downlink_version", "downlink_heard_at")
    connection.execute(
        update(base_stations)
        .where(base_stations.c.id == bindparam("station"))
        .values({name: bindparam(f"new_{name}") for name in names}),
        [
            {
                "station": str(station),
                "new_downlink_host": path.address[0],
                "new_downlink_port": path.address[1],
                "new_downlink_version": path.version,
                "new_downlink_heard_at": int(path.heard_at * 1000),
            }
            for station, path in paths.items()
        ],
    )


def _row(station: BaseStationId, seen: Seen, now: float) -> dict[str, Any]:
    addresses = ", ".join(f"{host}:{port}" for host, port in seen.addresses.in_turn(now))
    return {
        "station": str(station),
        "seen": int(seen.seen_at * 1000),
        "refused": seen.refused.count,
        "refusal": seen.refused.last,
        "refusal_at": _millis(seen.refused.at),
        "irregular": seen.irregular.count,
        "irregularity": seen.irregular.last,
        "irregularity_at": _millis(seen.irregular.at),
        "addresses": addresses or None,
        "error": seen.clock_error,
    }


def _millis(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _write_presence(
    rows: list[dict[str, Any]], knocks: dict[str, UnknownBaseStation], connection: Connection
) -> None:
    columns = base_stations.c
    if rows:
        # One statement for all: frames wait for the writer.
        connection.execute(
            update(base_stations)
            .where(columns.id == bindparam("station"))
            .values(
                last_seen_at=bindparam("seen"),
                refused_frames=columns.refused_frames + bindparam("refused"),
                last_refusal=func.coalesce(bindparam("refusal"), columns.last_refusal),
                last_refusal_at=func.coalesce(bindparam("refusal_at"), columns.last_refusal_at),
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
    knocked = unknown_base_stations.c
    for gateway, knock in knocks.items():
        connection.execute(delete(unknown_base_stations).where(knocked.gateway_eui == gateway))
        connection.execute(
            insert(unknown_base_stations).values(
                gateway_eui=gateway,
                address=knock.address,
                datagrams=knock.datagrams,
                last_seen_at=int(knock.last_seen_at * 1000),
            )
        )
    # Anybody can knock under any number of EUIs; the newest are of interest.
    oldest = connection.execute(
        select(knocked.last_seen_at).order_by(knocked.last_seen_at.desc()).offset(_MAX_KNOCKS).limit(1)
    ).scalar()
    if oldest is not None:
        connection.execute(delete(unknown_base_stations).where(knocked.last_seen_at <= oldest))
