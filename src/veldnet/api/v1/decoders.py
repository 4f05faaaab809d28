"""Payload decoders: management and tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.query import moment
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.decoders import Decoded
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import decoders, devices
from veldnet.inventory.decoders import Kind, PayloadDecoder, Program
from veldnet.monitoring.logger import Page, Query, Whose, search
from veldnet.texts import Language, in_language

from .decoding import Turn, error_of, frame_input, moment_of, run_program

_MOST_TRIED = 100


class Trial(msgspec.Struct):
    """A payload as hexadecimal digits. `recvTime` (ISO 8601) is what the decoder gets as the time of
    reception, without it now."""

    payload: str
    fPort: int = 1
    recvTime: str | None = None


class Lab(msgspec.Struct):
    """A decoder that need not be saved, and what to try it on: payloads, frames of a device (`deviceRef`), or
    for `encodeDownlink` an object."""

    kind: Kind
    source: str = ""
    trials: list[Trial] = []
    deviceRef: str = ""
    encode: dict[str, Any] | None = None


class LabResult(msgspec.Struct):
    """What the decoder made of a payload that came at `time`; `error` says why it made nothing. `console`
    has what it wrote there, each line with its level first."""

    payload: str
    fPort: int
    time: str | None
    result: msgspec.Raw | None
    error: str | None
    console: list[str] = []


def _most_source(services: Services) -> int:
    return services.platform.settings.console.decoder_source


def _most_body(services: Services) -> int:
    """A character takes up to six octets in JSON."""
    return services.settings.max_body + 6 * _most_source(services)


@SUBSCRIBER.get("/decoders", "listDecoders", "Decoders", "Payload decoders.")
async def list_decoders(services: Services, scope: Scope) -> list[PayloadDecoder]:
    """The subscriber's payload decoders, without their sources."""
    return await services.read(lambda c: decoders.list_decoders(c, scope))


@SUBSCRIBER.post(
    "/decoders",
    "createDecoder",
    "Decoders",
    "Create a payload decoder.",
    max_body=_most_body,
    status=201,
)
async def create_decoder(services: Services, scope: Scope, body: PayloadDecoder) -> PayloadDecoder:
    most = _most_source(services)
    return await services.change(
        lambda c: decoders.create_decoder(c, scope, body, most_source=most),
        by=scope,
        action="decoder.created",
        details={"name": str(body.name)},
    )


@SUBSCRIBER.get("/decoders/{decoderRef}", "getDecoder", "Decoders", "A payload decoder.")
async def get_decoder(decoder_ref: str, services: Services, scope: Scope) -> PayloadDecoder:
    return await services.read(lambda c: decoders.get_decoder(c, scope, decoder_ref))


@SUBSCRIBER.put(
    "/decoders/{decoderRef}",
    "updateDecoder",
    "Decoders",
    "Change a payload decoder.",
    max_body=_most_body,
)
async def update_decoder(
    decoder_ref: str, services: Services, scope: Scope, body: PayloadDecoder
) -> PayloadDecoder:
    most = _most_source(services)
    return await services.change(
        lambda c: decoders.update_decoder(c, scope, decoder_ref, body, most_source=most),
        by=scope,
        action="decoder.changed",
        what=f"decoder {decoder_ref}",
    )


@SUBSCRIBER.delete("/decoders/{decoderRef}", "deleteDecoder", "Decoders", "Delete a payload decoder.")
async def delete_decoder(decoder_ref: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: decoders.delete_decoder(c, scope, decoder_ref),
        by=scope,
        action="decoder.deleted",
        what=f"decoder {decoder_ref}",
    )


@SUBSCRIBER.post(
    "/decoders/lab",
    "tryDecoder",
    "Decoders",
    "Test a decoder on payloads or stored frames.",
    max_body=_most_body,
    read_only=True,
)
async def try_decoder(request: Request, services: Services, scope: Scope, body: Lab) -> list[LabResult]:
    """Try a decoder without saving it."""
    decoders.check_source(body.source, _most_source(services))
    program = Program(body.kind, body.source)
    language = language_of(request)
    turn = Turn(scope.subscriber_ref, language, console=True)
    if body.encode is not None:
        (answer,) = await run_program(services, turn, program, "encodeDownlink", [{"data": body.encode}])
        return [
            LabResult("", 0, None, _raw(answer.value), error_of(answer, language), _console(answer, language))
        ]
    now = int(services.platform.clock() * 1000)
    tried = [_tried(trial, now) for trial in body.trials[:_MOST_TRIED]]
    if body.deviceRef:
        tried += await _stored(services, scope, body.deviceRef)
    inputs = [frame_input(bytes.fromhex(each.payload), each.fport, each.time) for each in tried]
    answers = await run_program(services, turn, program, "decodeUplink", inputs)
    return [
        LabResult(
            each.payload,
            each.fport,
            timestamp(each.time),
            _raw(answer.value),
            error_of(answer, language),
            _console(answer, language),
        )
        for each, answer in zip(tried, answers, strict=True)
    ]


class _Tried(NamedTuple):
    payload: str
    fport: int
    time: int


def _tried(trial: Trial, now: int) -> _Tried:
    try:
        payload = bytes.fromhex(trial.payload).hex()
    except ValueError:
        raise InvalidField("trials: payload must be hexadecimal digits, two for each octet") from None
    if not 0 <= trial.fPort <= 255:
        raise InvalidField("trials: fPort is {f_port} and must lie between 0 and 255", f_port=trial.fPort)
    if not trial.recvTime:
        return _Tried(payload, trial.fPort, now)
    received = trial.recvTime.strip().replace(" ", "T")
    return _Tried(payload, trial.fPort, moment(received, "trials: recvTime"))


async def _stored(services: Services, scope: Scope, device_ref: str) -> list[_Tried]:
    """The newest uplinks of a device, as far as the network can read them."""
    of = Whose(scope.operator_ref, scope.subscriber_ref)

    def read(connection: Connection) -> Page:
        ref = devices.device_ref(connection, scope, device_ref)
        wanted = Query(device_ref=ref, packet_types=frozenset({"UPLINK_DATA", "UPLINK_MAC_DATA"}))
        return search(connection, of, wanted, None, _MOST_TRIED, services.platform.base_stations.place_of)

    page = await services.read(read)
    return [
        _Tried(line.payload, line.fPort or 0, moment_of(line.time))
        for line in page.frames
        if line.payload and not line.encrypted
    ]


def _console(answer: Decoded, language: Language) -> list[str]:
    return [in_language(line, language) for line in answer.console]


def _raw(value: str | None) -> msgspec.Raw | None:
    return None if value is None else msgspec.Raw(value.encode())
