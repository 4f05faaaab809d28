"""The exchange of MAC commands: match answers to requests, repeat what stays unanswered, give up in time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DevStatusReq, MacCommand
from veldnet.network.state import PendingRequest, Session

from .behaviour import Behaviour, Context

# After so many requests without an answer, or refusals, the network asks no more in this session.
MAX_ATTEMPTS = 4
MAX_REFUSALS = 3


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """The session after the commands of an uplink, the answers they ask for, and words for the record."""

    session: Session
    answers: tuple[MacCommand, ...] = ()
    notes: tuple[str, ...] = ()
    device_status: tuple[int, int] | None = None


def handle_uplink_commands(
    session: Session, commands: Iterable[MacCommand], context: Context, behaviours: dict[int, Behaviour]
) -> Exchange:
    """Let each command of an uplink act on the session, in order."""
    answers: list[MacCommand] = []
    notes: list[str] = []
    device_status = None
    for command in commands:
        behaviour = behaviours.get(command.CID)
        if behaviour is None:
            notes.append(f"{command.NAME} is not supported and ignored")
            continue
        request = None
        if not behaviour.device_begins:
            session, request = _take_pending(session, command.CID)
        reaction = behaviour.received(session, command, request, context)
        session = reaction.session
        if reaction.rejected:
            session = _count_refusal(session, command.CID)
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


def _count_refusal(session: Session, cid: int) -> Session:
    refusals = dict(session.refusals)
    refusals[cid] = refusals.get(cid, 0) + 1
    return replace(session, refusals=tuple(refusals.items()))


def next_requests(
    session: Session, context: Context, behaviours: Iterable[Behaviour]
) -> tuple[MacCommand, ...]:
    """The requests the network should send now, but for those the device keeps refusing or ignoring."""
    tired = {pending.cid for pending in session.pending_requests if pending.attempts >= MAX_ATTEMPTS}
    tired.update(cid for cid, refusals in session.refusals if refusals >= MAX_REFUSALS)
    requests: tuple[MacCommand, ...] = ()
    for behaviour in behaviours:
        if behaviour.wanted is not None and behaviour.cid not in tired:
            requests += behaviour.wanted(session, context)
    return requests


def remember_requests(session: Session, sent: Iterable[MacCommand], now: float) -> Session:
    """The session with the requests that a downlink carries marked as pending."""
    sent = tuple(sent)
    if not sent:
        return session
    before = {(pending.cid, pending.payload): pending.attempts for pending in session.pending_requests}
    sent_cids = {command.CID for command in sent}
    kept = tuple(pending for pending in session.pending_requests if pending.cid not in sent_cids)
    added = tuple(
        PendingRequest(command.CID, command.payload(), before.get((command.CID, command.payload()), 0) + 1)
        for command in sent
    )
    asked_status = DevStatusReq.CID in sent_cids
    return replace(
        session,
        pending_requests=kept + added,
        status_asked_at=now if asked_status else session.status_asked_at,
    )
