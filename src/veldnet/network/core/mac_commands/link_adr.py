"""LinkADR: sent when ADR or the channel mask wants something else than the device uses."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import LinkADRAns, LinkADRReq, MacCommand
from veldnet.lorawan.regions.channel_mask import apply, requests
from veldnet.network.core.adr import LinkParameters
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import ChannelMask, RadioParameters, Session

from .behaviour import MAX_ATTEMPTS, Behaviour, Occasion, Reaction

# In 1.0.4 and 1.1: keep what you use.
_KEEP = 15
_SIZE = LinkADRReq.SIZE


def wanted_mask(session: Session, occasion: Occasion) -> int:
    """The channels that network and plan want, as far as the device has them defined."""
    channel_plan, defined = occasion.channel_plan, session.radio.defined_channels
    mask = channel_plan.mask
    forced = occasion.plan.forceChannelMask
    if forced is not None and int(forced, 16) & channel_plan.defined:
        mask = int(forced, 16)
    return mask & defined or defined


def wanted(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    radio, mask = session.radio, wanted_mask(session, occasion)
    link = occasion.link
    if link is None:
        if radio.ch_mask == mask:
            return ()
        link = _unchanged(radio, occasion)
        if link is None:
            return ()
    elif (radio.data_rate, radio.tx_power, radio.nb_trans, radio.ch_mask) == (
        link.data_rate, link.tx_power, link.nb_trans, mask,
    ):  # fmt: skip
        return ()
    blocks = requests(occasion.channel_plan.region, radio.ch_mask, mask, radio.defined_channels)
    return tuple(
        LinkADRReq(link.data_rate, link.tx_power, ch_mask, control, link.nb_trans)
        for ch_mask, control in blocks
    )


def _unchanged(radio: RadioParameters, occasion: Occasion) -> LinkParameters | None:
    """Data rate and power for a device that chooses them itself and is to change its channels only."""
    if occasion.profile.loRaWANMacVersion in ("1.0.4", "1.1"):
        return LinkParameters(_KEEP, _KEEP, radio.nb_trans)
    if radio.data_rate is None:
        return None
    return LinkParameters(radio.data_rate, radio.tx_power, radio.nb_trans)


def sent(session: Session, request: MacCommand, _now: float) -> Session:
    """The device may use the data rate from now on, even where its answer is lost."""
    assert isinstance(request, LinkADRReq)
    return replace(session, offered_data_rates=session.offered_data_rates | 1 << request.data_rate)


def awaits_answer(session: Session) -> bool:
    """Whether a LinkADRReq waits for its answer and will be repeated without one."""
    return any(p.cid == LinkADRReq.CID and p.attempts < MAX_ATTEMPTS for p in session.pending_requests)


def asked_link(session: Session) -> LinkParameters | None:
    """What the LinkADRReq that waits for its answer asks for, None without one."""
    pending = next((p.payload for p in session.pending_requests if p.cid == LinkADRReq.CID), None)
    if pending is None:
        return None
    # Data rate, power and NbTrans are those of the last request of a block (TS001-1.0.4 §5.2).
    request = LinkADRReq.from_payload(pending[-_SIZE:])
    return LinkParameters(request.data_rate, request.tx_power, request.nb_trans)


def received(
    session: Session, command: MacCommand, request: bytes | None, context: UplinkContext
) -> Reaction:
    assert isinstance(command, LinkADRAns)
    if request is None:
        return Reaction(session, note="LinkADRAns without a request")
    block = [LinkADRReq.from_payload(request[n : n + _SIZE]) for n in range(0, len(request), _SIZE)]
    # Data rate, power and NbTrans are those of the last request of a block (TS001-1.0.4 §5.2).
    asked, radio = block[-1], session.radio
    if not (command.power_ok and command.data_rate_ok and command.ch_mask_ok):
        return _refused(session, command, asked)
    mask: int = radio.ch_mask
    for part in block:
        mask = apply(
            context.channel_plan.region, mask, radio.defined_channels, part.ch_mask, part.ch_mask_cntl
        ) or 0  # fmt: skip
    radio = replace(
        radio,
        data_rate=radio.data_rate if asked.data_rate == _KEEP else asked.data_rate,
        tx_power=radio.tx_power if asked.tx_power == _KEEP else asked.tx_power,
        nb_trans=asked.nb_trans or 1,
        ch_mask=ChannelMask(mask),
    )
    note = f"LinkADRReq taken: DR{radio.data_rate}, power {radio.tx_power}, NbTrans {radio.nb_trans}"
    session = replace(
        session,
        radio=radio,
        adr_history=b"",
        commanded_data_rate=radio.data_rate,
        offered_data_rates=0,
    )
    return Reaction(session, note=note)


def _refused(session: Session, command: LinkADRAns, asked: LinkADRReq) -> Reaction:
    """Note what was refused, and ask less the next time."""
    rate, power = session.adr_caps or (_KEEP, _KEEP)
    refused = []
    if not command.power_ok:
        refused.append(f"power {asked.tx_power}")
        power = min(power, max(asked.tx_power - 1, 0))
    if not command.data_rate_ok:
        refused.append(f"data rate DR{asked.data_rate}")
        if session.radio.data_rate is not None and asked.data_rate > session.radio.data_rate:
            rate = min(rate, asked.data_rate - 1)
    if not command.ch_mask_ok:
        refused.append("channel mask")
    return Reaction(
        replace(session, adr_caps=(rate, power)),
        note=f"LinkADRReq refused: {', '.join(refused)}",
        rejected=True,
    )


BEHAVIOUR = Behaviour(LinkADRReq.CID, "linkADR", received, wanted, sent, atomic=True)
