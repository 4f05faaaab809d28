"""Rekey: always confirmed, for a device without RekeyConf joins again after ADR_ACK_LIMIT uplinks."""

from __future__ import annotations

from veldnet.lorawan.mac_commands import MacCommand, RekeyConf, RekeyInd
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction


def received(
    session: Session, command: MacCommand, _request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, RekeyInd)
    if not session.version_11 or not command.minor:
        return Reaction(session, note=f"RekeyInd for version 1.{command.minor} is not answered")
    # Not above the device's version, not below 1 (TS001-1.1 §5.10).
    return Reaction(session, RekeyConf(min(command.minor, 1)), "the device has taken its new keys")


BEHAVIOUR = Behaviour(RekeyInd.CID, "rekey", received, device_begins=True, since="1.1")
