"""Fragmented data block transport (TS004): a file in fragments, with parity for those that are lost.

Versions 1.0.0 and 2.0.0 have another set-up, status and parity; version 2 also protects the block by a MIC.
"""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from veldnet.lorawan.crypto import aes_encrypt, cmac
from veldnet.lorawan.keys import AesKey

from .command import Fixed, Package

PORT, IDENTIFIER = 201, 3
# FragIndex goes to 3, N and NbFrag have 14 bits.
MAX_FRAGMENTS = 0x3FFF


def data_block_key(root_key: AesKey) -> AesKey:
    """DataBlockIntKey of version 2, from the GenAppKey of a 1.0.x device or the AppKey of a 1.1 one."""
    return AesKey(aes_encrypt(root_key, b"\x30" + bytes(15)))


def data_block_mic(key: AesKey, session: int, index: int, descriptor: bytes, block: bytes) -> bytes:
    """The MIC of a block of version 2, without its padding."""
    head = b"\x49" + session.to_bytes(2, "little") + bytes((index,)) + descriptor + bytes(4)
    return cmac(key, head + len(block).to_bytes(4, "little") + block)[:4]


class FragSessionStatusReq(Fixed, frozen=True, gc=False):
    """How many fragments have come: asked of all, or of those alone to whom some are missing."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "FragSessionStatusReq"
    SIZE: ClassVar[int] = 1

    index: int
    everybody: bool

    def payload(self) -> bytes:
        return bytes((self.index << 1 | self.everybody,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] >> 1 & 0x03, bool(octets[0] & 0x01))


class _Received(Fixed, frozen=True, gc=False):
    """Base of the status answers. `missing` ends at 255."""

    SIZE: ClassVar[int] = 4

    index: int
    received: int
    missing: int
    no_memory: bool = False
    wrong_mic: bool = False
    no_session: bool = False


class FragSessionStatusAns(_Received, frozen=True, gc=False):
    """Of version 1, which knows no MIC and says nothing where there is no session."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "FragSessionStatusAns"

    def payload(self) -> bytes:
        return _indexed(self.index, self.received) + bytes((self.missing, self.no_memory))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        index, received = _index_and_number(octets[:2])
        return cls(index, received, octets[2], bool(octets[3] & 0x01))


class FragSessionStatusAns2(_Received, frozen=True, gc=False):
    """Of version 2: the status comes first."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "FragSessionStatusAns"

    def payload(self) -> bytes:
        status = self.no_memory | self.wrong_mic << 1 | self.no_session << 2
        return bytes((status,)) + _indexed(self.index, self.received) + bytes((self.missing,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        status, (index, received) = octets[0], _index_and_number(octets[1:3])
        return cls(index, received, octets[3], bool(status & 0x01), bool(status & 0x02), bool(status & 0x04))


class FragSessionSetupReq(Fixed, frozen=True, gc=False):
    """Expect `count` fragments of `size` octets, the last one padded by `padding`. `groups` is a mask of the
    multicast groups that bring them; answers are delayed at random by up to 2^(`block_ack_delay` + 4) s."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "FragSessionSetupReq"
    SIZE: ClassVar[int] = 10

    index: int
    groups: int
    count: int
    fragment_size: int
    block_ack_delay: int
    algorithm: int
    padding: int
    descriptor: bytes

    def payload(self) -> bytes:
        control = self.algorithm << 3 | self.block_ack_delay
        start = bytes((self.index << 4 | self.groups,)) + self.count.to_bytes(2, "little")
        return start + bytes((self.fragment_size, control, self.padding)) + self.descriptor

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        control = octets[4]
        return cls(
            octets[0] >> 4 & 0x03,
            octets[0] & 0x0F,
            int.from_bytes(octets[1:3], "little"),
            octets[3],
            control & 0x07,
            control >> 3 & 0x07,
            octets[5],
            octets[6:10],
        )


class FragSessionSetupReq2(Fixed, frozen=True, gc=False):
    """Of version 2: `session` must rise, `mic` is that of the whole block, and the device may be asked to say
    when it has all (`acknowledge`)."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "FragSessionSetupReq"
    SIZE: ClassVar[int] = 16

    setup: FragSessionSetupReq
    acknowledge: bool
    session: int
    mic: bytes

    def payload(self) -> bytes:
        start = bytearray(self.setup.payload())
        start[4] |= self.acknowledge << 6
        return bytes(start) + self.session.to_bytes(2, "little") + self.mic

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        setup = FragSessionSetupReq.from_payload(octets[:10])
        session = int.from_bytes(octets[10:12], "little")
        return cls(setup, bool(octets[4] & 0x40), session, octets[12:16])


class FragSessionSetupAns(Fixed, frozen=True, gc=False):
    """What a device objects to; nothing where it is ready. `session_replayed` of version 2 alone."""

    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "FragSessionSetupAns"
    SIZE: ClassVar[int] = 1

    index: int
    unknown_algorithm: bool = False
    no_memory: bool = False
    wrong_index: bool = False
    wrong_descriptor: bool = False
    session_replayed: bool = False

    @property
    def accepted(self) -> bool:
        return not self.payload()[0] & 0x1F

    def payload(self) -> bytes:
        return bytes(
            (
                self.index << 6
                | self.unknown_algorithm
                | self.no_memory << 1
                | self.wrong_index << 2
                | self.wrong_descriptor << 3
                | self.session_replayed << 4,
            )
        )

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        status = octets[0]
        return cls(status >> 6, *(bool(status >> bit & 1) for bit in range(5)))


class FragSessionDeleteReq(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "FragSessionDeleteReq"
    SIZE: ClassVar[int] = 1

    index: int

    def payload(self) -> bytes:
        return bytes((self.index,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x03)


class FragSessionDeleteAns(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "FragSessionDeleteAns"
    SIZE: ClassVar[int] = 1

    index: int
    no_session: bool

    def payload(self) -> bytes:
        return bytes((self.no_session << 2 | self.index,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x03, bool(octets[0] & 0x04))


class FragDataBlockReceivedReq(Fixed, frozen=True, gc=False):
    """The device has rebuilt the block (version 2), and its MIC is right or wrong."""

    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "FragDataBlockReceivedReq"
    SIZE: ClassVar[int] = 1

    index: int
    wrong_mic: bool

    def payload(self) -> bytes:
        return bytes((self.wrong_mic << 2 | self.index,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x03, bool(octets[0] & 0x04))


class FragDataBlockReceivedAns(Fixed, frozen=True, gc=False):
    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "FragDataBlockReceivedAns"
    SIZE: ClassVar[int] = 1

    index: int

    def payload(self) -> bytes:
        return bytes((self.index,))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(octets[0] & 0x03)


class FragDataBlockAuthReq(Fixed, frozen=True, gc=False):
    """The CRC32 of the block that the device has rebuilt. Not of TS004, but what LoRaMac-node's sample sends,
    which cannot say by its status that it has all: it goes on to name what was lost at first."""

    CID: ClassVar[int] = 0x05
    NAME: ClassVar[str] = "FragDataBlockAuthReq"
    SIZE: ClassVar[int] = 4

    crc: int

    def payload(self) -> bytes:
        return self.crc.to_bytes(4, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        return cls(int.from_bytes(octets, "little"))


class DataFragment(msgspec.Struct, frozen=True, gc=False):
    """Fragment `number`, from 1; those beyond the count of the session are parity. It takes the rest of the
    frame."""

    CID: ClassVar[int] = 0x08
    NAME: ClassVar[str] = "DataFragment"

    index: int
    number: int
    data: bytes

    def payload(self) -> bytes:
        return _indexed(self.index, self.number) + self.data

    @classmethod
    def size(cls, octets: bytes) -> int:
        return max(2, len(octets))

    @classmethod
    def from_payload(cls, octets: bytes) -> Self:
        index, number = _index_and_number(octets[:2])
        return cls(index, number, octets[2:])


def _indexed(index: int, number: int) -> bytes:
    return (index << 14 | number).to_bytes(2, "little")


def _index_and_number(octets: bytes) -> tuple[int, int]:
    both = int.from_bytes(octets, "little")
    return both >> 14, both & MAX_FRAGMENTS


FRAGMENTATION = {
    1: Package(
        port=PORT,
        identifier=IDENTIFIER,
        version=1,
        uplink=(FragSessionStatusAns, FragSessionSetupAns, FragSessionDeleteAns, FragDataBlockAuthReq),
        downlink=(FragSessionStatusReq, FragSessionSetupReq, FragSessionDeleteReq, DataFragment),
    ),
    2: Package(
        port=PORT,
        identifier=IDENTIFIER,
        version=2,
        uplink=(FragSessionStatusAns2, FragSessionSetupAns, FragSessionDeleteAns, FragDataBlockReceivedReq),
        downlink=(
            FragSessionStatusReq,
            FragSessionSetupReq2,
            FragSessionDeleteReq,
            FragDataBlockReceivedAns,
            DataFragment,
        ),
    ),
}
