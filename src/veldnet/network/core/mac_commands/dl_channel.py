"""DlChannel: gives an uplink channel of a dynamic plan another frequency for its RX1."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DlChannelAns, DlChannelReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Occasion, Reaction

_PER_FRAME = 2


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    pairs = occasion.network.rx1_frequencies
    if not pairs or occasion.channel_plan.region.fixed:
        return ()
    current = dict(session.radio.dl_frequencies)
    plan = occasion.channel_plan
    asked = []
    for uplink, downlink in pairs:
        index = plan.index_of(uplink)
        known = index is not None and session.radio.defined_channels >> index & 1
        if plan.region.sub_band(downlink) is None:
            # The pair is of another region with an overlapping band.
            continue
        if index is not None and known and current.get(index, uplink) != downlink:
            asked.append(DlChannelReq(index, downlink))
    return tuple(asked[:_PER_FRAME])


def received(
    session: Session, command: MacCommand, request: bytes | None, context: UplinkContext
) -> Reaction:
    assert isinstance(command, DlChannelAns)
    if request is None:
        return Reaction(session, note="DlChannelAns again (sticky)")
    asked = DlChannelReq.from_payload(request)
    if not (command.uplink_frequency_exists and command.frequency_ok):
        return Reaction(
            session, note=f"downlink frequency of channel {asked.ch_index} refused", rejected=True
        )
    current = dict(session.radio.dl_frequencies)
    current[asked.ch_index] = asked.frequency
    radio = replace(session.radio, dl_frequencies=tuple(sorted(current.items())))
    note = f"channel {asked.ch_index} answers on {asked.frequency / 1e6:g} MHz"
    return Reaction(replace(session, radio=radio), note=note)


BEHAVIOUR = Behaviour(DlChannelReq.CID, "dlChannel", received, wanted, since="1.0.2")
