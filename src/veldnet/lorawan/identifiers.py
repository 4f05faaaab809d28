"""Identifiers of the field as types: parsed once at the edge, printed by one function each.

On air every multi-byte identifier is little-endian; in text it is hexadecimal, most significant byte
first, upper case (TS001-1.0.4 §4.1).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from veldnet.texts import Text

_SEPARATORS = str.maketrans("", "", "-: ")


class InvalidIdentifier(ValueError):
    """The text is not the hexadecimal identifier that was expected."""

    def __init__(self, form: str, /, **values: Any) -> None:
        super().__init__(Text(form, **values))


class _HexIdentifier(int):
    """An unsigned integer with a fixed number of bytes, written as upper-case hexadecimal."""

    __slots__ = ()

    size: ClassVar[int]
    label: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hexadecimal text of any case; `-`, `:` and blanks between digits are ignored."""
        digits = text.translate(_SEPARATORS)
        if len(digits) != cls.size * 2 or not digits.isascii() or not digits.isalnum():
            raise InvalidIdentifier(
                "{label} must be {digits} hexadecimal digits", label=cls.label, digits=cls.size * 2
            )
        try:
            return cls(int(digits, 16))
        except ValueError:
            raise InvalidIdentifier(
                "{label} must be {digits} hexadecimal digits", label=cls.label, digits=cls.size * 2
            ) from None

    @classmethod
    def from_wire(cls, octets: bytes) -> Self:
        """Read the little-endian form used on air."""
        return cls(int.from_bytes(octets, "little"))

    def to_wire(self) -> bytes:
        """The little-endian form used on air."""
        return self.to_bytes(self.size, "little")

    def __str__(self) -> str:
        return f"{int(self):0{self.size * 2}X}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class DevEui(_HexIdentifier):
    """Globally unique EUI-64 of an end-device."""

    __slots__ = ()
    size = 8
    label = "DevEUI"


class JoinEui(_HexIdentifier):
    """EUI-64 of the join server (AppEUI before LoRaWAN 1.0.4)."""

    __slots__ = ()
    size = 8
    label = "JoinEUI"


class GatewayEui(_HexIdentifier):
    """EUI-64 by which a base station presents itself to the server."""

    __slots__ = ()
    size = 8
    label = "gateway EUI"


class BaseStationId(_HexIdentifier):
    """ThingPark's LRR id: 32 bits, eight hexadecimal digits."""

    __slots__ = ()
    size = 4
    label = "base station id"


class NetId(_HexIdentifier):
    """24-bit network identifier assigned by the LoRa Alliance."""

    __slots__ = ()
    size = 3
    label = "NetID"


class DevAddr(_HexIdentifier):
    """32-bit address of a device in its network; not unique (TS001-1.0.4 §6.1.1)."""

    __slots__ = ()
    size = 4
    label = "DevAddr"


# NetID type: (bits of the type prefix, bits of NwkID, bits of NwkAddr); LoRaWAN backend interfaces 1.0.
_ADDRESS_LAYOUT = (
    (1, 6, 25),
    (2, 6, 24),
    (3, 9, 20),
    (4, 11, 17),
    (5, 12, 15),
    (6, 13, 13),
    (7, 15, 10),
    (8, 17, 7),
)


def address_prefix(net_id: NetId) -> tuple[DevAddr, int]:
    """The first DevAddr of a NetID and the length of the prefix in bits."""
    kind = int(net_id) >> 21
    prefix_bits, nwk_id_bits, nwk_addr_bits = _ADDRESS_LAYOUT[kind]
    prefix = ((1 << prefix_bits) - 2) & ((1 << prefix_bits) - 1)
    nwk_id = int(net_id) & ((1 << nwk_id_bits) - 1)
    return DevAddr((prefix << (32 - prefix_bits)) | (nwk_id << nwk_addr_bits)), prefix_bits + nwk_id_bits


def address_type_and_nwk_id(dev_addr: DevAddr) -> tuple[int, int]:
    """The NetID type and NwkID that a DevAddr carries."""
    for kind, (prefix_bits, nwk_id_bits, nwk_addr_bits) in enumerate(_ADDRESS_LAYOUT):
        prefix = (1 << prefix_bits) - 2
        if int(dev_addr) >> (32 - prefix_bits) == prefix:
            return kind, (int(dev_addr) >> nwk_addr_bits) & ((1 << nwk_id_bits) - 1)
    raise InvalidIdentifier("DevAddr {dev_addr} has no valid type prefix", dev_addr=dev_addr)
