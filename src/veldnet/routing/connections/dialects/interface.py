"""What a dialect is, and what it may know besides record and device."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from veldnet.domain.devices import DeviceRow
from veldnet.lorawan import BaseStationId
from veldnet.network.core import Device, Record
from veldnet.routing.connections.model import Decoding, Event
from veldnet.routing.messages import MessageWriter, Position, Positions


class Stations(Positions, Protocol):
    """Where base stations stand, and what they are called elsewhere."""

    def eui(self, base_station: BaseStationId) -> str: ...


class Facts(msgspec.Struct, frozen=True):
    """What a dialect is told: `known` is what templates know of the connection, `profile_id` the id of the
    device's profile."""

    writer: MessageWriter
    stations: Stations
    known: Mapping[str, str]
    profile_id: str = ""

    def position(self, base_station: BaseStationId) -> Position | None:
        return self.stations.position(base_station)

    def gateway(self, base_station: BaseStationId) -> str:
        """The EUI of a base station, 16 hexadecimal digits; of one that was removed since, its id."""
        try:
            return self.stations.eui(base_station).lower()
        except KeyError:
            return f"{str(base_station).lower():0>16}"


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """A downlink as a dialect asks for it. `dev_eui` is what the message itself says, if anything;
    `values` is an object for the decoder's `encodeDownlink`, in place of a `payload`. `replace` has it take
    the place of the whole queue; with `fcnt` the payload is encrypted already."""

    dev_eui: str | None = None
    fport: int | None = None
    payload: bytes | None = None
    values: dict[str, Any] | None = None
    confirmed: bool = False
    replace: bool = False
    fcnt: int | None = None
    expires_at: float | None = None
    priority: int = 0
    correlation_id: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What became of a downlink when it came: `refused` says why it was not queued."""

    instruction: Instruction
    refused: str | None
    now: float


class BadDownlink(Exception):
    """A message on the topic of downlinks that is none; the text says why."""


class Dialect(Protocol):
    def events(self, record: Record, device: Device, facts: Facts) -> list[Event]:
        """What a record means to applications, in order."""

    def with_decoding(self, document: dict[str, Any], decoding: Decoding) -> Event | None:
        """Put what a decoder has read into the document of an event. Where it has failed, and the dialect has
        no place for that in the event, returns what is said besides."""

    def trial(self, facts: Facts, now: float) -> Event:
        """A message with which a connection is tried, of no device."""

    def downlinks(self, body: bytes, now: float, *, replaces: bool = False) -> list[Instruction]:
        """Read a message of the topic of downlinks, or of the one where the first of them `replaces` the
        queue. Raises `BadDownlink`."""

    def answered(self, answer: Answer, row: DeviceRow, facts: Facts) -> Event | None:
        """What is said at once of a downlink; None where there is no message for it."""


def utc_text(unix: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def base64_text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def octets_of(text: Any, where: str) -> bytes:
    """Octets in base64. Raises `BadDownlink`."""
    if not isinstance(text, str) or len(text) > 1000:
        raise BadDownlink(f"{where} must be base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadDownlink(f"{where} is not base64") from None


def whole(value: Any, where: str, least: int, most: int) -> int:
    """A whole number, which may be written as text. Raises `BadDownlink`."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadDownlink(f"{where} must be a number from {least} to {most}")
    return value


def json_object(body: bytes) -> dict[str, Any]:
    """Raises `BadDownlink`."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadDownlink(f"it is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadDownlink("it is no JSON object")
    return found
