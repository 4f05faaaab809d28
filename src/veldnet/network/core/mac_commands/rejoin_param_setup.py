"""RejoinParamSetup: makes 1.1 devices send rejoin-requests of type 0 by themselves, if the operator wants."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, RejoinParamSetupAns, RejoinParamSetupReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    setup = occasion.network.rejoin_setup
    if setup is None or session.radio.rejoin_setup == setup:
        return ()
    return (RejoinParamSetupReq(setup >> 4, setup & 0x0F),)


def received(
    session: Session, command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, RejoinParamSetupAns)
    if request is None:
        return Reaction(session, note="RejoinParamSetupAns without a request")
    radio = replace(session.radio, rejoin_setup=request[0])
    by = "time and uplinks" if command.time_ok else "uplinks only"
    return Reaction(replace(session, radio=radio), note=f"RejoinParamSetupReq taken: rejoins by {by}")


BEHAVIOUR = Behaviour(RejoinParamSetupReq.CID, "rejoinParamSetup", received, wanted, since="1.1")
