"""Clock synchronisation (TS003-1.0.0 and TS003-2.0.0, of one wire form): a device learns GPS time."""

from __future__ import annotations

from typing import ClassVar, Self

from .command import Fixed, Package

_LARGEST = 2**31 - 1


def correction(device_time: int, network_time: float) -> int:
    """Seconds to add to a device's clock, both in GPS seconds; as much of it as the answer can carry."""
    return max(-_LARGEST - 1, min(_LARGEST, round(network_time) - device_time))


class AppTimeReq(Fixed, frozen=True, gc=False):
    """`device_time` in GPS seconds, modulo 2^32, when the frame was sent."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "AppTimeReq"
    SIZE: ClassVar[int] = 5

    device_time: int
    token: int
    answer_required: bool

    def payload(self) -> bytes:
        return self.device_time.to_bytes(4, "little") + bytes((self.answer_required << 4 | self.token,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets[:4], "little"), octets[4] & 0x0F, bool(octets[4] & 0x10))


class AppTimeAns(Fixed, frozen=True, gc=False):
    """`correction` in seconds, signed."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "AppTimeAns"
    SIZE: ClassVar[int] = 5

    correction: int
    token: int

    def payload(self) -> bytes:
        return self.correction.to_bytes(4, "little", signed=True) + bytes((self.token,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets[:4], "little", signed=True), octets[4] & 0x0F)


class DeviceAppTimePeriodicityReq(Fixed, frozen=True, gc=False):
    """Ask for an AppTimeReq every 128 * 2^`period` s, give or take 30 s."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "DeviceAppTimePeriodicityReq"
    SIZE: ClassVar[int] = 1

    period: int

    def payload(self) -> bytes:
        return bytes((self.period,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x0F)


class DeviceAppTimePeriodicityAns(Fixed, frozen=True, gc=False):
    """`time` is the device's clock in GPS seconds."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "DeviceAppTimePeriodicityAns"
    SIZE: ClassVar[int] = 5

    not_supported: bool
    time: int

    def payload(self) -> bytes:
        return bytes((self.not_supported,)) + self.time.to_bytes(4, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(bool(octets[0] & 1), int.from_bytes(octets[1:], "little"))


class ForceDeviceResyncReq(Fixed, frozen=True, gc=False):
    """Ask for so many AppTimeReq at once; 0 asks for none."""

    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "ForceDeviceResyncReq"
    SIZE: ClassVar[int] = 1

    transmissions: int

    def payload(self) -> bytes:
        return bytes((self.transmissions,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x07)


CLOCK_SYNC = Package(
    port=202,
    identifier=1,
    version=1,
    uplink=(AppTimeReq, DeviceAppTimePeriodicityAns),
    downlink=(AppTimeAns, DeviceAppTimePeriodicityReq, ForceDeviceResyncReq),
)
