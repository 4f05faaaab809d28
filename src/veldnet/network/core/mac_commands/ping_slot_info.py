"""PingSlotInfo: a device announces its ping slots of class B, and begins with the answer."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, PingSlotInfoAns, PingSlotInfoReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction


def received(
    session: Session, command: MacCommand, _request: bytes | None, context: UplinkContext
) -> Reaction:
    assert isinstance(command, PingSlotInfoReq)
    session = replace(session, ping_periodicity=command.periodicity)
    words = f"ping slots every {0.96 * (1 << command.periodicity):g} s"
    if not context.plan.allowClassB:
        return Reaction(session, PingSlotInfoAns(), f"{words}; the connectivity plan does not allow class B")
    return Reaction(session, PingSlotInfoAns(), words)


BEHAVIOUR = Behaviour(PingSlotInfoReq.CID, "pingSlotInfo", received, device_begins=True)
