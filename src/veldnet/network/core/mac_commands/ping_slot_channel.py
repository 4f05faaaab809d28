"""PingSlotChannel: sent where a profile has another frequency or data rate for ping slots than the region."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, PingSlotChannelAns, PingSlotChannelReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    profile, table = occasion.profile, occasion.channel_plan.region.class_b
    if session.ping_periodicity is None or not occasion.plan.allowClassB:
        return ()
    frequency = profile.pingSlotFrequency or 0
    rate = table.ping_data_rate if profile.pingSlotDataRate is None else profile.pingSlotDataRate
    current = session.radio.ping_data_rate
    used = table.ping_data_rate if current is None else current
    if (session.radio.ping_frequency, used) == (frequency, rate):
        return ()
    return (PingSlotChannelReq(frequency, rate),)


def received(
    session: Session, command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, PingSlotChannelAns)
    if request is None:
        return Reaction(session, note="PingSlotChannelAns again (sticky)")
    if not (command.frequency_ok and command.data_rate_ok):
        return Reaction(session, note="PingSlotChannelReq refused", rejected=True)
    asked = PingSlotChannelReq.from_payload(request)
    radio = replace(session.radio, ping_frequency=asked.frequency, ping_data_rate=asked.data_rate)
    return Reaction(replace(session, radio=radio), note=f"PingSlotChannelReq taken: DR{asked.data_rate}")


BEHAVIOUR = Behaviour(PingSlotChannelReq.CID, "pingSlotChannel", received, wanted)
