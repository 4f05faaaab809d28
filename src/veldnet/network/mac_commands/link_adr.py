"""LinkADR: sent when ADR or the channel mask wants something else than the device uses."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import LinkADRAns, LinkADRReq, MacCommand
from veldnet.network.state import Session

from .behaviour import Behaviour, Context, Reaction


def wanted(session: Session, context: Context) -> tuple[MacCommand, ...]:
    radio, link = session.radio, context.link
    if link is None:
        return ()
    mask = radio.defined_channels
    now = (radio.data_rate, radio.tx_power, radio.nb_trans, radio.ch_mask)
    if now == (link.data_rate, link.tx_power, link.nb_trans, mask):
        return ()
    return (LinkADRReq(link.data_rate, link.tx_power, mask, 0, link.nb_trans),)


def received(session: Session, command: MacCommand, request: bytes | None, _context: Context) -> Reaction:
    assert isinstance(command, LinkADRAns)
    if request is None:
        return Reaction(session, note="LinkADRAns without a request")
    asked = LinkADRReq.from_payload(request)
    if not (command.power_ok and command.data_rate_ok and command.ch_mask_ok):
        refused = [
            name
            for name, ok in (
                ("power", command.power_ok),
                ("data rate", command.data_rate_ok),
                ("channel mask", command.ch_mask_ok),
            )
            if not ok
        ]
        return Reaction(session, note=f"LinkADRReq refused: {', '.join(refused)}", rejected=True)
    radio = replace(
        session.radio,
        data_rate=asked.data_rate,
        tx_power=asked.tx_power,
        nb_trans=asked.nb_trans or 1,
        ch_mask=asked.ch_mask,
    )
    note = f"LinkADRReq taken: DR{asked.data_rate}, power {asked.tx_power}, NbTrans {asked.nb_trans}"
    return Reaction(replace(session, radio=radio, adr_history=b""), note=note)


BEHAVIOUR = Behaviour(LinkADRReq.CID, "LinkADR", received, wanted)
