"""Remote multicast setup (TS005): devices become members of a group and listen together.

Versions 1.0.0 and 2.0.0 differ in one bit of an answer, `start_missed`, which version 1 leaves 0.
"""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from veldnet.lorawan.identifiers import DevAddr

from .command import Fixed, Package

_ID = 0x03
_DATA_RATE_ERROR, _FREQUENCY_ERROR, _UNDEFINED, _START_MISSED = 0x04, 0x08, 0x10, 0x20
_REFUSED = _DATA_RATE_ERROR | _FREQUENCY_ERROR | _UNDEFINED


class GroupAddress(msgspec.Struct, frozen=True, gc=False):
    """A group as a device knows it."""

    group: int
    address: DevAddr


class McGroupStatusReq(Fixed, frozen=True, gc=False):
    """Which of the groups 0 to 3 a device has; a bit of `mask` for each that is asked for."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "McGroupStatusReq"
    SIZE: ClassVar[int] = 1

    mask: int

    def payload(self) -> bytes:
        return bytes((self.mask,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x0F)


class McGroupStatusAns(msgspec.Struct, frozen=True, gc=False):
    """`total` groups are defined; `groups` are those of them that were asked for, a bit of `mask` each."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "McGroupStatusAns"
    _ENTRY: ClassVar[int] = 5

    total: int
    mask: int
    groups: tuple[GroupAddress, ...]

    def payload(self) -> bytes:
        entries = (bytes((entry.group,)) + entry.address.to_wire() for entry in self.groups)
        return bytes((self.total << 4 | self.mask,)) + b"".join(entries)

    @classmethod
    def size(cls, octets: bytes) -> int:
        return 1 + cls._ENTRY * (octets[0] & 0x0F).bit_count() if octets else 1

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        entries = (octets[start : start + cls._ENTRY] for start in range(1, len(octets), cls._ENTRY))
        groups = tuple(GroupAddress(entry[0] & _ID, DevAddr.from_wire(entry[1:])) for entry in entries)
        return cls(octets[0] >> 4 & 0x07, octets[0] & 0x0F, groups)


class McGroupSetupReq(Fixed, frozen=True, gc=False):
    """Join a group. `encrypted_key` is McKey under the device's McKEKey; the counters are the first and the
    last that the device takes in."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "McGroupSetupReq"
    SIZE: ClassVar[int] = 29

    group: int
    address: DevAddr
    encrypted_key: bytes
    first_fcnt: int
    last_fcnt: int

    def payload(self) -> bytes:
        counters = self.first_fcnt.to_bytes(4, "little") + self.last_fcnt.to_bytes(4, "little")
        return bytes((self.group,)) + self.address.to_wire() + self.encrypted_key + counters

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        first, last = int.from_bytes(octets[21:25], "little"), int.from_bytes(octets[25:29], "little")
        return cls(octets[0] & _ID, DevAddr.from_wire(octets[1:5]), octets[5:21], first, last)


class _GroupAnswer(Fixed, frozen=True, gc=False):
    """Base of the answers that name a group and whether the device does not take its number."""

    SIZE: ClassVar[int] = 1

    group: int
    refused: bool

    def payload(self) -> bytes:
        return bytes((self.refused << 2 | self.group,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & _ID, bool(octets[0] & 0x04))


class McGroupSetupAns(_GroupAnswer, frozen=True, gc=False):
    """`refused`: the device has no room for a group of this number."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "McGroupSetupAns"


class McGroupDeleteReq(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "McGroupDeleteReq"
    SIZE: ClassVar[int] = 1

    group: int

    def payload(self) -> bytes:
        return bytes((self.group,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & _ID)


class McGroupDeleteAns(_GroupAnswer, frozen=True, gc=False):
    """`refused`: the device had no group of this number."""

    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "McGroupDeleteAns"


class McClassCSessionReq(Fixed, frozen=True, gc=False):
    """Listen in class C from `session_time` (GPS seconds) for 2^`timeout` s. `frequency` in Hz."""

    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "McClassCSessionReq"
    SIZE: ClassVar[int] = 10

    group: int
    session_time: int
    timeout: int
    frequency: int
    data_rate: int

    def payload(self) -> bytes:
        return _session(self.group, self.session_time, self.timeout, self.frequency, self.data_rate)

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        time, frequency = _session_fields(octets)
        return cls(octets[0] & _ID, time, octets[5] & 0x0F, frequency, octets[9])


class McClassBSessionReq(Fixed, frozen=True, gc=False):
    """Listen in class B from `session_time` (GPS seconds, a multiple of 128) for 2^`timeout` beacon periods,
    in ping slots of 2^`periodicity` s."""

    CID: ClassVar[int] = 0x05
    NAME: ClassVar[str] = "McClassBSessionReq"
    SIZE: ClassVar[int] = 10

    group: int
    session_time: int
    periodicity: int
    timeout: int
    frequency: int
    data_rate: int

    def payload(self) -> bytes:
        lasting = self.periodicity << 4 | self.timeout
        return _session(self.group, self.session_time, lasting, self.frequency, self.data_rate)

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        time, frequency = _session_fields(octets)
        lasting = octets[5]
        return cls(octets[0] & _ID, time, lasting >> 4 & 0x07, lasting & 0x0F, frequency, octets[9])


def _session(group: int, session_time: int, lasting: int, frequency: int, data_rate: int) -> bytes:
    start = bytes((group,)) + session_time.to_bytes(4, "little") + bytes((lasting,))
    return start + (frequency // 100).to_bytes(3, "little") + bytes((data_rate,))


def _session_fields(octets: bytes) -> tuple[int, int]:
    return int.from_bytes(octets[1:5], "little"), int.from_bytes(octets[6:9], "little") * 100


class _SessionAnswer(msgspec.Struct, frozen=True, gc=False):
    """Base of the answers to a session request. `time_to_start` in seconds, None where the device takes no
    part."""

    group: int
    data_rate_error: bool = False
    frequency_error: bool = False
    group_undefined: bool = False
    start_missed: bool = False
    time_to_start: int | None = None

    @property
    def accepted(self) -> bool:
        refused = self.data_rate_error or self.frequency_error or self.group_undefined
        return not (refused or self.start_missed)

    def payload(self) -> bytes:
        status = (
            self.group
            | self.data_rate_error << 2
            | self.frequency_error << 3
            | self.group_undefined << 4
            | self.start_missed << 5
        )
        time = b"" if self.time_to_start is None else self.time_to_start.to_bytes(3, "little")
        return bytes((status,)) + time

    @classmethod
    def size(cls, octets: bytes) -> int:
        """Devices differ in whether the time stands beside a missed start: it is read where it is."""
        if not octets or octets[0] & _REFUSED or (octets[0] & _START_MISSED and len(octets) < 4):
            return 1
        return 4

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        status = octets[0]
        return cls(
            status & _ID,
            bool(status & _DATA_RATE_ERROR),
            bool(status & _FREQUENCY_ERROR),
            bool(status & _UNDEFINED),
            bool(status & _START_MISSED),
            int.from_bytes(octets[1:4], "little") if len(octets) > 1 else None,
        )


class McClassCSessionAns(_SessionAnswer, frozen=True, gc=False):
    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "McClassCSessionAns"


class McClassBSessionAns(_SessionAnswer, frozen=True, gc=False):
    CID: ClassVar[int] = 0x05
    NAME: ClassVar[str] = "McClassBSessionAns"


_UPLINK = (McGroupStatusAns, McGroupSetupAns, McGroupDeleteAns, McClassCSessionAns, McClassBSessionAns)
_DOWNLINK = (McGroupStatusReq, McGroupSetupReq, McGroupDeleteReq, McClassCSessionReq, McClassBSessionReq)
MULTICAST_SETUP = {
    version: Package(port=200, identifier=2, version=version, uplink=_UPLINK, downlink=_DOWNLINK)
    for version in (1, 2)
}
