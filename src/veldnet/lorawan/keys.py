"""AES-128 keys as a type whose repr shows nothing."""

from __future__ import annotations

import re
from typing import Self

_HEX_KEY = re.compile(r"[0-9A-Fa-f]{32}")


class InvalidKey(ValueError):
    """The text or octets are not a 128-bit key."""


class AesKey(bytes):
    """Sixteen octets. `repr`, `str` and `format` hide them; `hex()` is the deliberate way to see them."""

    __slots__ = ()

    def __new__(cls, octets: bytes) -> Self:
        if len(octets) != 16:
            raise InvalidKey(f"an AES-128 key has 16 bytes, not {len(octets)}")
        return super().__new__(cls, octets)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 32 hexadecimal digits; dashes between pairs are ignored, as ThingPark's forms do."""
        digits = text.replace("-", "")
        if not _HEX_KEY.fullmatch(digits):
            raise InvalidKey("a key must be 32 hexadecimal digits")
        return cls(bytes.fromhex(digits))

    def __repr__(self) -> str:
        return "AesKey(hidden)"

    def __str__(self) -> str:
        return "AesKey(hidden)"

    def __format__(self, spec: str) -> str:
        return "AesKey(hidden)"
