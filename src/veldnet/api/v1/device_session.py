"""A device's session: inspect it, explain it, renew it, and the second root key of LoRaWAN 1.1."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request

from veldnet.api.query import InLanguage
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.diagnosis import Explanation, explain_device
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import check_root_key
from veldnet.lorawan import DevEui
from veldnet.network.core import DeviceView


class NetworkKey(msgspec.Struct):
    """The NwkKey of a device of LoRaWAN 1.1, 32 hexadecimal digits; it is never returned."""

    networkKey: str


@SUBSCRIBER.get(
    "/devices/{deviceRef}/session", "getSession", "Device", "Session of a device, without its keys."
)
async def get_session(device_ref: str, services: Services, scope: Scope) -> DeviceView:
    """The session of a device without its keys: counters, and parameters wanted and confirmed."""
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    return await services.platform.network.requests.inspect(ref)


@SUBSCRIBER.get(
    "/devices/{deviceRef}/explanation",
    "getExplanation",
    "Device",
    "Explain why a device does not join or is not received.",
)
async def get_explanation(
    device_ref: str, request: Request[Any, Any, Any], services: Services, scope: Scope, query: InLanguage
) -> Explanation:
    """Why a device does not join or is not heard, in `language`, or that of `Accept-Language`."""
    now, language = services.platform.clock(), query.of(request)
    dev_eui = await services.read(lambda c: devices.get_device(c, scope, device_ref).EUI)
    return await services.read(lambda c: explain_device(c, DevEui.parse(str(dev_eui)), now, language))


@SUBSCRIBER.post(
    "/devices/{deviceRef}/rejoin",
    "askRejoin",
    "Device",
    "Ask a LoRaWAN 1.1 device to renew its session.",
    status=202,
)
async def ask_rejoin(device_ref: str, services: Services, scope: Scope) -> None:
    """Ask a 1.1 device to renew its session with its next downlink."""
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    if not await services.platform.network.requests.ask_rejoin(ref):
        raise BadRequest("the device has no session of LoRaWAN 1.1")


@SUBSCRIBER.put(
    "/devices/{deviceRef}/networkKey",
    "setNetworkKey",
    "Device",
    "Set the NwkKey of a LoRaWAN 1.1 device.",
    status=204,
)
async def put_network_key(device_ref: str, services: Services, scope: Scope, body: NetworkKey) -> None:
    nwk_key = check_root_key(body.networkKey, "networkKey")
    dev_eui = await services.read(lambda c: devices.get_device(c, scope, device_ref).EUI)
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    name = await services.read(lambda c: devices.vault_of(c, ref))
    sealed = await services.platform.vault.of(name).import_nwk_key(DevEui.parse(str(dev_eui)), nwk_key)
    await services.change(
        lambda c: devices.set_nwk_key(c, scope, ref, sealed),
        by=scope,
        action="device.networkKey",
        what=f"device {ref}",
    )
