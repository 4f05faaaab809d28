"""RXParamSetup: sent when RX1 offset or RX2 differ from what plan, profile and network want."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, RXParamSetupAns, RXParamSetupReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.receive_windows import wanted_rx2
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    radio, offset = session.radio, occasion.profile.rx1DROffset
    frequency, data_rate = wanted_rx2(occasion.channel_plan, occasion.profile, occasion.plan)
    if (radio.rx1_dr_offset, radio.rx2_data_rate, radio.rx2_frequency) == (offset, data_rate, frequency):
        return ()
    return (RXParamSetupReq(offset, data_rate, frequency),)


def received(
    session: Session, command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, RXParamSetupAns)
    if request is None:
        return Reaction(session, note="RXParamSetupAns again (sticky)")
    if not (command.rx1_dr_offset_ok and command.rx2_data_rate_ok and command.channel_ok):
        return Reaction(session, note="RXParamSetupReq refused", rejected=True)
    asked = RXParamSetupReq.from_payload(request)
    radio = replace(
        session.radio,
        rx1_dr_offset=asked.rx1_dr_offset,
        rx2_data_rate=asked.rx2_data_rate,
        rx2_frequency=asked.frequency,
    )
    note = f"RXParamSetupReq taken: offset {asked.rx1_dr_offset}, RX2 DR{asked.rx2_data_rate}"
    return Reaction(replace(session, radio=radio), note=note)


BEHAVIOUR = Behaviour(RXParamSetupReq.CID, "rxParamSetup", received, wanted)
