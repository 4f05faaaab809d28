"""EUIs of groups that have none at the network that they come from."""

from __future__ import annotations

from hashlib import blake2s

# EUIs that are administered locally.
_LOCAL = 0x02


def made_up_eui(identifier: str) -> str:
    """The same of an id each time."""
    digest = blake2s(identifier.encode(), digest_size=8).digest()
    return (bytes((digest[0] & 0xFC | _LOCAL,)) + digest[1:]).hex().upper()
