"""Downlinks: the queue of a device (list, add, cancel, clear), and the list of all devices, from the queue to
the end."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.query import MOST_WHOLE, Parameter, whole
from veldnet.api.routers import SUBSCRIBER, VIEWER
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NotFound
from veldnet.domain.scope import Scope
from veldnet.domain.validation import validation_text
from veldnet.inventory import decoders, devices
from veldnet.inventory.decoders import Program
from veldnet.lorawan import DevEui
from veldnet.monitoring.downlinks import (
    Changed,
    Downlink,
    DownlinkPage,
    DownlinkQuery,
    Status,
    list_downlinks,
    some_downlinks,
)
from veldnet.monitoring.logger import Whose
from veldnet.network.core import DownlinkRequest, QueuedView
from veldnet.texts import Text

from .decoding import Turn, run_program
from .event_stream import Events, event_stream
from .refusals import reason_of
from .validity import expiry

_STATUSES: tuple[Status, ...] = get_args(Status)
_MOST = 500


class NewDownlink(msgspec.Struct):
    """A downlink: `payload` as hexadecimal digits, or `data` for the `encodeDownlink` of the device's
    decoder. With `fCntDn` the payload is already encrypted, as it must be for devices with an HSM group.
    `validity` in seconds, or `validityTime` as a time; of higher `priority` goes first."""

    fPort: int | UnsetType = UNSET
    payload: str | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET
    confirmed: bool = False
    flush: bool = False
    fCntDn: int | UnsetType = UNSET
    validity: int | UnsetType = UNSET
    validityTime: str | UnsetType = UNSET
    priority: int = 0


class Queued(msgspec.Struct):
    """What was taken into the queue; `id` leads to what becomes of it."""

    id: str
    fPort: int
    payload: str


async def _device(services: Services, scope: Scope, ref: str) -> tuple[int, DevEui]:
    def find(connection: Any) -> tuple[int, DevEui]:
        number = devices.device_ref(connection, scope, ref)
        return number, DevEui.parse(str(devices.get_device(connection, scope, str(number)).EUI))

    return await services.read(find)


@SUBSCRIBER.get("/devices/{deviceRef}/downlinks", "listQueuedDownlinks", "Downlinks", "Downlinks that wait.")
async def list_queued(device_ref: str, services: Services, scope: Scope) -> list[QueuedView]:
    """Downlinks that wait for the device, the next one first."""
    ref, _dev_eui = await _device(services, scope, device_ref)
    return await services.platform.network.requests.queued(ref)


@SUBSCRIBER.post(
    "/devices/{deviceRef}/downlinks", "sendDownlink", "Downlinks", "Queue a downlink.", status=202
)
async def send_downlink(device_ref: str, services: Services, scope: Scope, body: NewDownlink) -> Queued:
    """Queue a downlink; it is durable when the answer comes. A refusal says what would be right."""
    ref, dev_eui = await _device(services, scope, device_ref)
    fport, payload = await _encoded(services, scope, ref, body)
    if not 0 <= body.priority <= 255:
        raise InvalidField("priority must be 0 to 255")
    expires_at = expiry(body.validity, body.validityTime, services.platform.clock())
    downlink = DownlinkRequest(
        fport=fport,
        payload=payload,
        fcnt=None if body.fCntDn is UNSET else body.fCntDn,
        confirmed=body.confirmed,
        flush=body.flush,
        expires_at=expires_at,
        priority=body.priority,
    )
    submission = await services.platform.network.requests.queue(dev_eui, downlink)
    refusal = submission.refusal
    if refusal is not None:
        raise BadRequest(
            "{message} (code {code}){advice}",
            message=reason_of(refusal),
            code=refusal.code,
            advice=_ADVICE.get(refusal.code, ""),
        )
    await services.note(scope, "device.downlink", f"device {ref}")
    return Queued(str(submission.id), fport, payload.hex())


_ADVICE = {
    114: Text(": its connectivity plan has no downlinks, it has no plan, or it is in shadow"),
    115: Text(": the device has not joined yet"),
    119: Text(": the network does not have its AppSKey; encrypt in your application server and give fCntDn"),
    121: Text(": the plan's downlink rate is used up; wait, or ask the operator for another plan"),
}


async def _encoded(services: Services, scope: Scope, ref: int, body: NewDownlink) -> tuple[int, bytes]:
    """Port and octets of a new downlink."""
    if body.data is UNSET:
        if body.payload is UNSET or body.fPort is UNSET:
            raise MissingField("fPort and payload are mandatory, or data for the device's decoder")
        try:
            return body.fPort, bytes.fromhex(body.payload)
        except ValueError:
            raise InvalidField("payload must be hexadecimal digits, two for each octet") from None
    program = await services.read(lambda c: _program(c, scope, ref))
    if program is None:
        raise BadRequest("data needs a decoder for the device's profile; create one, or send payload")
    given: dict[str, Any] = {"data": body.data}
    if body.fPort is not UNSET:
        given["fPort"] = body.fPort
    (answer,) = await run_program(services, Turn(scope.subscriber_ref), program, "encodeDownlink", [given])
    if answer.value is None:
        raise BadRequest("encodeDownlink: {error}", error=answer.error)
    try:
        made = msgspec.json.decode(answer.value, type=_Made)
        octets = bytes(made.bytes)
    except (msgspec.ValidationError, ValueError) as error:
        wrong = validation_text(str(error))
        raise BadRequest("encodeDownlink must return {{bytes, fPort}}: {error}", error=wrong) from None
    if made.errors:
        raise BadRequest("encodeDownlink: {errors}", errors=made.errors[0])
    fport = made.fPort if made.fPort is not None else body.fPort
    if fport is UNSET:
        raise MissingField("encodeDownlink returned no fPort; give one")
    return fport, octets


def _program(connection: Connection, scope: Scope, ref: int) -> Program | None:
    profile = decoders.profiles_of(connection, {ref}).get(ref, -1)
    return decoders.programs(connection, scope.subscriber_ref, {profile}).get(profile)


class _Made(msgspec.Struct):
    bytes: list[int] = []
    fPort: int | None = None
    errors: list[str] = []


@SUBSCRIBER.delete(
    "/devices/{deviceRef}/downlinks", "flushDownlinks", "Downlinks", "Clear the downlink queue of a device."
)
async def flush_downlinks(device_ref: str, services: Services, scope: Scope) -> None:
    ref, dev_eui = await _device(services, scope, device_ref)
    await services.platform.network.requests.submit(dev_eui, DownlinkRequest(flush=True))
    await services.note(scope, "device.downlinksFlushed", f"device {ref}")


@SUBSCRIBER.delete(
    "/devices/{deviceRef}/downlinks/{downlinkId}",
    "cancelDownlink",
    "Downlinks",
    "Cancel a queued downlink.",
)
async def cancel_downlink(device_ref: str, downlink_id: str, services: Services, scope: Scope) -> None:
    """Take a downlink out of the queue. One that a base station has already cannot be taken back."""
    ref, _dev_eui = await _device(services, scope, device_ref)
    if not await services.platform.network.requests.cancel(ref, _number(downlink_id)):
        known = await services.read(lambda c: some_downlinks(c, _whose(scope), [_number(downlink_id)]))
        if not any(one.deviceRef == str(ref) for one in known):
            raise NotFound("Downlink", downlink_id)
        raise BadRequest(
            "The downlink is {status}; only a queued one can be cancelled", status=known[0].status
        )
    await services.note(scope, "device.downlinkCancelled", f"device {ref}")


def _whose(scope: Scope) -> Whose:
    return Whose(scope.operator_ref, scope.subscriber_ref)


def _number(identifier: str) -> int:
    """The number of an id; what is none finds nothing."""
    number = int(identifier) if identifier.isascii() and identifier.isdigit() and len(identifier) < 20 else 0
    return number if number < 1 << 63 else 0


def _statuses(text: str, name: str) -> tuple[Status, ...]:
    found = tuple(status for status in _STATUSES if status in text.split(","))
    if len(found) != len(text.split(",")):
        raise InvalidField(
            "{name} {text!r} must be of {known}, comma-separated",
            name=name,
            text=text[:80],
            known=", ".join(_STATUSES),
        )
    return found


class OfDevice(msgspec.Struct, frozen=True):
    """Of which device."""

    deviceRef: Annotated[
        int | None,
        Parameter("Only downlinks of this device.", type="string", read=partial(whole, 0, MOST_WHOLE)),
    ] = None


class DownlinkSearch(OfDevice, frozen=True):
    """Which downlinks, and which part of them."""

    status: Annotated[
        tuple[Status, ...],
        Parameter(f"Of {', '.join(_STATUSES)}, comma-separated.", type="string", read=_statuses),
    ] = ()
    before: Annotated[int | None, Parameter("Continue after this downlink.", most=(1 << 63) - 1)] = None
    limit: Annotated[int, Parameter("Downlinks at most.", least=1, most=_MOST)] = 100


@VIEWER.get("/downlinks", "listDownlinks", "Downlinks", "Downlinks of all devices, newest first.")
async def list_all(services: Services, of: Whose, query: DownlinkSearch) -> DownlinkPage:
    """Downlinks of application servers, queued, under way and done, with what became of each. `next` of the
    answer goes into `before`."""
    wanted = DownlinkQuery(query.status, query.deviceRef, query.before)
    return await services.read(lambda c: list_downlinks(c, of, wanted, query.limit))


@VIEWER.get(
    "/downlinks/live",
    "watchDownlinks",
    "Downlinks",
    "Live changes of downlinks as server-sent events.",
    media="text/event-stream",
)
async def live_downlinks(request: Request, services: Services, of: Whose, query: OfDevice) -> Response[Any]:
    """Downlinks of which something new is known, as server-sent events: `downlinks` with a list, `dropped`
    with how many the reader was too slow for."""
    found = partial(_changed, services, of, query.deviceRef)
    return event_stream(request, services, of, services.platform.feeds.downlinks, Events("downlinks", found))


async def _changed(
    services: Services, of: Whose, device_ref: int | None, arrived: list[Changed]
) -> list[Downlink]:
    wanted = [each.id for each in arrived if device_ref is None or each.device_ref == device_ref]
    if not wanted:
        return []
    return await services.read(lambda c: some_downlinks(c, of, wanted))


@VIEWER.get("/downlinks/{downlinkId}", "getDownlink", "Downlinks", "A downlink and what became of it.")
async def get_downlink(downlink_id: str, services: Services, of: Whose) -> Downlink:
    found = await services.read(lambda c: some_downlinks(c, of, [_number(downlink_id)]))
    if not found:
        raise NotFound("Downlink", downlink_id)
    return found[0]
