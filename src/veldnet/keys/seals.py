"""Header of sealed keys: type of vault and version of the master key.

Master keys have generations: a new one seals from then on, the older ones open what they sealed until all of
it is re-wrapped.
"""

from __future__ import annotations

from .interface import VaultError

SOFTWARE, PKCS11 = 0x11, 0x12
# Seals of the first generation that name none.
_OLD = {SOFTWARE: 0x01, PKCS11: 0x02}
HEADER = 3
FIRST = 1


def header(kind: int, generation: int) -> bytes:
    """The first octets of what is sealed under a master key."""
    return bytes((kind,)) + generation.to_bytes(2, "big")


def split(kind: int, sealed: bytes) -> tuple[int, bytes]:
    """The generation of the master key, and what is behind the header. Raises `VaultError`."""
    if sealed[:1] == bytes((_OLD[kind],)):
        return FIRST, sealed[1:]
    if sealed[:1] != bytes((kind,)) or len(sealed) <= HEADER:
        raise VaultError("bad_seal", "the sealed key has an unknown format")
    return int.from_bytes(sealed[1:HEADER], "big"), sealed[HEADER:]
