"""Firmware management (TS006-1.0.0): what a device runs, what it has received, when it reboots."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from .command import Fixed, Package

# Values of RebootTime, beside GPS seconds.
NEVER, NOW = 0, 0xFFFFFFFF
# Values of `DevUpgradeImageAns.status`.
NO_IMAGE, CORRUPT, INCOMPATIBLE, VALID = range(4)


class _Question(Fixed, frozen=True, gc=False):
    """Base of the requests that carry nothing."""

    SIZE: ClassVar[int] = 0

    def payload(self) -> bytes:
        return b""

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls()


class DevVersionReq(_Question, frozen=True, gc=False):
    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "DevVersionReq"


class DevVersionAns(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "DevVersionAns"
    SIZE: ClassVar[int] = 8

    firmware: int
    hardware: int

    def payload(self) -> bytes:
        return self.firmware.to_bytes(4, "little") + self.hardware.to_bytes(4, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets[:4], "little"), int.from_bytes(octets[4:], "little"))


class _RebootTime(Fixed, frozen=True, gc=False):
    """Base of both directions. `time` in GPS seconds, or NEVER, which takes a request back, or NOW."""

    SIZE: ClassVar[int] = 4

    time: int

    def payload(self) -> bytes:
        return self.time.to_bytes(4, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets, "little"))


class DevRebootTimeReq(_RebootTime, frozen=True, gc=False):
    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "DevRebootTimeReq"


class DevRebootTimeAns(_RebootTime, frozen=True, gc=False):
    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "DevRebootTimeAns"


class _Countdown(Fixed, frozen=True, gc=False):
    """Base of both directions. Reboot after so many `seconds`."""

    SIZE: ClassVar[int] = 3

    seconds: int

    def payload(self) -> bytes:
        return self.seconds.to_bytes(3, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets, "little"))


class DevRebootCountdownReq(_Countdown, frozen=True, gc=False):
    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "DevRebootCountdownReq"


class DevRebootCountdownAns(_Countdown, frozen=True, gc=False):
    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "DevRebootCountdownAns"


class DevUpgradeImageReq(_Question, frozen=True, gc=False):
    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "DevUpgradeImageReq"


class DevUpgradeImageAns(msgspec.Struct, frozen=True, gc=False):
    """`status` of the image that was received; `next_firmware` is its version where it is VALID."""

    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "DevUpgradeImageAns"

    status: int
    next_firmware: int | None = None

    def payload(self) -> bytes:
        version = b"" if self.next_firmware is None else self.next_firmware.to_bytes(4, "little")
        return bytes((self.status,)) + version

    @classmethod
    def size(cls, octets: bytes) -> int:
        return 5 if octets and octets[0] & 0x03 == VALID else 1

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        version = int.from_bytes(octets[1:], "little") if len(octets) > 1 else None
        return cls(octets[0] & 0x03, version)


class DevDeleteImageReq(Fixed, frozen=True, gc=False):
    """Drop the image of version `firmware`."""

    CID: ClassVar[int] = 0x05
    NAME: ClassVar[str] = "DevDeleteImageReq"
    SIZE: ClassVar[int] = 4

    firmware: int

    def payload(self) -> bytes:
        return self.firmware.to_bytes(4, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets, "little"))


class DevDeleteImageAns(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x05
    NAME: ClassVar[str] = "DevDeleteImageAns"
    SIZE: ClassVar[int] = 1

    no_image: bool
    wrong_version: bool

    def payload(self) -> bytes:
        return bytes((self.no_image | self.wrong_version << 1,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(bool(octets[0] & 0x01), bool(octets[0] & 0x02))


FIRMWARE = Package(
    port=203,
    identifier=4,
    version=1,
    uplink=(DevVersionAns, DevRebootTimeAns, DevRebootCountdownAns, DevUpgradeImageAns, DevDeleteImageAns),
    downlink=(
        DevVersionReq,
        DevRebootTimeReq,
        DevRebootCountdownReq,
        DevUpgradeImageReq,
        DevDeleteImageReq,
    ),
)
