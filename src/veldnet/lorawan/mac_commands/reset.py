"""Reset: a device activated by personalisation tells that it restarted (TS001-1.1 §5.1)."""

from __future__ import annotations

from typing import ClassVar

from .command import MinorVersion


class ResetInd(MinorVersion, frozen=True, gc=False):
    """Sent with every uplink until ResetConf comes."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "ResetInd"


class ResetConf(MinorVersion, frozen=True, gc=False):
    """The version that the network server and the device have in common."""

    CID: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "ResetConf"
