"""Base of MAC commands: identifier, fixed length and wire form."""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

import msgspec


class MacCommand(Protocol):
    """One MAC command in one direction. `payload` is the wire form without the CID."""

    CID: ClassVar[int]
    SIZE: ClassVar[int]
    NAME: ClassVar[str]

    def payload(self) -> bytes: ...

    @classmethod
    def from_payload(cls, octets: bytes) -> Self: ...


class Empty(msgspec.Struct, frozen=True, gc=False):
    """Base of the commands that carry nothing but their CID."""

    SIZE: ClassVar[int] = 0

    def payload(self) -> bytes:
        return b""

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls()


class MinorVersion(msgspec.Struct, frozen=True, gc=False):
    """Base of the commands that agree on a minor version of LoRaWAN 1.x; 1 is LoRaWAN 1.1."""

    SIZE: ClassVar[int] = 1

    minor: int

    def payload(self) -> bytes:
        return bytes((self.minor,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x0F)


def frequency_to_wire(hertz: int) -> bytes:
    """24-bit frequency in steps of 100 Hz."""
    return (hertz // 100).to_bytes(3, "little")


def frequency_from_wire(octets: bytes) -> int:
    """Hertz of a 24-bit frequency field."""
    return int.from_bytes(octets, "little") * 100
