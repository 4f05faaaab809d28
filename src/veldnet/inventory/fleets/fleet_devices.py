"""Devices of a document, as rows for the engine of imports."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.resources import ApplicationSessionKeyRule, VeldnetDevice
from veldnet.inventory.imports import ImportRow, Routing
from veldnet.inventory.offers import refusal_text

from .documents import SECRETS, DeviceItem
from .kinds import Context, members_of

_NOT_OF_DEVICES = ("routingProfile", "networkKey", "genAppKey", "applicationSessionKey")


def row_of(item: DeviceItem, context: Context) -> ImportRow | BadRequest:
    """What the engine is to bring about, or why it cannot be."""
    abp = item.activationType == "ABP"
    if abp and not context.rules.abp:
        return InvalidField(
            "activationType ABP: this server takes no new personalised devices; the setting api.legacy_abp "
            "allows them"
        )
    if item.routingProfile is not UNSET and item.processingStrategyId is not UNSET:
        return InvalidField("routingProfile and processingStrategyId exclude each other")
    members = members_of(item, *_NOT_OF_DEVICES)
    if abp and item.applicationSessionKey is not UNSET:
        rule = ApplicationSessionKeyRule(item.applicationSessionKey, "*")
        members["applicationSessionKeyRules"] = [rule]
    try:
        device = msgspec.convert(msgspec.to_builtins(members), VeldnetDevice)
    except msgspec.ValidationError as error:
        return InvalidField(refusal_text(str(error), VeldnetDevice))
    return ImportRow(
        "ensure",
        device,
        None,
        None if item.networkKey is UNSET else item.networkKey,
        None if item.genAppKey is UNSET else item.genAppKey,
        routing_profile=item.routingProfile,
    )


def wanted_device(item: DeviceItem) -> dict[str, Any]:
    """What a new device is made with, but for its keys."""
    found: dict[str, Any] = msgspec.to_builtins(members_of(item, "EUI", *SECRETS))
    return found


def device_members(found: VeldnetDevice, routing: Routing) -> dict[str, Any]:
    """A device as a document has it; its keys are not shown."""
    members = {
        name: value
        for name in DeviceItem.__struct_fields__
        if name not in SECRETS
        and name != "routingProfile"
        and (value := getattr(found, name, UNSET)) is not UNSET
    }
    if members.get("activationType") == "OTAA":
        members.pop("activationType")
        members.pop("networkAddress", None)
    if found.routingProfileId is not UNSET:
        members.pop("processingStrategyId", None)
        members["routingProfile"] = routing.name_of(found.routingProfileId)
    given: dict[str, Any] = msgspec.to_builtins(members)
    return given
