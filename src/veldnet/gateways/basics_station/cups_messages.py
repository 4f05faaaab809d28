"""CUPS of Basics Station: what a station reports of its configuration, and the binary answer."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from veldnet.lorawan import GatewayEui
from veldnet.lorawan.identifiers import InvalidIdentifier

from .messages import MessageError
from .router_ids import parse_router_id

# What stands for a certificate or key that is absent, in segments and in the sum over them.
_ABSENT = bytes(4)
# The sum of a station that has no credentials.
NO_CREDENTIALS = zlib.crc32(_ABSENT * 3)

_Sum = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
_Text = Annotated[str, Meta(max_length=256)]


class _Body(msgspec.Struct):
    router: int | str
    cupsUri: _Text | None = None
    tcUri: _Text | None = None
    cupsCredCrc: _Sum = NO_CREDENTIALS
    tcCredCrc: _Sum = NO_CREDENTIALS
    station: _Text | None = None
    model: _Text | None = None
    package: _Text | None = None
    keys: Annotated[list[_Sum], Meta(max_length=32)] = []


class Report(msgspec.Struct, frozen=True):
    """What a station says of itself: the URIs it has, sums over its credentials for CUPS and LNS, its
    versions, and sums of the keys that it takes updates from."""

    gateway: GatewayEui
    cups_uri: str | None
    lns_uri: str | None
    cups_sum: int
    lns_sum: int
    station: str | None
    model: str | None
    package: str | None
    keys: tuple[int, ...]


_DECODER = msgspec.json.Decoder(_Body)


def parse_report(body: bytes) -> Report:
    """Raises `MessageError`."""
    try:
        found = _DECODER.decode(body)
        gateway = parse_router_id(found.router)
    except InvalidIdentifier as error:
        raise MessageError("bad_router", error.args[0]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MessageError(
            "bad_report", "the report cannot be read: {error}", error=str(error)[:200]
        ) from None
    return Report(
        gateway,
        _printable(found.cupsUri),
        _printable(found.tcUri),
        found.cupsCredCrc,
        found.tcCredCrc,
        _printable(found.station),
        _printable(found.model),
        _printable(found.package),
        tuple(found.keys),
    )


def _printable(text: str | None) -> str | None:
    """A text without characters that would disturb logs and tables; None for an empty one."""
    return None if text is None else "".join(each for each in text if each.isprintable()) or None


class Credentials(msgspec.Struct, frozen=True):
    """What a station trusts (DER), and what it proves itself with, as it stands in a segment: a certificate
    and its key, both DER, or four zeros and a token's header line."""

    trust: bytes
    proof: bytes

    def segment(self) -> bytes:
        return self.trust + self.proof

    def sum(self) -> int:
        """The sum that a station reports once it has these."""
        return zlib.crc32(self.segment())


def token_proof(line: bytes) -> bytes:
    """What a station proves itself with by a token's header line."""
    return _ABSENT + line


def fits(der: bytes) -> bool:
    """Whether Station finds the end of a DER structure: it knows lengths below 128, and of two octets."""
    if der[:1] != b"\x30" or len(der) < 4:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    return der[1] == 0x82 and len(der) == 4 + int.from_bytes(der[2:4], "big")


class Update(msgspec.Struct, frozen=True):
    """Firmware of an answer: `parts` gives its content, `taken` is called once the station has all of it."""

    size: int
    parts: Callable[[], AsyncIterator[bytes]]
    taken: Callable[[], Awaitable[None]]


class Segments(msgspec.Struct, frozen=True):
    """An answer; what is empty stays as it is. `signature` begins with the sum of its key."""

    cups_uri: str = ""
    lns_uri: str = ""
    cups_credentials: bytes = b""
    lns_credentials: bytes = b""
    signature: bytes = b""
    update: Update | None = None

    def encode(self) -> bytes:
        """All but the content of the update, which follows."""
        parts: tuple[tuple[int, bytes], ...] = (
            (1, self.cups_uri.encode()),
            (1, self.lns_uri.encode()),
            (2, self.cups_credentials),
            (2, self.lns_credentials),
            (4, self.signature),
        )
        before = b"".join(len(part).to_bytes(width, "little") + part for width, part in parts)
        return before + self.update_size.to_bytes(4, "little")

    @property
    def update_size(self) -> int:
        return 0 if self.update is None else self.update.size


def signature_segment(key_sum: int, signature: bytes) -> bytes:
    """A signature, after the sum of its key."""
    return key_sum.to_bytes(4, "little") + signature
