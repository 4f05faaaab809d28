"""The exchange of MAC commands: match answers to requests, repeat what stays unanswered, give up in time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DOWNLINK_COMMANDS, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.records import BlockedCommand
from veldnet.network.core.state import PendingRequest, Refusals, Session

from .behaviour import MAX_ATTEMPTS, Occasion
from .registry import BEHAVIOURS

# After so many refusals the network asks once a day only.
MAX_REFUSALS = 7
_TRY_AGAIN = 86_400.0


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """The session after the commands of an uplink, the answers they ask for, and words for the record."""

    session: Session
    answers: tuple[MacCommand, ...] = ()
    notes: tuple[str, ...] = ()
    device_status: tuple[int, int] | None = None


def handle_uplink_commands(
    session: Session, commands: Iterable[MacCommand], context: UplinkContext
) -> Exchange:
    """Let each command of an uplink act on the session, in order."""
    answers: list[MacCommand] = []
    notes: list[str] = []
    device_status = None
    answered: set[int] = set()
    for command in commands:
        behaviour = BEHAVIOURS.get(command.CID)
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


def next_requests(session: Session, occasion: Occasion) -> tuple[MacCommand, ...]:
    """The requests the network should send now; rarely those the device keeps refusing or ignoring."""
    at = occasion.event.received.received_at
    tired = _tired(session, at) if session.pending_requests or session.refusals else ()
    requests: tuple[MacCommand, ...] = ()
    for behaviour in BEHAVIOURS.values():
        if behaviour.wanted is None:
            continue
        wanted = behaviour.wanted(session, occasion)
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


def blocks(requests: Sequence[MacCommand]) -> list[tuple[MacCommand, ...]]:
    """Requests that are sent, answered and repeated together: the successive ones of an atomic command."""
    found: list[tuple[MacCommand, ...]] = []
    for request in requests:
        if found and found[-1][0].CID == request.CID and BEHAVIOURS[request.CID].atomic:
            found[-1] = (*found[-1], request)
        else:
            found.append((request,))
    return found


def remember_requests(session: Session, sent: Sequence[MacCommand], now: float) -> Session:
    """The session with the requests that a downlink carries marked as pending."""
    if not sent:
        return session
    before = {(pending.cid, pending.payload): pending.attempts for pending in session.pending_requests}
    sent_cids = {command.CID for command in sent}
    kept = tuple(pending for pending in session.pending_requests if pending.cid not in sent_cids)
    payloads = [(block[0].CID, b"".join(request.payload() for request in block)) for block in blocks(sent)]
    added = tuple(
        PendingRequest(cid, payload, before.get((cid, payload), 0) + 1, now) for cid, payload in payloads
    )
    session = replace(session, pending_requests=kept + added)
    for request in sent:
        behaviour = BEHAVIOURS[request.CID]
        if behaviour.sent is not None:
            session = behaviour.sent(session, request, now)
    return session
