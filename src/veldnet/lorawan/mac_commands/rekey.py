"""Rekey: a device confirms the keys of its new session (TS001-1.1 §5.10)."""

from __future__ import annotations

from typing import ClassVar

from .command import MinorVersion


class RekeyInd(MinorVersion, frozen=True, gc=False):
    """Sent with every uplink after a join until RekeyConf comes."""

    CID: ClassVar[int] = 0x0B
    NAME: ClassVar[str] = "RekeyInd"


class RekeyConf(MinorVersion, frozen=True, gc=False):
    """The version that the network server and the device have in common."""

    CID: ClassVar[int] = 0x0B
    NAME: ClassVar[str] = "RekeyConf"
