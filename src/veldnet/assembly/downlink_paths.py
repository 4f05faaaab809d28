"""Keeps where the downlinks of UDP packet forwarders go, for the process after this one."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, bindparam, select, update

from veldnet.gateways import DownlinkPath, SemtechUdpServer
from veldnet.lorawan import BaseStationId
from veldnet.store import Store
from veldnet.store.schema import base_stations

# Seconds by which what is stored may lag behind when a path was last heard.
_REFRESH = 10.0


class DownlinkPathKeeper:
    """A path that has moved is written at once, when it was last heard every few seconds."""

    def __init__(self, store: Store, udp: SemtechUdpServer) -> None:
        self._store = store
        self._udp = udp
        # When each path had been heard, as far as the store knows.
        self._written: dict[BaseStationId, float] = {}

    async def restore(self) -> None:
        """Let downlinks go where they went before the start, until keep-alives confirm or move that."""
        self._udp.restore(await self._store.read(_paths))

    async def write(self) -> None:
        """Write what has changed."""
        moved = set(self._udp.moved)
        paths = {
            station: path
            for station, path in self._udp.paths.items()
            if station in moved or abs(path.heard_at - self._written.get(station, 0.0)) >= _REFRESH
        }
        if not paths:
            return
        await self._store.write(partial(_write_paths, paths))
        self._written |= {station: path.heard_at for station, path in paths.items()}
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
