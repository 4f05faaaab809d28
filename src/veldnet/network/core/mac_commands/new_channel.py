"""NewChannel: gives the device the network's channels that its join-accept could not carry."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, NewChannelAns, NewChannelReq
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import ChannelMask, Session

from .behaviour import Behaviour, Occasion, Reaction

_PER_FRAME = 2


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    known = session.radio.defined_channels
    plan = occasion.channel_plan
    if plan.region.fixed or known == plan.defined:
        return ()
    missing = [
        NewChannelReq(index, channel.frequency, channel.min_dr, channel.max_dr)
        for index, channel in enumerate(plan.channels)
        if not known >> index & 1
    ]
    # Channels that the operator has removed since the join; a frequency of 0 removes one.
    surplus = [
        NewChannelReq(index, 0, 0, 0)
        for index in range(len(plan.channels), plan.region.max_channels)
        if known >> index & 1
    ]
    return tuple((missing + surplus)[:_PER_FRAME])


def received(
    session: Session, command: MacCommand, request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, NewChannelAns)
    if request is None:
        return Reaction(session, note="NewChannelAns without a request")
    asked = NewChannelReq.from_payload(request)
    if not (command.frequency_ok and command.data_rate_range_ok):
        return Reaction(session, note=f"channel {asked.ch_index} refused", rejected=True)
    radio, bit = session.radio, 1 << asked.ch_index
    if asked.frequency:
        # A device switches a new channel on at once (TS001-1.0.4 §5.6).
        defined, mask = radio.defined_channels | bit, radio.ch_mask | bit
        note = f"channel {asked.ch_index} taken"
    else:
        defined, mask = radio.defined_channels & ~bit, radio.ch_mask & ~bit
        note = f"channel {asked.ch_index} removed"
    radio = replace(radio, defined_channels=ChannelMask(defined), ch_mask=ChannelMask(mask))
    return Reaction(replace(session, radio=radio), note=note)


BEHAVIOUR = Behaviour(NewChannelReq.CID, "newChannel", received, wanted)
