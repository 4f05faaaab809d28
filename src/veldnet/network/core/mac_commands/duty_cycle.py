"""DutyCycle: sent when the connectivity plan limits the device's transmit time."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DutyCycleReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    limit = occasion.plan.maxDutyCycle or 0
    return () if session.radio.max_duty_cycle == limit else (DutyCycleReq(limit),)


def received(
    session: Session, _command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    if request is None:
        return Reaction(session, note="DutyCycleAns without a request")
    limit = DutyCycleReq.from_payload(request).max_duty_cycle
    radio = replace(session.radio, max_duty_cycle=limit)
    return Reaction(replace(session, radio=radio), note=f"DutyCycleReq taken: 1/{1 << limit}")


BEHAVIOUR = Behaviour(DutyCycleReq.CID, "dutyCycle", received, wanted)
