"""Base of package commands: identifier, length and wire form; and the version question of each package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol, Self

import msgspec


class PackageCommand(Protocol):
    """One command of a package in one direction. `payload` is the wire form without the CID."""

    CID: ClassVar[int]
    NAME: ClassVar[str]

    def payload(self) -> bytes: ...

    @classmethod
    def size(cls, octets: bytes) -> int:
        """The length of the command that `octets` begin with, CID left out; more than there are if cut."""

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        """The command, of as many octets as `size` says."""


class Fixed(msgspec.Struct, frozen=True, gc=False):
    """Base of the commands of one length."""

    SIZE: ClassVar[int]

    @classmethod
    def size(cls, octets: bytes) -> int:
        return cls.SIZE


class PackageVersionReq(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x00
    NAME: ClassVar[str] = "PackageVersionReq"
    SIZE: ClassVar[int] = 0

    def payload(self) -> bytes:
        return b""

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls()


class PackageVersionAns(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x00
    NAME: ClassVar[str] = "PackageVersionAns"
    SIZE: ClassVar[int] = 2

    identifier: int
    version: int

    def payload(self) -> bytes:
        return bytes((self.identifier, self.version))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0], octets[1])


class PackageStream(msgspec.Struct, frozen=True):
    """The commands of one frame, in order; `rest` is what an unknown or cut command left unread."""

    commands: tuple[PackageCommand, ...]
    rest: bytes = b""


def _by_cid(commands: Iterable[type[PackageCommand]]) -> Mapping[int, type[PackageCommand]]:
    return {command.CID: command for command in commands}


class Package:
    """A package in one version: the port it has unless a device is set otherwise, its identifier in
    PackageVersionAns, and its commands in both directions."""

    def __init__(
        self,
        port: int,
        identifier: int,
        version: int,
        uplink: Iterable[type[PackageCommand]],
        downlink: Iterable[type[PackageCommand]],
    ) -> None:
        self.port, self.identifier, self.version = port, identifier, version
        self.uplink = _by_cid((PackageVersionAns, *uplink))
        self.downlink = _by_cid((PackageVersionReq, *downlink))


def parse(octets: bytes, registry: Mapping[int, type[PackageCommand]]) -> PackageStream:
    """Read the commands of one frame; an unknown CID ends the reading, for its length is not known."""
    commands: list[PackageCommand] = []
    position = 0
    while position < len(octets):
        kind = registry.get(octets[position])
        left = octets[position + 1 :]
        size = 0 if kind is None else kind.size(left)
        if kind is None or size > len(left):
            return PackageStream(tuple(commands), octets[position:])
        commands.append(kind.from_payload(left[:size]))
        position += 1 + size
    return PackageStream(tuple(commands))


def serialise(commands: Iterable[PackageCommand]) -> bytes:
    """CID and payload of each command, in order."""
    return b"".join(bytes((command.CID,)) + command.payload() for command in commands)
