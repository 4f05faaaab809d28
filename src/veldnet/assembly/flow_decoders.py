"""Decoders of device profiles, as flows use them: payloads of uplinks, and objects of downlinks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from veldnet.decoders import CayenneError, Decoded, Function, decode_cayenne
from veldnet.domain.devices import DeviceRow
from veldnet.inventory import decoders
from veldnet.inventory.decoders import Program
from veldnet.routing import BadDownlink, Decoding, FlowNote, Instruction

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

# Seconds for which a decoder is not read again.
_PROGRAM_FOR = 5.0
_MOST_PROGRAMS = 1_000
_MOST_OCTETS = 250


class FlowDecoders:
    """They are kept for a few seconds."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._programs: dict[tuple[int, int], tuple[float, Program | None]] = {}

    def forget(self) -> None:
        """They may have changed."""
        self._programs.clear()

    async def _program(self, subscriber_ref: int, profile_ref: int) -> Program | None:
        key, now = (subscriber_ref, profile_ref), time.monotonic()
        known = self._programs.get(key)
        if known is not None and known[0] > now:
            return known[1]
        found = await self._platform.store.read(lambda c: decoders.programs(c, subscriber_ref, {profile_ref}))
        if len(self._programs) >= _MOST_PROGRAMS:
            self._programs.clear()
        program = found.get(profile_ref)
        self._programs[key] = now + _PROGRAM_FOR, program
        return program

    async def _run(
        self, subscriber_ref: int, program: Program, function: Function, given: dict[str, Any]
    ) -> Decoded:
        (answer,) = await self._platform.decoders.run(
            subscriber_ref, program.source, function, [given], patient=True
        )
        return answer

    async def decode(self, subscriber_ref: int, note: FlowNote) -> Decoding | None:
        assert note.payload is not None
        program = await self._program(subscriber_ref, note.profile_ref)
        if program is None:
            return None
        if program.kind != "JAVASCRIPT":
            try:
                return Decoding(decode_cayenne(note.payload).values)
            except CayenneError as error:
                return Decoding(error=str(error))
        given = {
            "bytes": list(note.payload),
            "fPort": note.fport or 0,
            "recvTime": note.time,
            "variables": {},
        }
        answer = await self._run(subscriber_ref, program, "decodeUplink", given)
        if answer.value is None:
            return Decoding(error=str(answer.error))
        result = msgspec.json.decode(answer.value)
        if not isinstance(result, dict) or result.get("errors"):
            return Decoding(error=_words(result))
        warnings = result.get("warnings") or []
        listed = warnings if isinstance(warnings, list) else [warnings]
        return Decoding(result.get("data"), tuple(str(each)[:500] for each in listed[:20]))

    async def encode(self, row: DeviceRow, instruction: Instruction) -> tuple[int | None, bytes]:
        """Port and octets that the decoder of the profile makes of an object. Raises `BadDownlink`."""
        program = await self._program(row.subscriber_ref, row.profile_ref)
        if program is None or program.kind != "JAVASCRIPT":
            raise BadDownlink("the device profile has no decoder with encodeDownlink; give octets")
        given = {"data": instruction.values}
        answer = await self._run(row.subscriber_ref, program, "encodeDownlink", given)
        if answer.value is None:
            raise BadDownlink(f"encodeDownlink failed: {answer.error}")
        made = msgspec.json.decode(answer.value)
        octets = made.get("bytes") if isinstance(made, dict) else None
        if not isinstance(octets, list) or len(octets) > _MOST_OCTETS or made.get("errors"):
            raise BadDownlink(f"encodeDownlink failed: {_words(made)}")
        try:
            return instruction.fport or int(made.get("fPort") or 1), bytes(octets)
        except (TypeError, ValueError):
            raise BadDownlink("encodeDownlink returned no octets") from None


def _words(result: Any) -> str:
    """What a decoder says is wrong."""
    errors = result.get("errors") if isinstance(result, dict) else None
    if not errors:
        return "it returned no result"
    listed = errors if isinstance(errors, list) else [errors]
    return "; ".join(str(each)[:200] for each in listed[:5])
