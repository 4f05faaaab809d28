"""Downlinks of a device on the paths of ThingPark's DX API."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.api.query import Parameter
from veldnet.api.routers import DX
from veldnet.api.services import Services
from veldnet.api.v1.downlinks import NewDownlink, list_queued, send_downlink
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.scope import Scope


class DownlinkMessage(msgspec.Struct, kw_only=True):
    """A downlink: `targetPorts` is its port. Who may send needs no key of an application server, so that
    `securityParams` is not looked at."""

    payloadHex: str | UnsetType = UNSET
    targetPorts: str | int | UnsetType = UNSET
    confirmDownlink: bool | UnsetType = UNSET
    flushDownlinkQueue: bool | UnsetType = UNSET
    correlationID: str | UnsetType = UNSET
    # Of an answer: leads to what becomes of it.
    id: str | UnsetType = UNSET


class SendingOptions(msgspec.Struct, frozen=True):
    """How to send; members of the body count as well."""

    confirmDownlink: Annotated[bool, Parameter("Have the device acknowledge it.")] = False
    flushDownlinkQueue: Annotated[bool, Parameter("Drop what waits first.")] = False


@DX.get("/devices/{deviceRef}/downlinkMessages")
async def list_messages(device_ref: str, services: Services, scope: Scope) -> list[DownlinkMessage]:
    """Downlinks that wait for the device, the next one first."""
    return [
        DownlinkMessage(
            payloadHex=each.payload,
            targetPorts=str(each.fPort),
            confirmDownlink=each.confirmed,
            correlationID=each.correlationId or UNSET,
            id=each.id,
        )
        for each in await list_queued(device_ref, services, scope)
    ]


@DX.post("/devices/{deviceRef}/downlinkMessages", status=201)
async def send_message(
    device_ref: str, services: Services, scope: Scope, query: SendingOptions, body: DownlinkMessage
) -> DownlinkMessage:
    """Queue a downlink; it is durable when the answer comes."""
    if body.payloadHex is UNSET or body.targetPorts is UNSET:
        raise MissingField("payloadHex and targetPorts are mandatory")
    port = str(body.targetPorts).strip()
    if not (port.isascii() and port.isdigit() and len(port) < 4):
        raise InvalidField("targetPorts {value!r} must be a port", value=port[:40])
    confirmed = query.confirmDownlink if body.confirmDownlink is UNSET else body.confirmDownlink
    flush = query.flushDownlinkQueue if body.flushDownlinkQueue is UNSET else body.flushDownlinkQueue
    sent = await send_downlink(
        device_ref,
        services,
        scope,
        NewDownlink(fPort=int(port), payload=body.payloadHex, confirmed=confirmed, flush=flush),
    )
    return DownlinkMessage(
        payloadHex=body.payloadHex,
        targetPorts=str(sent.fPort),
        confirmDownlink=confirmed,
        correlationID=body.correlationID,
        id=sent.id,
    )
