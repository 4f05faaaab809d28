"""DevStatus: requested as often as the connectivity plan says; reports battery and margin."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DevStatusAns, DevStatusReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    interval = occasion.plan.status_request_interval
    if interval is None:
        return ()
    asked = session.status_asked_at
    due = asked is None or occasion.event.received.received_at - asked >= interval
    return (DevStatusReq(),) if due else ()


def sent(session: Session, _request: MacCommand, now: float) -> Session:
    return replace(session, status_asked_at=now)


def received(
    session: Session, command: MacCommand, _request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, DevStatusAns)
    return Reaction(
        session,
        note=f"device status: battery {command.battery}, margin {command.margin} dB",
        device_status=(command.battery, command.margin),
    )


BEHAVIOUR = Behaviour(DevStatusReq.CID, "devStatus", received, wanted, sent)
