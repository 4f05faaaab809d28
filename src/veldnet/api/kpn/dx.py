"""Where devices look different on the paths of ThingPark's DX API."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import Device

# The strategy of devices with a routing profile of their own, which KPN's contract leaves out.
_ROUTE = "ROUTE"


def shown(device: Device) -> Device:
    """A device as DX shows it: with a strategy wherever messages go somewhere."""
    if device.routingProfileId is not UNSET and device.processingStrategyId is UNSET:
        # No value of KPN's enumeration, which requests are checked against.
        setattr(device, "processingStrategyId", _ROUTE)  # noqa: B010
    return device


def prepare(members: dict[str, Any]) -> dict[str, Any]:
    """The members of a request as KPN's API knows them. Raises `InvalidField`."""
    if members.get("routeRefs"):
        raise InvalidField(
            "routeRefs: single routes cannot be given to a device; put them into a routing profile and "
            "name it with routingProfileId"
        )
    if members.get("processingStrategyId") != _ROUTE:
        return members
    return {name: value for name, value in members.items() if name != "processingStrategyId"}
