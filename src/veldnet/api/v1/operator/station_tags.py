"""Tags of base stations, by which multicast groups choose those that send to them."""

from __future__ import annotations

import msgspec

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations


class StationTags(msgspec.Struct):
    """All tags of a base station."""

    tags: list[str]


@OPERATOR.get("/baseStations/{stationId}/tags", "getStationTags", "Operator", "Tags of a base station.")
async def get_tags(station_id: str, services: Services, operator: OperatorScope) -> StationTags:
    return StationTags(
        await services.read(lambda c: base_stations.station_tags(c, operator.operator_ref, station_id))
    )


@OPERATOR.put(
    "/baseStations/{stationId}/tags",
    "setStationTags",
    "Operator",
    "Give a base station other tags.",
    status=204,
)
async def set_tags(station_id: str, services: Services, operator: OperatorScope, body: StationTags) -> None:
    """Give a base station these tags and no others; multicast groups that choose by tag follow at once."""
    await services.change(
        lambda c: base_stations.set_station_tags(c, operator.operator_ref, station_id, body.tags),
        by=operator,
        action="baseStation.tagged",
        what=f"baseStation {station_id}",
        details=body,
    )
