"""Payload decoders: kept, tried in the lab, and the values they read from a device's frames."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, delete, get, post, put
from sqlalchemy import Connection

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.inventory import decoders, devices
from veldnet.inventory.decoders import Kind, PayloadDecoder, Program
from veldnet.inventory.errors import InvalidField
from veldnet.monitoring.logger import Query, Whose, search

from .decoding import decode_lines, run_program, uplink_input

_MOST_TRIED = 100
_MOST_READ = 2000


class Trial(msgspec.Struct):
    """A payload as hexadecimal digits."""

    payload: str
    fPort: int = 1


class Lab(msgspec.Struct):
    """A decoder that need not be saved, and what to try it on: payloads, frames of a device (`deviceRef`), or
    for `encodeDownlink` an object."""

    kind: Kind
    source: str = ""
    trials: list[Trial] = []
    deviceRef: str = ""
    encode: dict[str, Any] | None = None


class LabResult(msgspec.Struct):
    """What the decoder made of a payload; `error` says why it made nothing."""

    payload: str
    fPort: int
    time: str | None
    result: msgspec.Raw | None
    error: str | None


class Reading(msgspec.Struct):
    """The values that a decoder found in a frame, by their path."""

    time: str
    frameId: str
    values: dict[str, Any]
    error: str | None = None


@get("/decoders")
async def list_decoders(request: Request[Any, Any, Any], services: Services) -> list[PayloadDecoder]:
    """The subscriber's payload decoders."""
    scope = await require_scope(request, services)
    return await services.read(lambda c: decoders.list_decoders(c, scope))


@post("/decoders", status_code=201)
async def create_decoder(request: Request[Any, Any, Any], services: Services) -> PayloadDecoder:
    """Create a payload decoder."""
    scope = await require_scope(request, services)
    body = await read_resource(request, PayloadDecoder, services.settings.max_body)
    return await services.change(
        lambda c: decoders.create_decoder(c, scope, body),
        by=scope,
        action="decoder.created",
        details={"name": str(body.name)},
    )


@get("/decoders/{decoder_ref:str}")
async def get_decoder(
    decoder_ref: str, request: Request[Any, Any, Any], services: Services
) -> PayloadDecoder:
    """A payload decoder."""
    scope = await require_scope(request, services)
    return await services.read(lambda c: decoders.get_decoder(c, scope, decoder_ref))


@put("/decoders/{decoder_ref:str}")
async def update_decoder(
    decoder_ref: str, request: Request[Any, Any, Any], services: Services
) -> PayloadDecoder:
    """Change a payload decoder."""
    scope = await require_scope(request, services)
    body = await read_resource(request, PayloadDecoder, services.settings.max_body)
    return await services.change(
        lambda c: decoders.update_decoder(c, scope, decoder_ref, body),
        by=scope,
        action="decoder.changed",
        what=f"decoder {decoder_ref}",
    )


@delete("/decoders/{decoder_ref:str}")
async def delete_decoder(decoder_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Delete a payload decoder."""
    scope = await require_scope(request, services)
    await services.change(
        lambda c: decoders.delete_decoder(c, scope, decoder_ref),
        by=scope,
        action="decoder.deleted",
        what=f"decoder {decoder_ref}",
    )


@post("/decoders/lab", status_code=200)
async def try_decoder(request: Request[Any, Any, Any], services: Services) -> list[LabResult]:
    """Try a decoder without saving it."""
    scope = await require_scope(request, services, looking=True)
    body = await read_resource(request, Lab, services.settings.max_body)
    program = Program(body.kind, body.source)
    if body.encode is not None:
        (answer,) = await run_program(services, program, "encodeDownlink", [{"data": body.encode}])
        return [LabResult("", 0, None, _raw(answer.value), answer.error)]
    tried: list[tuple[str, int, str | None]] = []
    for trial in body.trials[:_MOST_TRIED]:
        try:
            tried.append((bytes.fromhex(trial.payload).hex(), trial.fPort, None))
        except ValueError:
            raise InvalidField("trials: payload must be hexadecimal digits, two for each octet") from None
    if body.deviceRef:
        ref = await services.read(lambda c: devices.device_ref(c, scope, body.deviceRef))
        wanted = Query(device_ref=ref, packet_types=frozenset({"UPLINK_DATA", "UPLINK_MAC_DATA"}))
        of = Whose(scope.operator_ref, scope.subscriber_ref)
        page = await services.read(
            lambda c: search(c, of, wanted, None, _MOST_TRIED, services.platform.place_of)
        )
        tried += [
            (line.payload, line.fPort or 0, line.time)
            for line in page.frames
            if line.payload and not line.encrypted
        ]
    inputs = [uplink_input(bytes.fromhex(payload), fport, time or "") for payload, fport, time in tried]
    answers = await run_program(services, program, "decodeUplink", inputs)
    return [
        LabResult(payload, fport, time, _raw(answer.value), answer.error)
        for (payload, fport, time), answer in zip(tried, answers, strict=True)
    ]


def _raw(value: str | None) -> msgspec.Raw | None:
    return None if value is None else msgspec.Raw(value.encode())


@get("/devices/{device_ref:str}/readings")
async def get_readings(device_ref: str, request: Request[Any, Any, Any], services: Services) -> list[Reading]:
    """What the device's decoder reads in its frames of a time range, the newest first, 2,000 at most. Empty
    where it has no decoder, or its payloads are encrypted for the application server."""
    scope = await require_scope(request, services)
    start, end = query.text(request, "from"), query.text(request, "to")
    limit = query.whole(request, "limit", least=1, most=_MOST_READ) or 500
    of = Whose(scope.operator_ref, scope.subscriber_ref)

    def read(connection: Connection) -> Any:
        ref = devices.device_ref(connection, scope, device_ref)
        wanted = Query(
            device_ref=ref,
            packet_types=frozenset({"UPLINK_DATA", "UPLINK_MAC_DATA"}),
            start=0 if start is None else query.moment(start, "from"),
            end=1 << 42 if end is None else query.moment(end, "to"),
        )
        return search(connection, of, wanted, None, limit, services.platform.place_of)

    page = await services.read(read)
    await decode_lines(services, of, page.frames)
    readings = []
    for line in page.frames:
        if line.decoded is None:
            continue
        decoded = msgspec.json.decode(line.decoded)
        values: dict[str, Any] = {}
        if isinstance(decoded, dict):
            _flatten(decoded.get("data"), "", values)
        problems = decoded.get("errors") if isinstance(decoded, dict) else None
        readings.append(Reading(line.time, line.id, values, None if not problems else str(problems[0])))
    return readings


_DEPTH, _MOST_VALUES = 6, 64


def _flatten(value: Any, path: str, into: dict[str, Any], depth: int = 0) -> None:
    """Values in an object by their path; numbers, truths and texts only."""
    if len(into) >= _MOST_VALUES or depth > _DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(inner, f"{path}.{name}" if path else str(name), into, depth + 1)
    elif isinstance(value, bool | int | float | str) and path:
        into[path] = value


HANDLERS = (
    list_decoders,
    create_decoder,
    get_decoder,
    update_decoder,
    delete_decoder,
    try_decoder,
    get_readings,
)
