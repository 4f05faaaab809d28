"""Downlink address of a base station: where its keep-alives come from; one datagram does not change it.

The protocol has no authentication. Whoever knows an EUI can send one PULL_DATA and would receive the
network's downlinks; so the address changes only after several keep-alives in a row from the new one over a
time in which the old one would have sent some too, or when the old one has been silent for long.
"""

from __future__ import annotations

import msgspec

from veldnet.gateways.addresses import Address

CONSISTENT = 3
# Seconds over which they must have come: base stations send one every five to ten.
OVER = 15.0
SILENCE = 30.0
# A server that was away for less than so many seconds could not hear whether the address was silent.
_AWAY = 600.0


class DownlinkPath(msgspec.Struct, frozen=True, gc=False):
    """The address in use, when it was last heard, and a rival with its keep-alives in a row."""

    address: Address
    version: int
    heard_at: float
    rival: Address | None = None
    rival_count: int = 0
    rival_since: float = 0.0


def restored(path: DownlinkPath, now: float) -> DownlinkPath:
    """The path of an earlier process at the start of this one."""
    if now - path.heard_at > _AWAY:
        return path
    return DownlinkPath(path.address, path.version, now)


def keep_alive(path: DownlinkPath | None, address: Address, version: int, now: float) -> DownlinkPath:
    """The path after a PULL_DATA from `address` at `now` (seconds)."""
    if path is None or path.address == address or now - path.heard_at > SILENCE:
        return DownlinkPath(address, version, now)
    if path.rival != address:
        return DownlinkPath(path.address, path.version, path.heard_at, address, 1, now)
    count, since = path.rival_count + 1, path.rival_since
    if count >= CONSISTENT and now - since >= OVER:
        return DownlinkPath(address, version, now)
    return DownlinkPath(path.address, path.version, path.heard_at, address, count, since)
