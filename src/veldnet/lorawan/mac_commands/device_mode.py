"""DeviceMode: a device changes between class A and class C (TS001-1.1 §18.3)."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

CLASS_A = 0x00
CLASS_C = 0x02


class _Mode(msgspec.Struct, frozen=True, gc=False):
    """`device_class` is 0x00 for class A, 0x02 for class C."""

    SIZE: ClassVar[int] = 1

    device_class: int

    def payload(self) -> bytes:
        return bytes((self.device_class,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0])


class DeviceModeInd(_Mode, frozen=True, gc=False):
    """Sent with every uplink until DeviceModeConf comes."""

    CID: ClassVar[int] = 0x20
    NAME: ClassVar[str] = "DeviceModeInd"


class DeviceModeConf(_Mode, frozen=True, gc=False):
    """The class the network server has noted."""

    CID: ClassVar[int] = 0x20
    NAME: ClassVar[str] = "DeviceModeConf"
