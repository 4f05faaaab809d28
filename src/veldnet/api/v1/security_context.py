"""Reset of a device's security context, also on the path of ThingPark's OSS."""

from __future__ import annotations

from typing import Any

from litestar import Request, post

from veldnet.api.auth.bearer import require_scope
from veldnet.api.services import Services
from veldnet.inventory import devices


async def _reset(device_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Drop sessions, counters and replay history; the device must join again."""
    scope = await require_scope(request, services)
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    await services.platform.network.reset_context(ref)
    await services.note(scope, "device.contextReset", f"device {ref}")


reset = post("/devices/{device_ref:str}/securityContext/reset", status_code=204)(_reset)
oss_reset = post(
    "/thingpark/wireless/rest/subscriptions/mine/devices/{device_ref:str}/admins/reset",
    status_code=204,
    include_in_schema=False,
)(_reset)
