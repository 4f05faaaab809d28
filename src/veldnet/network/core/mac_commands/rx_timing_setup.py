"""RXTimingSetup: sent when the delay of RX1 differs from what plan and network want."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, RXTimingSetupReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.receive_windows import wanted_rx1_delay
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    delay = wanted_rx1_delay(occasion.network, occasion.plan)
    return () if session.radio.rx1_delay == delay else (RXTimingSetupReq(delay),)


def received(
    session: Session, _command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    if request is None:
        return Reaction(session, note="RXTimingSetupAns again (sticky)")
    delay = RXTimingSetupReq.from_payload(request).delay
    radio = replace(session.radio, rx1_delay=delay)
    return Reaction(replace(session, radio=radio), note=f"RXTimingSetupReq taken: RX1 after {delay} s")


BEHAVIOUR = Behaviour(RXTimingSetupReq.CID, "rxTimingSetup", received, wanted)
