"""Reset: a personalised 1.1 device restarted with its first parameters; its counters go on."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, ResetConf, ResetInd
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.sessions import default_radio
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction


def received(
    session: Session, command: MacCommand, _request: bytes | None, context: UplinkContext
) -> Reaction:
    assert isinstance(command, ResetInd)
    if not session.personalised:
        return Reaction(session, note="ResetInd of a device that was not personalised is ignored")
    radio = replace(default_radio(context.channel_plan), data_rate=session.radio.data_rate)
    session = replace(session, radio=radio, pending_requests=(), refusals=(), adr_history=b"", adr_caps=None)
    answer = ResetConf(min(command.minor, 1)) if command.minor else None
    return Reaction(session, answer, "the device restarted: parameters are those it begins with")


BEHAVIOUR = Behaviour(ResetInd.CID, "reset", received, device_begins=True, since="1.1")
