"""Reset of a device's security context, also on the path of ThingPark's OSS."""

from __future__ import annotations

from veldnet.api.routers import OSS, SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import devices


@OSS.post("/subscriptions/mine/devices/{deviceRef}/admins/reset", status=204)
@SUBSCRIBER.post(
    "/devices/{deviceRef}/securityContext/reset",
    "resetSecurityContext",
    "Device",
    "Reset the security context of a device.",
    status=204,
)
async def reset_context(device_ref: str, services: Services, scope: Scope) -> None:
    """Drop sessions, counters and replay history; the device must join again."""
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    await services.platform.network.requests.reset_context(ref)
    await services.note(scope, "device.contextReset", f"device {ref}")
