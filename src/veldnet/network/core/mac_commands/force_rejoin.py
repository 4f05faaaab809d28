"""ForceRejoin: renews a 1.1 session when an administrator asks, and before a counter ends.

It has no answer on the wire: the rejoin-request that follows is one, and ends the session that asked.
"""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import ForceRejoinReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction

# Counters may not wrap around (TS001-1.1 §4.3.1.5); the session is renewed a good while before.
COUNTER_NEARLY_ENDED = 0xFFFF_0000
_RETRIES = 3
_EVERY = 3600.0


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    if not session.version_11 or not (session.rejoin_wanted or _nearly_ended(session)):
        return ()
    for pending in session.pending_requests:
        if (
            pending.cid == ForceRejoinReq.CID
            and occasion.event.received.received_at - pending.sent_at < _EVERY
        ):
            return ()
    return (ForceRejoinReq(0, _RETRIES, 0, session.radio.data_rate or 0),)


def _nearly_ended(session: Session) -> bool:
    highest = max(session.fcnt_up or 0, session.n_fcnt_down, session.a_fcnt_down)
    return highest >= COUNTER_NEARLY_ENDED


def sent(session: Session, _request: MacCommand, _now: float) -> Session:
    return replace(session, rejoin_wanted=False)


def received(
    session: Session, _command: MacCommand, _request: bytes | None, _context: UplinkContext
) -> Reaction:
    return Reaction(session, note="an answer to ForceRejoinReq does not exist and is ignored")


BEHAVIOUR = Behaviour(ForceRejoinReq.CID, "forceRejoin", received, wanted, sent, since="1.1")
