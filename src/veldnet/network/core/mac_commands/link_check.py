"""LinkCheck: answered with the margin of the best base station and how many heard the frame."""

from __future__ import annotations

from veldnet.lorawan.mac_commands import LinkCheckAns, LinkCheckReq, MacCommand
from veldnet.lorawan.modulation import SNR_FLOOR
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Context, Reaction


def received(session: Session, _command: MacCommand, _request: bytes | None, context: Context) -> Reaction:
    floor = SNR_FLOOR.get(context.spreading_factor or 0, 0.0)
    # A frame whose SNR is not known was just received.
    margin = 0 if context.snr is None else max(0, min(254, round(context.snr - floor)))
    answer = LinkCheckAns(margin, min(context.gateway_count, 255))
    return Reaction(
        session, answer, f"link check: margin {margin} dB at {context.gateway_count} base stations"
    )


BEHAVIOUR = Behaviour(LinkCheckReq.CID, "linkCheck", received, device_begins=True)
