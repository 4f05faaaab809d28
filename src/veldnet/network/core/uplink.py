"""Processing of a data uplink: find the session, check the counter, act, answer, record."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import blake2s

import msgspec
from msgspec.structs import replace

from veldnet.lorawan.counters import MAX_FCNT, MAX_FCNT_GAP, extend
from veldnet.lorawan.crypto import (
    FCNT_NETWORK,
    UPLINK,
    Sent,
    crypt_fopts,
    crypt_payload,
    data_mic,
    data_mic_serving_half,
)
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.mac_commands import UPLINK_COMMANDS, MacCommand
from veldnet.lorawan.mac_commands import parse as parse_mac_commands

from . import adr, candidates, error_rate
from .clock_sync import answer_clock
from .context import Context, UplinkContext
from .downlink import plan_downlink
from .events import AnswerDue, AnswerLater, DataReceived, Effect, Need, Transition
from .mac_commands import (
    Exchange,
    Occasion,
    awaits_answer,
    blocked,
    handle_uplink_commands,
    next_requests,
)
from .package_answers import unread_commands
from .personalised import COUNTER_RESET, is_counter_reset, with_counters_reset
from .queue import emptied
from .records import Record
from .regulator import charge_uplink
from .restoring import with_downlinks_used
from .state import DeviceState, Session
from .unsolicited import continue_sending
from .uplink_record import Conduct, Match, refused, uplink_record

# A repetition is answered at most so often: NbTrans and confirmed retries end at 15 (TS001-1.0.4 §4.3.1.1).
MAX_REPETITIONS = 15
_IN_SHADOW = "in shadow: nothing is sent, the network that the device comes from answers it"


def match(context: UplinkContext, state: DeviceState) -> Match | None:
    """Find the session of a device that a frame belongs to, by its MIC."""
    frame = context.event.frame
    for session in state.sessions:
        if session.dev_addr != frame.dev_addr:
            continue
        found = _match_session(context, session)
        if found is not None:
            fcnt, verdict = found
            return Match(session, session is state.pending_session, fcnt, verdict)
    return None


def _match_session(context: UplinkContext, session: Session) -> tuple[int, str] | None:
    frame = context.event.frame
    if is_counter_reset(context, session):
        return 0, COUNTER_RESET
    last, wide = session.fcnt_up, context.profile.wideCounters
    fcnt = extend(last, frame.fcnt)
    if fcnt > MAX_FCNT:
        # A session ends with its counter; a counter that restarts at 0 repeats key streams.
        return (frame.fcnt, "counter_ended") if _mic_fits(context, session, frame.fcnt) else None
    if _mic_fits(context, session, fcnt if wide else frame.fcnt):
        return fcnt, _judge_counter(context, session, fcnt)
    # An old frame sent again carries a counter below the last one, and fits only with that.
    if last is not None and wide:
        old = (last & 0xFFFF0000) | frame.fcnt
        if old != fcnt and _mic_fits(context, session, old):
            return old, "counter_replayed"
    return None


def _mic_fits(context: UplinkContext, session: Session, fcnt: int) -> bool:
    frame, best = context.event.frame, context.event.received.best
    message = best.phy_payload[:-4]
    mic = data_mic(session.f_nwk_s_int_key, UPLINK, frame.dev_addr, fcnt, message)
    if session.s_nwk_s_int_key is None:
        return hmac.compare_digest(mic, frame.mic)
    if not hmac.compare_digest(mic[:2], frame.mic[2:]):
        return False
    rate = context.channel_plan.region.uplink_data_rate(best.modulation)
    if rate is None:
        return False
    # The other half covers data rate and channel of this very transmission; a frequency may have several.
    return any(
        hmac.compare_digest(
            data_mic_serving_half(
                session.s_nwk_s_int_key,
                frame.dev_addr,
                fcnt,
                message,
                Sent(session.confirmed_fcnt if frame.ack else 0, rate, channel),
            ),
            frame.mic[:2],
        )
        for channel in context.channel_plan.indexes_of(best.frequency)
    )


def _fingerprint(session: Session, event: DataReceived) -> bytes:
    """What a repetition has in common with the frame it repeats: in 1.0.x the MIC; in 1.1 every transmission
    has its own, so the message itself."""
    if not session.version_11:
        return event.frame.mic
    return blake2s(event.received.best.phy_payload[:-4], digest_size=4).digest()


def _judge_counter(context: UplinkContext, session: Session, fcnt: int) -> str:
    last = session.fcnt_up
    if last is None:
        return "new"
    if fcnt == last:
        if _fingerprint(session, context.event) != session.last_mic:
            return "counter_replayed"
        return "repeated" if session.repetitions < MAX_REPETITIONS else "repeated_too_often"
    profile = context.profile
    limited = profile.counter_gap_limited or not profile.wideCounters
    if limited and fcnt - last > MAX_FCNT_GAP:
        return "counter_gap_too_large"
    return "new"


def receive_data(context: UplinkContext, state: DeviceState, found: Match) -> Transition:
    """A frame whose MIC fits a session of the device."""
    device = context.device
    if not context.channel_plan.served:
        words = f"the network does not serve {device.profile.region}"
        return refused(context, state, "region_not_served", words)
    if not device.active or device.plan is None:
        return refused(context, state, "device_inactive", "no connectivity plan or no routing")
    if found.verdict == COUNTER_RESET:
        fresh = with_counters_reset(found.session)
        state, found = replace(state, session=fresh), Match(fresh, False, 0, "new", True)
    if found.verdict not in ("new", "repeated"):
        words = f"counter {found.fcnt} after {found.session.fcnt_up}: {found.verdict.replace('_', ' ')}"
        return refused(context, state, found.verdict, words, found)
    if device.shadow:
        return _overhear(context, state, found)
    return _accept(context, state, found)


def _accept(context: UplinkContext, state: DeviceState, found: Match) -> Transition:
    """Count the frame, let its MAC commands act, decide on the answer, and record all of it."""
    frame, plan = context.event.frame, context.plan
    awaited = state.session.awaited_ack if state.session and found.verdict == "new" else None
    state, dropped = _promote(context, state, found)
    over_limit = False
    if found.verdict == "new":
        state, over_limit = charge_uplink(plan, state, context.now)
    before = state.session
    assert before is not None
    session = _count(context, before, found)
    commands, mac, problem = _mac_commands(session, frame, found.fcnt)
    if found.verdict == "new":
        exchange = handle_uplink_commands(session, commands, context)
        session, link_notes = _observe_link(context, exchange.session, found.fcnt)
    else:
        exchange, link_notes = Exchange(session), ("repetition: answered again, not delivered again",)
    link, adr_notes = _run_adr(context, session)
    state = replace(_note_status(state, exchange, context.now), session=session)
    package_notes: tuple[str, ...] = ()
    if found.verdict == "new":
        state, package_notes = answer_clock(context, state, found.fcnt)
        package_notes += unread_commands(context, session, found.fcnt)
    need = Need(
        ack=frame.confirmed and plan.ackedUplinkFrame,
        adr_ack=frame.adr_ack_req,
        answers=exchange.answers,
        requests=next_requests(session, _occasion(context, link)),
    )
    answer = _answer(context, state, found, need)
    conduct = Conduct(
        before.fcnt_up,
        over_limit,
        _commanded_data_rate(context, before),
        before.awaited_ack.fcnt if before.awaited_ack and frame.ack else None,
        mac,
        exchange.device_status,
        blocked(session),
        exchange.notes + problem + link_notes + adr_notes + package_notes + answer.decisions,
        awaited,
    )
    record = uplink_record(context, answer.state, found, conduct)
    return Transition(answer.state, (record, *dropped, *answer.records), answer.effects)


def _overhear(context: UplinkContext, state: DeviceState, found: Match) -> Transition:
    """Follow a device that another network answers: nothing is sent, and what the device answers is left to
    that network."""
    state, dropped = _promote(context, state, found)
    before = state.session
    assert before is not None
    session = _count(context, before, found)
    _commands, mac, _problem = _mac_commands(session, context.event.frame, found.fcnt)
    notes: tuple[str, ...] = ()
    if found.verdict == "new":
        session, notes = _observe_link(context, session, found.fcnt)
    # The other network answers a frame at most once, also one that was not heard here.
    answers = 1 if found.verdict == "repeated" else found.fcnt - (before.fcnt_up or 0)
    session = with_downlinks_used(session, answers)
    conduct = Conduct(before.fcnt_up, False, None, None, mac, None, (), (*notes, _IN_SHADOW))
    state = replace(state, session=session)
    record = uplink_record(context, state, found, conduct)
    return Transition(state, (record, *dropped))


def _occasion(context: UplinkContext, link: adr.LinkParameters | None) -> Occasion:
    return Occasion(
        context.network, context.channel_plan, context.device, context.plan, context.event, context.now, link
    )


def _commanded_data_rate(context: UplinkContext, session: Session) -> int | None:
    """What the device was to use for this frame. One that was offered since may be in use already: its answer
    comes with this very frame, or was lost."""
    received = context.channel_plan.region.uplink_data_rate(context.event.received.best.modulation)
    if received is not None and session.offered_data_rates >> received & 1:
        return received
    return session.commanded_data_rate


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """The state with the answer, records of downlinks that were dropped, what to do, and words
    for the record of the uplink."""

    state: DeviceState
    records: tuple[Record, ...]
    effects: tuple[Effect, ...]
    decisions: tuple[str, ...]


def _answer(context: UplinkContext, state: DeviceState, found: Match, need: Need) -> _Answer:
    """The downlink after the uplink: now, after the application server has had its time, or none."""
    received, delay = context.event.received, context.plan.uplinkProcessing
    data_rate = context.channel_plan.region.uplink_data_rate(received.best.modulation)
    if data_rate is None:
        return _Answer(state, (), (), ("no downlink: the region has no data rate for this modulation",))
    if delay and found.verdict == "new":
        due = AnswerDue(received, context.event.frame.dev_addr, found.fcnt, data_rate, need)
        later = AnswerLater(context.now + delay / 1000, due)
        words = f"the application server has {delay} ms to submit a downlink"
        return _Answer(state, (), (later,), (words,))
    planned = plan_downlink(context, state, data_rate, need)
    effects: tuple[Effect, ...] = () if planned.transmit is None else (planned.transmit,)
    if not planned.state.queue:
        return _Answer(planned.state, planned.records, effects, planned.decisions)
    step = continue_sending(context, planned.state, received.token)
    return _Answer(step.state, planned.records + step.records, effects + step.effects, planned.decisions)


def answer_late(context: Context[AnswerDue], state: DeviceState) -> Transition:
    """Answer an uplink when the time of the application server is over."""
    session, event = state.session, context.event
    if session is None or not context.channel_plan.served or not context.device.active:
        return Transition(state)
    if context.device.shadow:
        return Transition(state)
    if (session.dev_addr, session.fcnt_up) != (event.dev_addr, event.fcnt):
        # The device has sent again, or rejoined; that has its own answer.
        return Transition(state)
    planned = plan_downlink(context, state, event.data_rate, event.need)
    effects = () if planned.transmit is None else (planned.transmit,)
    return Transition(planned.state, planned.records, effects)


def _promote(
    context: UplinkContext, state: DeviceState, found: Match
) -> tuple[DeviceState, tuple[Record, ...]]:
    """The first uplink under a new session ends the old one (I8); its queued downlinks go with it."""
    if not found.pending:
        return state, ()
    old = state.session
    waiting = tuple(item for item in state.queue if not item.for_pending_session)
    dropped = emptied(context, old, waiting, "the device joined again")
    queue = tuple(
        replace(item, for_pending_session=False) for item in state.queue if item.for_pending_session
    )
    return replace(state, session=found.session, pending_session=None, queue=queue), dropped


def _count(context: UplinkContext, session: Session, found: Match) -> Session:
    if found.verdict == "repeated":
        return replace(session, repetitions=session.repetitions + 1)
    event = context.event
    gap = None if session.fcnt_up is None else found.fcnt - session.fcnt_up
    smoothed = 0.0
    if context.network.smoothed_per:
        smoothed = error_rate.smoothed(session.smoothed_per, gap, context.plan.adrVersion)
    return replace(
        session,
        fcnt_up=found.fcnt,
        gaps=error_rate.remember(session.gaps, gap),
        smoothed_per=smoothed,
        last_mic=_fingerprint(session, event),
        repetitions=0,
        awaited_ack=None,
        last_uplink_at=max(event.received.received_at, session.last_uplink_at or 0.0),
        last_base_station=event.received.best.base_station,
        heard_by=candidates.remember(event.received.copies) or session.heard_by,
        class_b=event.frame.class_b,
    )


def _mac_commands(
    session: Session, frame: DataFrame, fcnt: int
) -> tuple[Iterable[MacCommand], bytes, tuple[str, ...]]:
    octets = frame.fopts
    if frame.fport == 0:
        octets = crypt_payload(session.mac_key, UPLINK, frame.dev_addr, fcnt, frame.frm_payload)
    elif session.version_11 and octets:
        octets = crypt_fopts(session.mac_key, UPLINK, frame.dev_addr, fcnt, octets, counter=FCNT_NETWORK)
    if not octets:
        return (), b"", ()
    stream = parse_mac_commands(octets, UPLINK_COMMANDS)
    return stream.commands, octets, () if stream.problem is None else (stream.problem,)


def _observe_link(context: UplinkContext, session: Session, fcnt: int) -> tuple[Session, tuple[str, ...]]:
    """Take up the data rate in use; a device that lowered it on its own also raised its power."""
    received = context.event.received
    used = context.channel_plan.region.uplink_data_rate(received.best.modulation)
    radio, history = session.radio, session.adr_history
    notes: tuple[str, ...] = ()
    if used is not None and used != radio.data_rate:
        if radio.data_rate is not None:
            notes = (f"the device changed from DR{radio.data_rate} to DR{used} on its own",)
        lowered = radio.data_rate is not None and used < radio.data_rate
        radio = replace(radio, data_rate=used, tx_power=0 if lowered else radio.tx_power)
        history = b""
    # The base station that counts is the last one of those that the plan wants to hear a device.
    wanted, heard = context.plan.antenna_diversity, received.copies
    snr = heard[wanted - 1].snr if len(heard) >= wanted else adr.UNHEARD
    if snr is None:
        notes = (*notes, "ADR: learns nothing from this frame, its SNR is not known")
    else:
        history = adr.remember(history, fcnt, snr)
    return replace(session, radio=radio, adr_history=history), notes


def _run_adr(context: UplinkContext, session: Session) -> tuple[adr.LinkParameters | None, tuple[str, ...]]:
    """Decide on the link parameters; without the ADR bit the device keeps its own (TS001-1.0.4 §4.3.1.1)."""
    radio, plan, frame = session.radio, context.plan, context.event.frame
    if radio.data_rate is None:
        return None, ()
    if not (frame.adr or plan.forceAdaptiveDataRate):
        return None, ("ADR: the device controls its data rate",)
    current = adr.LinkParameters(radio.data_rate, radio.tx_power, radio.nb_trans)
    urgent = frame.adr_ack_req or awaits_answer(session)
    if not urgent and adr.may_wait(plan, session.adr_history, session.fcnt_up or 0):
        return current, ("ADR: looked at with every fourth uplink",)
    region, device = context.channel_plan.region, context.device
    limits = adr.bounds(
        region,
        plan.spreadingFactorMin,
        plan.spreadingFactorMax,
        dwell=radio.uplink_dwell,
        caps=session.adr_caps,
    )
    decision = adr.decide(
        region,
        plan,
        adr.Link(session.adr_history, current, limits),
        margin=context.network.adr_margin,
        motion=device.row.motion_indicator or device.profile.motionIndicator,
    )
    wanted = decision.link
    if wanted == current:
        return wanted, (f"ADR: stays, {decision.reason}",)
    note = f"ADR: DR{wanted.data_rate}, power {wanted.tx_power}, NbTrans {wanted.nb_trans}; {decision.reason}"
    return wanted, (note,)


def _note_status(state: DeviceState, exchange: Exchange, now: float) -> DeviceState:
    if exchange.device_status is None:
        return state
    battery, margin = exchange.device_status
    return replace(state, battery=battery, margin=margin, status_at=now)
