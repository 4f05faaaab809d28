"""ADRParamSetup: sent to 1.1 devices where the network wants another ADR_ACK_LIMIT or ADR_ACK_DELAY."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import ADRParamSetupReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    network, radio = occasion.network, session.radio
    if (radio.adr_limit_exp, radio.adr_delay_exp) == (network.adr_limit_exp, network.adr_delay_exp):
        return ()
    return (ADRParamSetupReq(network.adr_limit_exp, network.adr_delay_exp),)


def received(
    session: Session, _command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    if request is None:
        return Reaction(session, note="ADRParamSetupAns without a request")
    asked = ADRParamSetupReq.from_payload(request)
    radio = replace(session.radio, adr_limit_exp=asked.limit_exp, adr_delay_exp=asked.delay_exp)
    note = f"ADRParamSetupReq taken: limit {1 << asked.limit_exp}, delay {1 << asked.delay_exp}"
    return Reaction(replace(session, radio=radio), note=note)


BEHAVIOUR = Behaviour(ADRParamSetupReq.CID, "adrParamSetup", received, wanted, since="1.1")
