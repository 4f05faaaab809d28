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


def uplink_input(payload: bytes, fport: int | None, time: str) -> dict[str, Any]:
    """The argument of `decodeUplink` (TS013)."""
    return {"bytes": list(payload), "fPort": fport or 0, "recvTime": time}


async def run_program(
    services: Services, program: Program, function: str, inputs: Sequence[dict[str, Any]]
) -> list[Decoded]:
    """Call a function of a decoder for each input."""
    if program.kind == "JAVASCRIPT":
        return await services.platform.decoders.run(program.source, function, inputs)
    if function == "encodeDownlink":
        return [Decoded(error="Cayenne LPP does not encode downlinks here; send bytes")] * len(inputs)
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
    readable = [
        line
        for line in lines
        if line.payload and not line.encrypted and line.type in ("UPLINK_DATA", "UPLINK_MAC_DATA")
    ]
    if not readable:
        return
    programs = await services.read(lambda c: decoders.programs(c, subscriber))
    profiles = await services.read(
        lambda c: decoders.profiles_of(c, {int(str(line.deviceRef)) for line in readable})
    )
    by_profile: dict[int, list[Line]] = {}
    for line in readable:
        profile = profiles.get(int(str(line.deviceRef)))
        if profile is not None and profile in programs:
            by_profile.setdefault(profile, []).append(line)
    for profile, group in by_profile.items():
        inputs = [uplink_input(bytes.fromhex(str(line.payload)), line.fPort, line.time) for line in group]
        for line, answer in zip(
            group, await run_program(services, programs[profile], "decodeUplink", inputs), strict=True
        ):
            line.decoded = msgspec.Raw(
                (answer.value or msgspec.json.encode({"errors": [answer.error]}).decode()).encode()
            )
