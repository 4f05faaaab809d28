"""Downlink address of a base station: where its keep-alives come from; one datagram does not change it.

The protocol has no authentication. Whoever knows an EUI can send one PULL_DATA and would receive the
network's downlinks. So the address changes only after three keep-alives in a row from the new one, over a
time in which the old one would have sent some too. Two addresses are better known:

* another port of the same host, where a NAT has given the base station a new one: at once after the old one
  was silent for a while, for what is sent there reaches nobody else;
* the host that had the address before: two keep-alives, whatever the one in use sends. Who has taken the
  place of a base station that was away does not keep it once that is there again.

An address from which nothing has come for long is given up: who has it now may be anybody, and another base
station can be tried at once.
"""

from __future__ import annotations

import msgspec

from veldnet.gateways.addresses import Address

CONSISTENT = 3
_AT_HOME = 2
# Seconds over which they must have come: base stations send one every five to ten.
OVER = 15.0
SILENCE = 30.0
# Seconds after which a host that had to show itself is where the base station is.
SETTLED = 3600.0
# Seconds of silence after which nobody is there any more: as many, or so many intervals of its keep-alives.
GIVEN_UP = 180.0
_INTERVALS = 3.0
# Seconds between two keep-alives; more is an outage.
_LONGEST_INTERVAL = 600.0
# Seconds for a known host to show itself before a unknown host may.
_CHANCE = 60.0
# A server that was away for less than so many seconds could not hear whether the address was silent.
_AWAY = 600.0


class DownlinkPath(msgspec.Struct, frozen=True, gc=False):
    """The address in use, when it was last heard, and a rival with its keep-alives in a row. `home` is the
    host of before, until the one in use has been there `since` long enough. `interval` is that between its
    last two keep-alives."""

    address: Address
    version: int
    heard_at: float
    rival: Address | None = None
    rival_count: int = 0
    rival_since: float = 0.0
    home: str | None = None
    since: float = 0.0
    interval: float = 0.0


def restored(path: DownlinkPath, now: float) -> DownlinkPath:
    """The path of an earlier process at the start of this one."""
    if now - path.heard_at > _AWAY:
        return path
    return DownlinkPath(path.address, path.version, now)


def stepped(path: DownlinkPath, by: float) -> DownlinkPath:
    """The path after our clock has stepped by so many seconds: all is as long ago as it was."""
    return msgspec.structs.replace(
        path, heard_at=path.heard_at + by, rival_since=path.rival_since + by, since=path.since + by
    )


def keep_alive(path: DownlinkPath | None, address: Address, version: int, now: float) -> DownlinkPath:
    """The path after a PULL_DATA from `address` at `now` (seconds)."""
    if path is None:
        return DownlinkPath(address, version, now, since=now)
    replace = msgspec.structs.replace
    if path.address == address:
        home = path.home if now - path.since < SETTLED else None
        interval = now - path.heard_at
        interval = interval if interval <= _LONGEST_INTERVAL else path.interval
        path = replace(path, version=version, heard_at=now, home=home, interval=interval)
        at_home = path.rival is not None and path.rival[0] == home
        return path if at_home else replace(path, rival=None, rival_count=0)
    known = _known(path, address)
    if path.rival != address:
        if path.rival is not None and _known(path, path.rival) > known and now - path.rival_since < _CHANCE:
            # Unknown hosts do not keep a base station from showing itself.
            return path
        path = replace(path, rival=address, rival_count=0, rival_since=now)
    count = path.rival_count + 1
    if not _is_taken(path, address, count, now):
        return replace(path, rival_count=count)
    if address[0] == path.address[0]:
        return DownlinkPath(address, version, now, home=path.home, since=path.since)
    home = None if address[0] == path.home else path.home or path.address[0]
    return DownlinkPath(address, version, now, home=home, since=now)


def is_given_up(path: DownlinkPath, now: float) -> bool:
    """Whether nobody is at the address any more, as far as its silence tells."""
    return now - path.heard_at > max(GIVEN_UP, _INTERVALS * path.interval)


def _known(path: DownlinkPath, address: Address) -> bool:
    """Whether an address is of a host where the base station is, or was."""
    return address[0] in (path.address[0], path.home)


def _is_taken(path: DownlinkPath, address: Address, count: int, now: float) -> bool:
    """Whether a rival has shown enough."""
    if address[0] == path.address[0] and now - path.heard_at > SILENCE:
        return True
    if address[0] == path.home and count >= _AT_HOME:
        return True
    return count >= CONSISTENT and now - path.rival_since >= OVER
