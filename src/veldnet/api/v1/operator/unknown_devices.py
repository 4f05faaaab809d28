"""Devices that base stations heard and that are not registered.

They belong to nobody yet. A subscriber who saw them would see what others are about to install, so they are
the operator's alone, each the ones that its own base stations heard."""

from __future__ import annotations

from typing import Annotated

import msgspec

from veldnet.api.query import Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import devices
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.unknown_devices import UnknownDevice


class UnknownDeviceFilter(msgspec.Struct, frozen=True):
    limit: Annotated[int, Parameter("Entries at most.", least=1, most=1000)] = 200


class Reception(msgspec.Struct):
    """How a base station heard the device last."""

    baseStationId: str
    baseStationName: str
    time: str
    rssi: float | None
    snr: float | None


class UnknownDeviceView(msgspec.Struct):
    """A device that asks to join, with its EUIs, or one that sends from a DevAddr that no session has. Base
    stations with the best signal first."""

    deviceEUI: str | None
    joinEUI: str | None
    devAddr: str | None
    frames: int
    firstTime: str
    lastTime: str
    modulation: str
    baseStations: list[Reception]


@OPERATOR.get(
    "/unknownDevices",
    "listUnknownDevices",
    "Operator",
    "Devices that were heard and are not registered.",
)
async def list_unknown(
    services: Services, operator: OperatorScope, query: UnknownDeviceFilter
) -> list[UnknownDeviceView]:
    """Devices that are not registered, the one heard last first: join-requests by DevEUI, uplinks by
    DevAddr."""
    platform = services.platform
    names = {
        int(identifier): station.name
        for identifier, station in platform.base_stations.all()
        if station.operator_ref == operator.operator_ref
    }
    found = await platform.feeds.unknown_everywhere.heard_by_operator(operator.operator_ref)
    heard = [view for device in found if (view := _view(device, names)).baseStations]
    known = await services.read(
        lambda c: devices.registered(c, [view.deviceEUI for view in heard if view.deviceEUI])
    )
    return [view for view in heard if view.deviceEUI not in known][: query.limit]


def _view(device: UnknownDevice, names: dict[int, str]) -> UnknownDeviceView:
    stations = sorted(
        ((station, heard) for station, heard in device.heard.items() if station in names),
        key=lambda found: (found[1].snr if found[1].snr is not None else -99.0, found[1].rssi or -999.0),
        reverse=True,
    )
    return UnknownDeviceView(
        device.dev_eui,
        device.join_eui,
        device.dev_addr,
        device.frames,
        timestamp(int(device.first_at * 1000)),
        timestamp(int(device.last_at * 1000)),
        device.modulation,
        [
            Reception(
                str(BaseStationId(station)),
                names[station],
                timestamp(int(heard.at * 1000)),
                heard.rssi,
                heard.snr,
            )
            for station, heard in stations
        ],
    )
