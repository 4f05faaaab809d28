"""Which base station a router is, and whether it may say so: the same rules for LNS and CUPS."""

from __future__ import annotations

from veldnet.gateways.interface import Host
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.texts import Text


class Refused(Exception):
    """A station that is not served; `code` counts it, the text says why."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def admit(
    host: Host, gateway: GatewayEui, known: BaseStationId | GatewayEui | None, address: str
) -> BaseStationId:
    """The base station that a router is; `known` is who has proven to be there, None for nobody. Raises
    `Refused` where it is not registered, or is not whom it has proven to be."""
    now = host.clock()
    found = host.directory.find(gateway)
    proven = host.directory.find(known) if isinstance(known, GatewayEui) else known
    if found is None:
        host.presence.refused(gateway, address, now)
        raise Refused("unknown_base_station", f"{gateway} is not registered")
    if known is not None and proven != found:
        # Whoever it is, it is not the base station whose row shows this.
        if isinstance(proven, BaseStationId):
            words = Text("its credential was used for {gateway}", gateway=str(gateway))
            host.presence.note_refusal(proven, "wrong_router", words, now)
        raise Refused("wrong_router", f"the credential is not that of {gateway}")
    return found


def note_unproven(host: Host, gateway: GatewayEui, words: Text, address: str) -> None:
    """Show at a base station that somebody who says to be it has not proven that."""
    station = host.directory.find(gateway)
    if station is not None:
        said = Text("{words} (from {address})", words=words, address=address)
        host.presence.note_refusal(station, "not_authenticated", said, host.clock())
