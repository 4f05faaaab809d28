"""DevStatus: asked as often as the connectivity plan says; tells battery and margin."""

from __future__ import annotations

from veldnet.lorawan.mac_commands import DevStatusAns, DevStatusReq, MacCommand
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Context, Reaction


def wanted(session: Session, context: Context) -> tuple[MacCommand, ...]:
    interval = context.plan.status_request_interval
    if interval is None:
        return ()
    asked = session.status_asked_at
    due = asked is None or context.received_at - asked >= interval
    return (DevStatusReq(),) if due else ()


def received(session: Session, command: MacCommand, _request: bytes | None, _context: Context) -> Reaction:
    assert isinstance(command, DevStatusAns)
    return Reaction(
        session,
        note=f"device status: battery {command.battery}, margin {command.margin} dB",
        device_status=(command.battery, command.margin),
    )


BEHAVIOUR = Behaviour(DevStatusReq.CID, "devStatus", received, wanted)
