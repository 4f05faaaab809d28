"""Downlink submission for application servers, versions 1 and 2 of ThingPark's tunnel interface."""

from __future__ import annotations

from typing import Any

import msgspec

from veldnet.api.body import read_body
from veldnet.api.routers import TUNNEL
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.lorawan import DevEui
from veldnet.network.core import SubmissionRefusal
from veldnet.network.shell import UnknownDevice
from veldnet.routing import Profile, submit_query
from veldnet.store import multicast

# The legacy interface answers a refusal with this status, which HTTP leaves free.
V1_REFUSED = 350
_NO_BASE_STATION = 115
# Words of version 2 where they differ from version 1.
_V2_WORDS = {
    105: "Security Check: AS_ID is mandatory",
    106: "Security Check: Missing timestamp/token",
    107: "Security Check: Bad AS_ID",
    108: "Security Check: Server Decrypt Error",
    109: "Security Check: Malformed ISO8601 time",
    110: "Security Check: Invalid downlink frame timestamp",
    111: "Security Check: Bad token",
    112: "Validity time expired or invalid",
    117: "Invalid Correlation ID. Must be a 64 bits hexadecimal value encoded as string",
}


class V2Refusal(msgspec.Struct, omit_defaults=True):
    """Body of a refusal in version 2."""

    code: int
    message: str
    expected: int | None = None
    maxSize: int | None = None
    rx2DR: int | None = None
    pingSlotDR: int | None = None


async def _submit(request: Request, services: Services) -> SubmissionRefusal | None:
    # Some clients post a body; it has no meaning.
    await read_body(request, 65_536)
    network = services.platform.network

    async def profile_of(dev_eui: DevEui) -> Profile | None:
        entry = await network.devices.get(dev_eui=str(dev_eui))
        if entry is not None:
            return services.platform.table.get(entry.device.row.routing_profile_ref)
        # Another node may serve it.
        rows = await services.platform.store.devices_by_dev_eui([str(dev_eui)])
        if rows:
            return services.platform.table.get(rows[0].routing_profile_ref)
        group = await services.read(lambda c: multicast.group_by_dev_eui(c, str(dev_eui)))
        if group is None:
            raise UnknownDevice(f"no device has DevEUI {dev_eui}")
        return services.platform.table.get(group.routing_profile_ref)

    return await submit_query(
        request.scope["query_string"].decode("latin-1"),
        profile_of=profile_of,
        submit=network.requests.submit,
        clock=services.platform.clock,
        signature_required=services.platform.settings.routing.require_signed_downlinks,
    )


def _page(status: int, text: str) -> Response[str]:
    return Response(f"<html><body>{text}</body></html>", status_code=status, media_type="text/html")


@TUNNEL.post("/downlink")
async def submit_v1(request: Request, services: Services) -> Response[str]:
    refusal = await _submit(request, services)
    if refusal is None:
        return _page(200, "Request queued by LRC")
    return _page(404 if refusal.code == _NO_BASE_STATION else V1_REFUSED, refusal.message)


@TUNNEL.post("/v2/downlink")
async def submit_v2(request: Request, services: Services) -> Response[Any]:
    refusal = await _submit(request, services)
    if refusal is None:
        return Response(None, status_code=202)
    body = V2Refusal(
        refusal.code,
        _V2_WORDS.get(refusal.code, refusal.message),
        refusal.expected,
        refusal.max_size,
        refusal.rx2_dr,
        refusal.ping_slot_dr,
    )
    return Response(body, status_code=409)
