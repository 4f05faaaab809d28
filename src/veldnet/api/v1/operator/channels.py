"""The channels of base stations: their names, and what was heard and sent on each."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.api.v1.monitoring import Days
from veldnet.domain.errors import NotFound
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.lorawan import BaseStationId
from veldnet.monitoring import base_station_history as history
from veldnet.monitoring.base_station_history import ChannelTotals

_LOGICAL = re.compile(r"LC[1-9][0-9]{0,2}")
_MEGAHERTZ = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")

Named = Callable[[int], str]


def names_of(services: Services, station_id: str) -> Named:
    """The names of a base station's channels by frequency in Hz: LC1 and so on in the plan of its profile,
    LC253 for that of RX2, as messages to application servers have them; megahertz for any other."""
    profile = services.platform.base_stations.profile(BaseStationId.parse(station_id))
    plan = None if profile is None else profile.plan

    def named(frequency: int) -> str:
        index = None if plan is None else plan.index_of(frequency)
        if index is not None:
            return f"LC{index + 1}"
        if plan is not None and frequency == plan.region.rx2_frequency:
            return "LC253"
        return f"{frequency / 1_000_000:g}" if frequency else "other"

    return named


def channel_name(given: str, named: Named) -> str:
    """The name of a channel that is given by its name or its frequency in MHz. Raises `NotFound`."""
    name = given.upper()
    if _LOGICAL.fullmatch(name):
        return name
    if given == "other":
        return given
    if _MEGAHERTZ.fullmatch(given):
        return named(round(float(given) * 1_000_000))
    raise NotFound("Channel", given[:20])


@OPERATOR.get(
    "/baseStations/{stationId}/channels",
    "stationChannels",
    "Operator",
    "Signal and duty cycle of a base station by channel.",
)
async def station_channels(
    station_id: str, services: Services, operator: OperatorScope, query: Days
) -> list[ChannelTotals]:
    """What a base station heard and sent on each channel in a time range, by whole hours; this is kept for 35
    days."""
    span = query.span(services)

    def read(connection: Connection) -> list[ChannelTotals]:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return history.channel_totals(connection, int(station_id, 16), span, names_of(services, station_id))

    return await services.read(read)
