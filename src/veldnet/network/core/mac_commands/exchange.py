"""The exchange of MAC commands: match answers to requests, repeat what stays unanswered, give up in time."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DOWNLINK_COMMANDS, DevStatusReq, LinkADRReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.records import BlockedCommand
from veldnet.network.core.state import PendingRequest, Refusals, Session

from .behaviour import Behaviour, Occasion

# After so many requests without an answer, or refusals, the network asks once a day only.
MAX_ATTEMPTS = 4
MAX_REFUSALS = 7
_TRY_AGAIN = 86_400.0


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """The session after the commands of an uplink, the answers they ask for, and words for the record."""

    session: Session
    answers: tuple[MacCommand, ...] = ()
    notes: tuple[str, ...] = ()
    device_status: tuple[int, int] | None = None


def handle_uplink_commands(
    session: Session, commands: Iterable[MacCommand], context: UplinkContext, behaviours: dict[int, Behaviour]
) -> Exchange:
    """Let each command of an uplink act on the session, in order."""
    answers: list[MacCommand] = []
    notes: list[str] = []
    device_status = None
    answered: set[int] = set()
    for command in commands:
        behaviour = behaviours.get(command.CID)
        if behaviour is None:
            notes.append(f"{command.NAME} is not supported and ignored")
            continue
        if behaviour.atomic and command.CID in answered:
            # A device may answer each request of a block; the first answer speaks for all.
            continue
        request = None
        if not behaviour.device_begins:
            session, request = _take_pending(session, command.CID)
        reaction = behaviour.received(session, command, request, context)
        session = reaction.session
        if reaction.rejected:
            session = _count_refusal(session, command.CID, context.event.received.received_at)
        elif request is not None:
            session = _forget_refusals(session, command.CID)
        answered.add(command.CID)
        if reaction.answer is not None:
            answers.append(reaction.answer)
        if reaction.note is not None:
            notes.append(reaction.note)
        device_status = reaction.device_status or device_status
    return Exchange(session, tuple(answers), tuple(notes), device_status)


def _take_pending(session: Session, cid: int) -> tuple[Session, bytes | None]:
    for position, pending in enumerate(session.pending_requests):
        if pending.cid == cid:
            rest = session.pending_requests[:position] + session.pending_requests[position + 1 :]
            return replace(session, pending_requests=rest), pending.payload
    return session, None


def _count_refusal(session: Session, cid: int, now: float) -> Session:
    count = next((refusals.count for refusals in session.refusals if refusals.cid == cid), 0)
    session = _forget_refusals(session, cid)
    return replace(session, refusals=(*session.refusals, Refusals(cid, count + 1, now)))


def _forget_refusals(session: Session, cid: int) -> Session:
    if not session.refusals:
        return session
    return replace(session, refusals=tuple(r for r in session.refusals if r.cid != cid))


def awaiting(session: Session, cid: int) -> bool:
    """Whether a request waits for its answer and will be repeated without one."""
    return any(p.cid == cid and p.attempts < MAX_ATTEMPTS for p in session.pending_requests)


def blocked(session: Session) -> tuple[BlockedCommand, ...]:
    """The requests that the device keeps refusing or ignoring."""
    if not (session.pending_requests or session.refusals):
        return ()
    ignored = [
        BlockedCommand(DOWNLINK_COMMANDS[pending.cid].NAME, "no answer", pending.attempts)
        for pending in session.pending_requests
        if pending.attempts >= MAX_ATTEMPTS
    ]
    refused = [
        BlockedCommand(DOWNLINK_COMMANDS[refusals.cid].NAME, "rejected", refusals.count)
        for refusals in session.refusals
        if refusals.count >= MAX_REFUSALS
    ]
    return (*ignored, *refused)


def next_requests(
    session: Session, occasion: Occasion, behaviours: Iterable[Behaviour]
) -> tuple[MacCommand, ...]:
    """The requests the network should send now; rarely those the device keeps refusing or ignoring."""
    at = occasion.event.received.received_at
    tired = _tired(session, at) if session.pending_requests or session.refusals else ()
    requests: tuple[MacCommand, ...] = ()
    for behaviour in behaviours:
        wanted = behaviour.wanted(session, occasion) if behaviour.wanted is not None else ()
        if wanted and behaviour.cid not in tired and behaviour.known_to(occasion.profile):
            requests += wanted
    return requests


def _tired(session: Session, now: float) -> Collection[int]:
    """Commands that the device keeps refusing or ignoring, and was asked lately."""
    recent = now - _TRY_AGAIN
    tired = {
        pending.cid
        for pending in session.pending_requests
        if pending.attempts >= MAX_ATTEMPTS and pending.sent_at > recent
    }
    tired.update(r.cid for r in session.refusals if r.count >= MAX_REFUSALS and r.last_at > recent)
    return tired


def remember_requests(session: Session, sent: Iterable[MacCommand], now: float) -> Session:
    """The session with the requests that a downlink carries marked as pending.

    Several LinkADRReq are one block, answered as one; several NewChannelReq are answered one by one.
    """
    sent = tuple(sent)
    if not sent:
        return session
    payloads: list[tuple[int, bytes]] = []
    for command in sent:
        if payloads and command.CID == LinkADRReq.CID and payloads[-1][0] == LinkADRReq.CID:
            payloads[-1] = (LinkADRReq.CID, payloads[-1][1] + command.payload())
        else:
            payloads.append((command.CID, command.payload()))
    before = {(pending.cid, pending.payload): pending.attempts for pending in session.pending_requests}
    sent_cids = {command.CID for command in sent}
    kept = tuple(pending for pending in session.pending_requests if pending.cid not in sent_cids)
    added = tuple(
        PendingRequest(cid, payload, before.get((cid, payload), 0) + 1, now) for cid, payload in payloads
    )
    asked_status = DevStatusReq.CID in sent_cids
    offered = session.offered_data_rates
    for command in sent:
        if isinstance(command, LinkADRReq):
            offered |= 1 << command.data_rate
    return replace(
        session,
        pending_requests=kept + added,
        status_asked_at=now if asked_status else session.status_asked_at,
        rejoin_wanted=session.rejoin_wanted and _FORCE_REJOIN not in sent_cids,
        offered_data_rates=offered,
    )


_FORCE_REJOIN = 0x0E
