"""Interface of a MAC command's behaviour: when it is needed, and what its arrival changes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from veldnet.domain.documents import ProfileSettings
from veldnet.lorawan.mac_commands import MacCommand
from veldnet.network.core.adr import LinkParameters
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

# After so many requests without an answer the network asks once a day only.
MAX_ATTEMPTS = 4
_VERSIONS = ("1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.1")


class Occasion(UplinkContext, frozen=True, gc=False):
    """The uplink whose downlink may carry requests; `link` is what ADR wants of the device."""

    link: LinkParameters | None = None


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """The session afterwards, an answer to send, words for the record, and a device status if one came."""

    session: Session
    answer: MacCommand | None = None
    note: str | None = None
    rejected: bool = False
    device_status: tuple[int, int] | None = None


class Behaviour(msgspec.Struct, frozen=True):
    """One MAC command in the network server.

    `received(session, command, request, context)` handles it in an uplink; `request` is the wire form of
    the network's own request that it answers, None where the device began or the answer is a repeated
    (sticky) one. `wanted(session, occasion)` says which requests the network should send now. `name` is the
    one in device profiles, `since` the version that has the command. The requests of an `atomic` command
    in one frame are one block with one fate. `sent(session, request, now)` is called for each request in a
    downlink that goes out.
    """

    cid: int
    name: str
    received: Callable[[Session, MacCommand, bytes | None, UplinkContext], Reaction]
    wanted: Callable[[Session, Occasion], tuple[MacCommand, ...]] | None = None
    sent: Callable[[Session, MacCommand, float], Session] | None = None
    device_begins: bool = False
    since: str = "1.0.0"
    atomic: bool = False

    def known_to(self, profile: ProfileSettings) -> bool:
        """Whether a device model has the command."""
        return (
            _VERSIONS.index(profile.loRaWANMacVersion) >= _VERSIONS.index(self.since)
            and self.name not in profile.unsupportedMACCommands
        )
