"""The way of a data uplink: find its session, judge its counter, act on it, answer it, record it."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import blake2s

from msgspec.structs import replace

from veldnet.domain.documents import PlanSettings
from veldnet.lorawan.counters import MAX_FCNT, MAX_FCNT_GAP, extend
from veldnet.lorawan.crypto import (
    FCNT_NETWORK,
    UPLINK,
    crypt_fopts,
    crypt_payload,
    data_mic,
    data_mic_serving_half,
)
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.mac_commands import UPLINK_COMMANDS, LinkADRReq, MacCommand
from veldnet.lorawan.mac_commands import parse as parse_mac_commands
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import ChannelPlan

from . import adr, candidates, error_rate
from .downlink import plan_downlink
from .events import AnswerDue, AnswerLater, DataReceived, Device, Effect, Need, Transition
from .mac_commands import (
    BEHAVIOURS,
    REQUESTING,
    Context,
    Exchange,
    awaiting,
    blocked,
    handle_uplink_commands,
    next_requests,
)
from .parameters import NetworkParameters
from .personalised import BEGUN_AGAIN, begins_again, begun_again
from .queue import emptied
from .records import Record
from .regulator import charge_uplink
from .state import DeviceState, Session
from .unsolicited import continue_sending
from .uplink_record import Conduct, Match, refused, uplink_record

_BY_CID = {behaviour.cid: behaviour for behaviour in BEHAVIOURS}
# A repetition is answered at most so often: NbTrans and confirmed retries end at 15 (TS001-1.0.4 §4.3.1.1).
MAX_REPETITIONS = 15


def match(
    network: NetworkParameters, state: DeviceState, device: Device, event: DataReceived
) -> Match | None:
    """Find the session of a device that a frame belongs to, by its MIC."""
    frame = event.frame
    for session in state.sessions:
        if session.dev_addr != frame.dev_addr:
            continue
        found = _match_session(network, session, device, event)
        if found is not None:
            fcnt, verdict = found
            return Match(session, session is state.pending_session, fcnt, verdict)
    return None


def _match_session(
    network: NetworkParameters, session: Session, device: Device, event: DataReceived
) -> tuple[int, str] | None:
    frame = event.frame
    if begins_again(session, device, event):
        return 0, BEGUN_AGAIN
    last, wide = session.fcnt_up, device.profile.wideCounters
    fcnt = extend(last, frame.fcnt)
    if fcnt > MAX_FCNT:
        # A session ends with its counter; a device that begins again from 0 repeats its key streams.
        ended = _mic_fits(network, session, device, event, frame.fcnt)
        return (frame.fcnt, "counter_ended") if ended else None
    if _mic_fits(network, session, device, event, fcnt if wide else frame.fcnt):
        return fcnt, _judge_counter(session, device, event, fcnt)
    # An old frame sent again carries a counter below the last one, and fits only with that.
    if last is not None and wide:
        old = (last & 0xFFFF0000) | frame.fcnt
        if old != fcnt and _mic_fits(network, session, device, event, old):
            return old, "counter_replayed"
    return None


def _mic_fits(
    network: NetworkParameters, session: Session, device: Device, event: DataReceived, fcnt: int
) -> bool:
    frame, message = event.frame, event.received.best.phy_payload[:-4]
    mic = data_mic(session.f_nwk_s_int_key, UPLINK, frame.dev_addr, fcnt, message)
    if session.s_nwk_s_int_key is None:
        return hmac.compare_digest(mic, frame.mic)
    if not hmac.compare_digest(mic[:2], frame.mic[2:]):
        return False
    channel_plan = network.channel_plan(device.profile)
    best = event.received.best
    rate = None if channel_plan is None else channel_plan.region.uplink_data_rate(best.modulation)
    if channel_plan is None or rate is None:
        return False
    # The other half covers data rate and channel of this very transmission; a frequency may have several.
    return any(
        hmac.compare_digest(
            data_mic_serving_half(
                session.s_nwk_s_int_key,
                frame.dev_addr,
                fcnt,
                message,
                conf_fcnt=session.confirmed_fcnt if frame.ack else 0,
                tx_dr=rate,
                tx_ch=channel,
            ),
            frame.mic[:2],
        )
        for channel in channel_plan.indexes_of(best.frequency)
    )


def _fingerprint(session: Session, event: DataReceived) -> bytes:
    """What a repetition has in common with the frame it repeats: in 1.0.x the MIC; in 1.1 every transmission
    has its own, so the message itself."""
    if not session.version_11:
        return event.frame.mic
    return blake2s(event.received.best.phy_payload[:-4], digest_size=4).digest()


def _judge_counter(session: Session, device: Device, event: DataReceived, fcnt: int) -> str:
    last = session.fcnt_up
    if last is None:
        return "new"
    if fcnt == last:
        if _fingerprint(session, event) != session.last_mic:
            return "counter_replayed"
        return "repeated" if session.repetitions < MAX_REPETITIONS else "repeated_too_often"
    limited = device.profile.counter_gap_limited or not device.profile.wideCounters
    if limited and fcnt - last > MAX_FCNT_GAP:
        return "counter_gap_too_large"
    return "new"


def receive_data(
    network: NetworkParameters,
    device: Device,
    state: DeviceState,
    event: DataReceived,
    found: Match,
    now: float,
) -> Transition:
    """A frame whose MIC fits a session of the device."""
    channel_plan = network.channel_plan(device.profile)
    if channel_plan is None:
        words = f"the network does not serve {device.profile.region}"
        return refused(None, device, state, event, "region_not_served", words)
    plan = device.plan
    if not device.active or plan is None:
        words = "no connectivity plan or no routing"
        return refused(channel_plan, device, state, event, "device_inactive", words)
    if found.verdict == BEGUN_AGAIN:
        fresh = begun_again(found.session)
        state, found = replace(state, session=fresh), Match(fresh, False, 0, "new", True)
    if found.verdict not in ("new", "repeated"):
        words = f"counter {found.fcnt} after {found.session.fcnt_up}: {found.verdict.replace('_', ' ')}"
        return refused(channel_plan, device, state, event, found.verdict, words, found)
    state, dropped = _promote(device, state, found, now)
    over_limit = False
    if found.verdict == "new":
        state, over_limit = charge_uplink(plan, state, now)
    session = state.session
    assert session is not None
    commanded = _commanded_data_rate(session, channel_plan, event)
    acknowledged = session.awaited_ack.fcnt if session.awaited_ack and event.frame.ack else None
    previous = session.fcnt_up
    session = _count(network, plan, session, event, found)
    context = _context(network, channel_plan, device, event, plan)
    commands, mac, problem = _mac_commands(session, event.frame, found.fcnt)
    if found.verdict == "new":
        exchange = handle_uplink_commands(session, commands, context, _BY_CID)
        session, link_notes = _observe_link(channel_plan, plan, exchange.session, event, found.fcnt)
    else:
        exchange, link_notes = Exchange(session), ("repetition: answered again, not delivered again",)
    context, adr_notes = _run_adr(network, channel_plan, device, plan, session, event.frame, context)
    state = replace(_note_status(state, exchange, now), session=session)
    conduct = Conduct(previous, over_limit, commanded, blocked(session))
    need = Need(
        ack=event.frame.confirmed and plan.ackedUplinkFrame,
        adr_ack=event.frame.adr_ack_req,
        answers=exchange.answers,
        requests=next_requests(session, context, REQUESTING),
    )
    notes = exchange.notes + problem + link_notes + adr_notes
    state, answer_records, effects, answer_notes = _answer(
        network, channel_plan, device, plan, state, event, found, need, now
    )
    record = uplink_record(
        network, channel_plan, device, state, event, found, conduct, acknowledged, mac,
        exchange.device_status, notes + answer_notes,
    )  # fmt: skip
    return Transition(state, (record, *dropped, *answer_records), effects)


def _commanded_data_rate(session: Session, channel_plan: ChannelPlan, event: DataReceived) -> int | None:
    """What the device was to use for this frame. One that was offered since may be in use already: its answer
    comes with this very frame, or was lost."""
    received = channel_plan.region.uplink_data_rate(event.received.best.modulation)
    if received is not None and session.offered_data_rates >> received & 1:
        return received
    return session.commanded_data_rate


def _answer(
    network: NetworkParameters,
    channel_plan: ChannelPlan,
    device: Device,
    plan: PlanSettings,
    state: DeviceState,
    event: DataReceived,
    found: Match,
    need: Need,
    now: float,
) -> tuple[DeviceState, tuple[Record, ...], tuple[Effect, ...], tuple[str, ...]]:
    """The downlink after the uplink: now, after the application server has had its time, or none."""
    data_rate = channel_plan.region.uplink_data_rate(event.received.best.modulation)
    if data_rate is None:
        return state, (), (), ("no downlink: the region has no data rate for this modulation",)
    if plan.uplinkProcessing and found.verdict == "new":
        due = AnswerDue(event.received, event.frame.dev_addr, found.fcnt, data_rate, need)
        later = AnswerLater(now + plan.uplinkProcessing / 1000, due)
        words = f"the application server has {plan.uplinkProcessing} ms to submit a downlink"
        return state, (), (later,), (words,)
    planned = plan_downlink(network, channel_plan, device, state, event.received, data_rate, need, now)
    effects: tuple[Effect, ...] = () if planned.transmit is None else (planned.transmit,)
    if not planned.state.queue:
        return planned.state, planned.records, effects, planned.decisions
    step = continue_sending(network, device, planned.state, event.received.token, now)
    return step.state, planned.records + step.records, effects + step.effects, planned.decisions


def answer_late(
    network: NetworkParameters, device: Device, state: DeviceState, event: AnswerDue, now: float
) -> Transition:
    """Answer an uplink when the time of the application server is over."""
    session, channel_plan = state.session, network.channel_plan(device.profile)
    if session is None or channel_plan is None or not device.active:
        return Transition(state)
    if (session.dev_addr, session.fcnt_up) != (event.dev_addr, event.fcnt):
        # The device has spoken again, or joined anew; that has its own answer.
        return Transition(state)
    planned = plan_downlink(
        network, channel_plan, device, state, event.received, event.data_rate, event.need, now
    )
    effects = () if planned.transmit is None else (planned.transmit,)
    return Transition(planned.state, planned.records, effects)


def _promote(
    device: Device, state: DeviceState, found: Match, now: float
) -> tuple[DeviceState, tuple[Record, ...]]:
    """The first uplink under a new session ends the old one (I8); its queued downlinks go with it."""
    if not found.pending:
        return state, ()
    old = state.session
    waiting = tuple(item for item in state.queue if not item.for_pending_session)
    dropped = emptied(device.row.ref, old, waiting, now, "the device joined again")
    queue = tuple(
        replace(item, for_pending_session=False) for item in state.queue if item.for_pending_session
    )
    return replace(state, session=found.session, pending_session=None, queue=queue), dropped


def _count(
    network: NetworkParameters, plan: PlanSettings, session: Session, event: DataReceived, found: Match
) -> Session:
    if found.verdict == "repeated":
        return replace(session, repetitions=session.repetitions + 1)
    gap = None if session.fcnt_up is None else found.fcnt - session.fcnt_up
    smoothed = 0.0
    if network.smoothed_per:
        smoothed = error_rate.smoothed(session.smoothed_per, gap, plan.adrVersion)
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


def _context(
    network: NetworkParameters,
    channel_plan: ChannelPlan,
    device: Device,
    event: DataReceived,
    plan: PlanSettings,
) -> Context:
    best = event.received.best
    measured = next((copy.gps_time for copy in event.received.copies if copy.gps_time is not None), None)
    return Context(
        network,
        channel_plan,
        device.profile,
        plan,
        event.received.received_at,
        measured,
        best.snr,
        best.modulation.sf if isinstance(best.modulation, Lora) else None,
        len(event.received.copies),
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


def _observe_link(
    channel_plan: ChannelPlan, plan: PlanSettings, session: Session, event: DataReceived, fcnt: int
) -> tuple[Session, tuple[str, ...]]:
    """Take up the data rate in use; a device that lowered it on its own also raised its power."""
    received = event.received
    used = channel_plan.region.uplink_data_rate(received.best.modulation)
    radio, history = session.radio, session.adr_history
    notes: tuple[str, ...] = ()
    if used is not None and used != radio.data_rate:
        if radio.data_rate is not None:
            notes = (f"the device changed from DR{radio.data_rate} to DR{used} on its own",)
        lowered = radio.data_rate is not None and used < radio.data_rate
        radio = replace(radio, data_rate=used, tx_power=0 if lowered else radio.tx_power)
        history = b""
    # The base station that counts is the last one of those that the plan wants to hear a device.
    wanted, heard = plan.minAntennaDiversity, received.copies
    snr = heard[wanted - 1].snr if len(heard) >= wanted else adr.UNHEARD
    if snr is None:
        notes = (*notes, "ADR: learns nothing from this frame, its SNR is not known")
    else:
        history = adr.remember(history, fcnt, snr)
    return replace(session, radio=radio, adr_history=history), notes


def _run_adr(
    network: NetworkParameters,
    channel_plan: ChannelPlan,
    device: Device,
    plan: PlanSettings,
    session: Session,
    frame: DataFrame,
    context: Context,
) -> tuple[Context, tuple[str, ...]]:
    """Decide on the link parameters; without the ADR bit the device keeps its own (TS001-1.0.4 §4.3.1.1)."""
    radio = session.radio
    if radio.data_rate is None:
        return context, ()
    if not (frame.adr or plan.forceAdaptiveDataRate):
        return context, ("ADR: the device controls its data rate",)
    current = adr.LinkParameters(radio.data_rate, radio.tx_power, radio.nb_trans)
    urgent = frame.adr_ack_req or awaiting(session, LinkADRReq.CID)
    if not urgent and adr.may_wait(plan, session.adr_history, session.fcnt_up or 0):
        return replace(context, link=current), ("ADR: looked at with every fourth uplink",)
    limits = adr.bounds(
        channel_plan.region,
        plan.spreadingFactorMin,
        plan.spreadingFactorMax,
        dwell=radio.uplink_dwell,
        caps=session.adr_caps,
    )
    motion = device.row.motion_indicator or device.profile.motionIndicator
    decision = adr.decide(
        channel_plan, plan, session.adr_history, current, limits, margin=network.adr_margin, motion=motion
    )
    wanted = decision.link
    if wanted == current:
        return replace(context, link=wanted), (f"ADR: stays, {decision.reason}",)
    note = f"ADR: DR{wanted.data_rate}, power {wanted.tx_power}, NbTrans {wanted.nb_trans}; {decision.reason}"
    return replace(context, link=wanted), (note,)


def _note_status(state: DeviceState, exchange: Exchange, now: float) -> DeviceState:
    if exchange.device_status is None:
        return state
    battery, margin = exchange.device_status
    return replace(state, battery=battery, margin=margin, status_at=now)
