"""NewChannel: define or remove a channel in dynamic channel plans (TS001-1.0.4 §5.6)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import frequency_from_wire, frequency_to_wire


class NewChannelReq(msgspec.Struct, frozen=True, gc=False):
    """`frequency` in Hz, 0 removes the channel."""

    CID: ClassVar[int] = 0x07
    SIZE: ClassVar[int] = 5
    NAME: ClassVar[str] = "NewChannelReq"

    ch_index: int
    frequency: int
    min_dr: int
    max_dr: int

    def payload(self) -> bytes:
        return (
            bytes((self.ch_index,))
            + frequency_to_wire(self.frequency)
            + bytes((self.max_dr << 4 | self.min_dr,))
        )

    @classmethod
    def from_payload(cls, octets: bytes) -> NewChannelReq:
        return cls(octets[0], frequency_from_wire(octets[1:4]), octets[4] & 0x0F, octets[4] >> 4)


class NewChannelAns(msgspec.Struct, frozen=True, gc=False):
    """Unless both are true the channel was not created."""

    CID: ClassVar[int] = 0x07
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "NewChannelAns"

    data_rate_range_ok: bool
    frequency_ok: bool

    def payload(self) -> bytes:
        return bytes((self.data_rate_range_ok << 1 | self.frequency_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> NewChannelAns:
        return cls(bool(octets[0] & 2), bool(octets[0] & 1))
