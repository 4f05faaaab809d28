"""Devices that base stations heard and that are not registered, as all nodes have heard them."""

from __future__ import annotations

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.cluster import Call, NodeCalls
from veldnet.monitoring.unknown_devices import UnknownDevice, UnknownDevices, heard_by, joined

_CALL = "unknown_devices"
# Devices that a node tells of: 1,000 are shown at most, and some of them may have been registered since.
_MOST = 1500


class UnknownEverywhere:
    """`own` are those of this node; `calls` are there where it is one of several."""

    def __init__(self, own: UnknownDevices, directory: BaseStations, calls: NodeCalls | None) -> None:
        self._own = own
        self._directory = directory
        self._calls = calls
        if calls is not None:
            calls.offer(_CALL, Call(tuple[int], list[UnknownDevice], self._answer))

    def _here(self, operator_ref: int) -> list[UnknownDevice]:
        stations = {
            int(identifier)
            for identifier, station in self._directory.all()
            if station.operator_ref == operator_ref
        }
        return heard_by(stations, self._own.listed())

    async def _answer(self, operator_ref: int) -> list[UnknownDevice]:
        return self._here(operator_ref)[:_MOST]

    async def heard_by_operator(self, operator_ref: int) -> list[UnknownDevice]:
        """Those that base stations of an operator have heard, the one heard last first."""
        others = {} if self._calls is None else await self._calls.ask_all(_CALL, operator_ref)
        return joined([self._here(operator_ref), *others.values()])
