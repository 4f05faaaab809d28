"""Payloads read with the subscriber's decoders. What is encrypted stays so: the network has no key for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from veldnet.api.services import Services
from veldnet.decoders import Decoded, decode_cayenne
from veldnet.decoders.cayenne import CayenneError
from veldnet.inventory import decoders
from veldnet.inventory.decoders import Program
from veldnet.monitoring.logger import Line, Whose

# What reads the payload of a frame.
_FUNCTIONS = {
    "UPLINK_DATA": "decodeUplink",
    "UPLINK_MAC_DATA": "decodeUplink",
    "DOWNLINK_DATA": "decodeDownlink",
    "DOWNLINK_MAC_DATA": "decodeDownlink",
}


def uplink_input(payload: bytes, fport: int | None, time: str) -> dict[str, Any]:
    """The argument of `decodeUplink` (TS013)."""
    return {"bytes": list(payload), "fPort": fport or 0, "recvTime": time}


async def run_program(
    services: Services, program: Program, function: str, inputs: Sequence[dict[str, Any]]
) -> list[Decoded]:
    """Call a function of a decoder for each input."""
    if program.kind == "JAVASCRIPT":
        return await services.platform.decoders.run(program.source, function, inputs)
    if function != "decodeUplink":
        return [Decoded(error="Cayenne LPP reads uplinks; send downlinks as bytes")] * len(inputs)
    answers = []
    for given in inputs:
        try:
            data = decode_cayenne(bytes(given["bytes"]))
            answers.append(Decoded(value=msgspec.json.encode({"data": data}).decode()))
        except CayenneError as error:
            answers.append(Decoded(error=str(error)))
    return answers


async def decode_lines(services: Services, of: Whose, lines: Sequence[Line]) -> None:
    """Add to lines what the subscriber's decoders make of their payloads."""
    if of.subscriber_ref is None:
        return
    subscriber = of.subscriber_ref
    readable = [line for line in lines if line.payload and not line.encrypted and line.type in _FUNCTIONS]
    if not readable:
        return
    programs = await services.read(lambda c: decoders.programs(c, subscriber))
    profiles = await services.read(
        lambda c: decoders.profiles_of(c, {int(str(line.deviceRef)) for line in readable})
    )
    groups: dict[tuple[int, str], list[Line]] = {}
    for line in readable:
        profile = profiles.get(int(str(line.deviceRef)))
        if profile is not None and profile in programs:
            groups.setdefault((profile, _FUNCTIONS[line.type]), []).append(line)
    for (profile, function), group in groups.items():
        inputs = [uplink_input(bytes.fromhex(str(line.payload)), line.fPort, line.time) for line in group]
        answers = await run_program(services, programs[profile], function, inputs)
        for line, answer in zip(group, answers, strict=True):
            if answer.value is not None:
                line.decoded = msgspec.Raw(answer.value.encode())
            elif function == "decodeUplink":
                # Few decoders read downlinks; that one does not is no news.
                line.decoded = msgspec.Raw(msgspec.json.encode({"errors": [answer.error]}))
