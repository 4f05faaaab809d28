"""BeaconFreq: sent where a profile looks for the beacon on another frequency than the region's."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import BeaconFreqAns, BeaconFreqReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    if session.ping_periodicity is None or not occasion.plan.allowClassB:
        return ()
    frequency = occasion.profile.beaconFrequency or 0
    return () if session.radio.beacon_frequency == frequency else (BeaconFreqReq(frequency),)


def received(
    session: Session, command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, BeaconFreqAns)
    if request is None:
        return Reaction(session, note="BeaconFreqAns without a request")
    if not command.frequency_ok:
        return Reaction(session, note="BeaconFreqReq refused", rejected=True)
    radio = replace(session.radio, beacon_frequency=BeaconFreqReq.from_payload(request).frequency)
    return Reaction(replace(session, radio=radio), note="BeaconFreqReq taken")


BEHAVIOUR = Behaviour(BeaconFreqReq.CID, "beaconFreq", received, wanted)
