"""Decodes payloads with the subscriber's decoders. Encrypted payloads stay encrypted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.decoders import Busy, CayenneError, Decoded, Function, decode_cayenne
from veldnet.inventory import decoders
from veldnet.inventory.decoders import Program
from veldnet.monitoring.logger import Line, Whose
from veldnet.texts import Language, Text, in_language

# What reads the payload of a frame.
_FUNCTIONS: dict[str, Function] = {
    "UPLINK_DATA": "decodeUplink",
    "UPLINK_MAC_DATA": "decodeUplink",
    "DOWNLINK_DATA": "decodeDownlink",
    "DOWNLINK_MAC_DATA": "decodeDownlink",
}


# Cayenne LPP is read on the event loop, so many frames at a time.
_AT_ONCE = 50


def frame_input(payload: bytes, fport: int | None, time: int) -> dict[str, Any]:
    """The argument of `decodeUplink` and `decodeDownlink` (TS013); the worker makes a Date of the
    milliseconds. `variables` is ChirpStack's, and empty."""
    return {"bytes": list(payload), "fPort": fport or 0, "recvTime": time, "variables": {}}


class Turn(msgspec.Struct, frozen=True):
    """For whom a decoder runs, and how: the language of warnings, with what it writes to the console, and
    `patient` where the subscriber has many runs in progress, which else is answered with 429."""

    subscriber: int
    language: Language = "en"
    console: bool = False
    patient: bool = False


async def run_program(
    services: Services,
    turn: Turn,
    program: Program,
    function: Function,
    inputs: Sequence[dict[str, Any]],
) -> list[Decoded]:
    """Call a function of a subscriber's decoder for each input."""
    if program.kind == "JAVASCRIPT":
        try:
            return await services.platform.decoders.run(
                turn.subscriber,
                program.source,
                function,
                inputs,
                console=turn.console,
                patient=turn.patient,
            )
        except Busy as busy:
            raise GatewayError(
                429,
                "Too many of your decoder runs are queued; try again in a few seconds",
                {"retry-after": str(busy.retry_after)},
            ) from None
    if function != "decodeUplink":
        return [Decoded(error=Text("Cayenne LPP reads uplinks; send downlinks as bytes"))] * len(inputs)
    answers = []
    for count, given in enumerate(inputs, 1):
        answers.append(_cayenne(bytes(given["bytes"]), turn.language))
        if count % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return answers


def _cayenne(payload: bytes, language: Language) -> Decoded:
    try:
        reading = decode_cayenne(payload)
    except CayenneError as error:
        return Decoded(error=error.args[0])
    result: dict[str, Any] = {"data": reading.values}
    if reading.warning is not None:
        result["warnings"] = [in_language(reading.warning, language)]
    return Decoded(value=msgspec.json.encode(result).decode())


async def decode_lines(
    services: Services, of: Whose, lines: Sequence[Line], language: Language, *, patient: bool = False
) -> None:
    """Add to lines what the subscriber's decoders make of their payloads; what goes wrong in a language."""
    if of.subscriber_ref is None:
        return
    subscriber = of.subscriber_ref
    readable = [line for line in lines if line.payload and not line.encrypted and line.type in _FUNCTIONS]
    if not readable:
        return
    refs = {int(str(line.deviceRef)) for line in readable}

    def find(connection: Connection) -> tuple[dict[int, int], dict[int, Program]]:
        profiles = decoders.profiles_of(connection, refs)
        return profiles, decoders.programs(connection, subscriber, set(profiles.values()))

    profiles, programs = await services.read(find)
    turn = Turn(subscriber, language, patient=patient)
    groups: dict[tuple[int, Function], list[Line]] = {}
    for line in readable:
        profile = profiles.get(int(str(line.deviceRef)))
        if profile is not None and profile in programs:
            groups.setdefault((profile, _FUNCTIONS[line.type]), []).append(line)
    for (profile, function), group in groups.items():
        inputs = [
            frame_input(bytes.fromhex(str(line.payload)), line.fPort, moment_of(line.time)) for line in group
        ]
        answers = await run_program(services, turn, programs[profile], function, inputs)
        for line, answer in zip(group, answers, strict=True):
            if answer.value is not None:
                line.decoded = msgspec.Raw(answer.value.encode())
            elif function == "decodeUplink":
                # Few decoders read downlinks; that one does not is no news.
                line.decoded = msgspec.Raw(msgspec.json.encode({"errors": [error_of(answer, language)]}))


def error_of(answer: Decoded, language: Language) -> str | None:
    """Why a decoder made nothing of a frame, in a language."""
    return None if answer.error is None else in_language(answer.error, language)


def moment_of(time: str) -> int:
    """Milliseconds since 1970 of a time as the API writes it."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def texts_of(value: Any) -> list[str]:
    """The errors or warnings of a result, whatever a decoder made of them."""
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, str) else msgspec.json.encode(item).decode() for item in items[:20]]
