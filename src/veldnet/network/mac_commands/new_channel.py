"""NewChannel: gives the device the network's channels that its join-accept could not carry."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import MacCommand, NewChannelAns, NewChannelReq
from veldnet.network.state import Session

from .behaviour import Behaviour, Context, Reaction

_PER_FRAME = 2


def wanted(session: Session, context: Context) -> tuple[MacCommand, ...]:
    known = session.radio.defined_channels
    plan = context.network.channel_plan
    if known == plan.mask:
        return ()
    missing = [
        NewChannelReq(index, channel.frequency, channel.min_dr, channel.max_dr)
        for index, channel in enumerate(plan.channels)
        if not known & 1 << index
    ]
    return tuple(missing[:_PER_FRAME])


def received(session: Session, command: MacCommand, request: bytes | None, _context: Context) -> Reaction:
    assert isinstance(command, NewChannelAns)
    if request is None:
        return Reaction(session, note="NewChannelAns without a request")
    asked = NewChannelReq.from_payload(request)
    if not (command.frequency_ok and command.data_rate_range_ok):
        return Reaction(session, note=f"channel {asked.ch_index} refused", rejected=True)
    radio = session.radio
    bit = 1 << asked.ch_index
    # A device switches a new channel on at once (TS001-1.0.4 §5.6).
    radio = replace(radio, defined_channels=radio.defined_channels | bit, ch_mask=radio.ch_mask | bit)
    return Reaction(replace(session, radio=radio), note=f"channel {asked.ch_index} taken")


BEHAVIOUR = Behaviour(NewChannelReq.CID, "NewChannel", received, wanted)
