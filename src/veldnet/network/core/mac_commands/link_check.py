"""LinkCheck: answered with the margin of the best base station and how many heard the frame."""

from __future__ import annotations

from veldnet.lorawan.mac_commands import LinkCheckAns, LinkCheckReq, MacCommand
from veldnet.lorawan.modulation import SNR_FLOOR, Lora
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction


def received(
    session: Session, _command: MacCommand, _request: bytes | None, context: UplinkContext
) -> Reaction:
    best, heard = context.event.received.best, len(context.event.received.copies)
    floor = SNR_FLOOR[best.modulation.sf] if isinstance(best.modulation, Lora) else 0.0
    # A frame whose SNR is not known was just received.
    margin = 0 if best.snr is None else max(0, min(254, round(best.snr - floor)))
    answer = LinkCheckAns(margin, min(heard, 255))
    return Reaction(session, answer, f"link check: margin {margin} dB at {heard} base stations")


BEHAVIOUR = Behaviour(LinkCheckReq.CID, "linkCheck", received, device_begins=True)
