"""A device's session: inspect it, explain it, renew it, and the second root key of LoRaWAN 1.1."""

from __future__ import annotations

import msgspec

from veldnet.api.query import InLanguage
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.diagnosis import Explanation, explain_device
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import KeyChange, check_root_key
from veldnet.keys import ClearKey, labels
from veldnet.lorawan import DevEui
from veldnet.network.core import DeviceView


class NetworkKey(msgspec.Struct):
    """The NwkKey of a device of LoRaWAN 1.1, 32 hexadecimal digits; it is never returned."""

    networkKey: str


class RootKeys(msgspec.Struct):
    """Root keys of a device, 32 hexadecimal digits each; they are never returned."""

    applicationKey: str | None = None
    networkKey: str | None = None
    genAppKey: str | None = None
    resetSession: bool = False


# The root keys of a device, and what they are sealed as.
_KEY_LABELS = {
    "applicationKey": labels.app_key,
    "networkKey": labels.nwk_key,
    "genAppKey": labels.gen_app_key,
}


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
    device_ref: str, request: Request, services: Services, scope: Scope, query: InLanguage
) -> Explanation:
    """Why a device does not join or is not heard, in `language`, or that of `Accept-Language`."""
    now, language = services.platform.clock(), query.of(request)
    dev_eui = await services.read(lambda c: devices.get_device(c, scope, device_ref).EUI)
    seen = services.platform.sights.heard()
    return await services.read(lambda c: explain_device(c, DevEui.parse(str(dev_eui)), now, language, seen))


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
    await _rekey(services, scope, device_ref, RootKeys(networkKey=body.networkKey))


@SUBSCRIBER.put(
    "/devices/{deviceRef}/rootKeys",
    "changeRootKeys",
    "Device",
    "Enter the root keys of a device again.",
    status=204,
)
async def put_root_keys(device_ref: str, services: Services, scope: Scope, body: RootKeys) -> None:
    """Replace the AppKey of a device, of LoRaWAN 1.1 the NwkKey, of 1.0.x the GenAppKey, which multicast
    groups and updates need. The session under the earlier key lives on until the device joins again; with
    `resetSession` it ends now. The change is noted, the keys are not."""
    await _rekey(services, scope, device_ref, body)


@SUBSCRIBER.get(
    "/devices/{deviceRef}/keyChanges",
    "listKeyChanges",
    "Device",
    "When the root keys of a device were entered again, and by whom.",
)
async def list_key_changes(device_ref: str, services: Services, scope: Scope) -> list[KeyChange]:
    return await services.read(lambda c: devices.list_key_changes(c, scope, device_ref))


async def _rekey(services: Services, scope: Scope, device_ref: str, body: RootKeys) -> None:
    texts = {name: getattr(body, name) for name in _KEY_LABELS}
    given = {name: check_root_key(text, name) for name, text in texts.items() if text is not None}
    device = await services.read(lambda c: devices.check_rekeying(c, scope, device_ref, list(given)))
    vault = services.platform.vault.of(await services.read(lambda c: devices.vault_of(c, device.ref)))
    octets = await vault.import_keys(
        [ClearKey(_KEY_LABELS[name](device.dev_eui), bytes(key)) for name, key in given.items()]
    )
    sealed = dict(zip(given, octets, strict=True))
    await services.change(
        lambda c: devices.change_root_keys(c, scope, device.ref, sealed, session_reset=body.resetSession),
        by=scope,
        action="device.rootKeys",
        what=f"device {device.ref}",
        details={"keys": list(given), "resetSession": body.resetSession},
    )
    if body.resetSession:
        await services.platform.network.requests.reset_context(device.ref)
