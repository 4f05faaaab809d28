"""TxParamSetup: dwell time and EIRP, in the regions that leave them to the network."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, TxParamSetupReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import RadioParameters, Session

from .behaviour import Behaviour, Occasion, Reaction

# Codes of TxParamSetupReq in dBm (TS001-1.0.4 §5.9).
EIRP = (8, 10, 12, 13, 14, 16, 18, 20, 21, 24, 26, 27, 29, 30, 33, 36)


def eirp_code(dbm: float) -> int:
    """The highest code that does not exceed a power."""
    return max((code for code, value in enumerate(EIRP) if value <= dbm), default=0)


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    region, network, radio = occasion.channel_plan.region, occasion.network, session.radio
    if not region.tx_param_setup or (network.uplink_dwell is None and network.downlink_dwell is None):
        return ()
    uplink = radio.uplink_dwell if network.uplink_dwell is None else network.uplink_dwell
    downlink = radio.downlink_dwell if network.downlink_dwell is None else network.downlink_dwell
    code = eirp_code(region.max_eirp)
    if (radio.uplink_dwell, radio.downlink_dwell) == (uplink, downlink):
        return ()
    return (TxParamSetupReq(downlink, uplink, code),)


def received(
    session: Session, _command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    if request is None:
        return Reaction(session, note="TxParamSetupAns again (sticky)")
    asked = TxParamSetupReq.from_payload(request)
    radio: RadioParameters = replace(
        session.radio,
        uplink_dwell=asked.uplink_dwell,
        downlink_dwell=asked.downlink_dwell,
        max_eirp_code=asked.max_eirp,
    )
    words = f"dwell time limit up {asked.uplink_dwell}, down {asked.downlink_dwell}"
    return Reaction(replace(session, radio=radio), note=f"TxParamSetupReq taken: {words}")


BEHAVIOUR = Behaviour(TxParamSetupReq.CID, "txParamSetup", received, wanted, since="1.0.2")
