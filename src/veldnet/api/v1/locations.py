"""Where the network has located a device."""

from __future__ import annotations

from typing import Annotated

import msgspec

from veldnet.api.query import LAST, Parameter, time, whole
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.locations import DeviceLocations, device_locations

# No id of a place is larger.
_MOST_ID = (1 << 63) - 1


def _place(text: str, name: str) -> int:
    return whole(0, _MOST_ID, text, name)


class LocationPart(msgspec.Struct, frozen=True):
    """Which places."""

    begin: Annotated[int, time("Only places from this time on, ISO 8601.")] = 0
    end: Annotated[int, time("Only places before this time, ISO 8601.")] = LAST
    before: Annotated[
        int | None,
        Parameter("Only places before this one: `next` of an earlier answer.", type="string", read=_place),
    ] = None
    limit: Annotated[int, Parameter("Places at most.", least=1, most=1000)] = 200


@SUBSCRIBER.get(
    "/devices/{deviceRef}/locations",
    "listLocations",
    "Device",
    "Where the network has located a device, newest first.",
)
async def list_locations(
    device_ref: str, services: Services, scope: Scope, query: LocationPart
) -> DeviceLocations:
    """Empty unless the connectivity plan has nwGeolocalization. `problem` says why the last uplinks gave no
    place. Places are kept as long as `journal.locations` says."""
    return await services.read(
        lambda c: device_locations(
            c,
            devices.device_ref(c, scope, device_ref),
            query.begin,
            query.end,
            query.before,
            query.limit,
        )
    )
