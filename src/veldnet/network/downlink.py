"""Plan the downlink that answers an uplink: what it says, in which window, and why there is none."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload, data_mic
from veldnet.lorawan.frames import MType
from veldnet.lorawan.mac_commands import MacCommand, serialise
from veldnet.lorawan.radio import GatewayUplink, TransmitWindow

from .events import ReceivedFrame, Transmit
from .mac_commands import remember_requests
from .parameters import NetworkParameters
from .receive_windows import windows_after
from .records import DownlinkRecord, DownlinkRejectedRecord, Record
from .state import AwaitedAck, DeviceState, InFlight, QueuedDownlink, Session

FOPTS_LIMIT = 15


class Need(msgspec.Struct, frozen=True, gc=False):
    """Why a downlink is due. Answers come before requests when room is short."""

    ack: bool
    adr_ack: bool
    answers: tuple[MacCommand, ...]
    requests: tuple[MacCommand, ...]


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The state with the downlink's counter spent, records of what was dropped on the way, the
    transmission or None, and words for the uplink's record."""

    state: DeviceState
    records: tuple[Record, ...]
    transmit: Transmit | None
    decisions: tuple[str, ...]


def plan_downlink(
    network: NetworkParameters,
    device_ref: int,
    state: DeviceState,
    received: ReceivedFrame,
    data_rate: int,
    need: Need,
    now: float,
) -> Plan:
    """Decide on the downlink after an uplink of the current session."""
    due = need.ack or need.adr_ack or need.answers or need.requests
    if not (due or state.queue):
        return Plan(state, (), None, ("no downlink: nothing to send",))
    uplink = next((copy for copy in received.copies if not copy.late), None)
    if uplink is None:
        return Plan(state, (), None, ("no downlink: no base station can still answer this frame",))
    windows = _open_windows(network, state, uplink, data_rate, now)
    if not windows:
        return Plan(state, (), None, ("no downlink: both receive windows are over",))
    state, records, chosen = _choose_queued(device_ref, state, max(w.room for w in windows), now)
    if chosen is None and not due:
        return Plan(state, records, None, ("no downlink: nothing to send",))
    content = _compose(windows, chosen, need)
    if content is None:
        why = "no downlink: its MAC commands do not fit at the current data rate"
        return Plan(state, records, None, (why,))
    return _send(state, records, received, uplink, content, need, now)


class _Window(msgspec.Struct, frozen=True, gc=False):
    """A receive window that is still ahead and the octets of FOpts and FRMPayload it holds."""

    window: TransmitWindow
    room: int


class _Content(msgspec.Struct, frozen=True, gc=False):
    """What a downlink carries and the windows it fits into, the preferred one first."""

    chosen: QueuedDownlink | None
    mac: tuple[MacCommand, ...]
    windows: tuple[TransmitWindow, ...]


def _open_windows(
    network: NetworkParameters, state: DeviceState, uplink: GatewayUplink, data_rate: int, now: float
) -> tuple[_Window, ...]:
    session = state.session
    assert session is not None
    region = network.channel_plan.region
    both = windows_after(region, uplink, data_rate, session.radio, session.radio.rx1_delay)
    return tuple(
        _Window(window, region.max_frm_payload(region.data_rate_of(window.modulation) or 0))
        for window in both
        if window.opens_at - network.lead > now
    )


def _choose_queued(
    device_ref: int, state: DeviceState, limit: int, now: float
) -> tuple[DeviceState, tuple[Record, ...], QueuedDownlink | None]:
    """The first queued downlink that may still go out; those before it that may not leave the queue."""
    session = state.session
    assert session is not None
    records: list[Record] = []
    queue = state.queue
    while queue and not queue[0].for_pending_session:
        head = queue[0]
        if head.expires_at is not None and head.expires_at < now:
            records.append(discarded(device_ref, session, head, now, "E3", "validity expired"))
        elif head.fcnt is not None and head.fcnt < session.n_fcnt_down:
            records.append(discarded(device_ref, session, head, now, "E2", "its counter is used already"))
        elif len(head.payload) > limit:
            records.append(_too_big(device_ref, head, now, limit))
        else:
            return replace(state, queue=queue), tuple(records), head
        queue = queue[1:]
    return replace(state, queue=queue), tuple(records), None


def discarded(
    device_ref: int, session: Session | None, item: QueuedDownlink, now: float, cause: str, why: str
) -> DownlinkRecord:
    """The record of a queued downlink that will never be sent; it keeps the submission's identifier."""
    return DownlinkRecord(
        id=item.id,
        device_ref=device_ref,
        time=now,
        outcome="discarded",
        join_accept=False,
        dev_addr=session.dev_addr if session else None,
        fcnt=item.fcnt,
        fport=item.fport,
        payload=item.payload,
        size=len(item.payload),
        confirmed=item.confirmed,
        from_application=True,
        correlation_id=item.correlation_id,
        fcnt_up=session.fcnt_up if session else None,
        delivered=False,
        slot=0,
        cause_rx1=cause,
        cause_rx2="00",
        base_station=None,
        decisions=(f"discarded: {why}",),
    )


def _compose(windows: tuple[_Window, ...], chosen: QueuedDownlink | None, need: Need) -> _Content | None:
    """Fit payload and MAC commands into the first window that holds the payload; None if nothing is left."""
    payload = len(chosen.payload) if chosen is not None else 0
    first = next(window for window in windows if window.room >= payload)
    limit = min(FOPTS_LIMIT, first.room - payload) if chosen is not None else first.room
    mac = _fit_commands(need, limit)
    if chosen is None and not mac and not (need.ack or need.adr_ack):
        return None
    total = payload + len(serialise(mac))
    return _Content(chosen, mac, tuple(w.window for w in windows if w.room >= total))


def _fit_commands(need: Need, limit: int) -> tuple[MacCommand, ...]:
    fitting: list[MacCommand] = []
    for command in need.answers + need.requests:
        limit -= 1 + command.SIZE
        if limit < 0:
            break
        fitting.append(command)
    return tuple(fitting)


def _send(
    state: DeviceState,
    records: tuple[Record, ...],
    received: ReceivedFrame,
    uplink: GatewayUplink,
    content: _Content,
    need: Need,
    now: float,
) -> Plan:
    """Spend the counter, take the downlink off the queue, and build the frame."""
    session, chosen = state.session, content.chosen
    assert session is not None
    fcnt = chosen.fcnt if chosen is not None and chosen.fcnt is not None else session.n_fcnt_down
    queue = state.queue[1:] if chosen is not None else state.queue
    mac = serialise(content.mac)
    fopts, fport, clear = _layout(mac, chosen)
    fctrl = frames.ADR | (frames.ACK if need.ack else 0)
    if any(not item.for_pending_session for item in queue):
        fctrl |= frames.FPENDING
    phy_payload = _frame(session, fcnt, fctrl, fopts, fport, clear, chosen)
    confirmed = chosen is not None and chosen.confirmed
    in_flight = InFlight(
        token=received.token,
        base_station=uplink.base_station,
        planned_at=now,
        join_accept=False,
        dev_addr=session.dev_addr,
        fcnt=fcnt,
        fport=fport,
        payload=clear,
        size=len(clear),
        confirmed=confirmed,
        ack=need.ack,
        from_application=chosen is not None,
        correlation_id=chosen.correlation_id if chosen is not None else None,
        fcnt_up=session.fcnt_up,
        mac=mac,
        fpending=bool(fctrl & frames.FPENDING),
    )
    requests = tuple(command for command in content.mac if command in need.requests)
    session = replace(remember_requests(session, requests, now), n_fcnt_down=fcnt + 1)
    if chosen is not None and confirmed:
        session = replace(session, awaited_ack=AwaitedAck(fcnt, chosen.correlation_id))
    return Plan(
        replace(state, session=session, queue=queue, in_flight=(*state.in_flight, in_flight)),
        records,
        Transmit(received.token, uplink.base_station, phy_payload, content.windows),
        (_in_words(content, fcnt, need),),
    )


def _layout(mac: bytes, chosen: QueuedDownlink | None) -> tuple[bytes, int | None, bytes]:
    """FOpts, FPort and FRMPayload (not yet encrypted by the network)."""
    if chosen is not None:
        return mac, chosen.fport, chosen.payload
    if len(mac) > FOPTS_LIMIT:
        return b"", 0, mac
    return mac, None, b""


def _frame(
    session: Session,
    fcnt: int,
    fctrl: int,
    fopts: bytes,
    fport: int | None,
    clear: bytes,
    chosen: QueuedDownlink | None,
) -> bytes:
    mtype = MType.CONFIRMED_DOWN if chosen is not None and chosen.confirmed else MType.UNCONFIRMED_DOWN
    body = clear
    if fport == 0:
        body = crypt_payload(session.f_nwk_s_int_key, DOWNLINK, session.dev_addr, fcnt, clear)
    elif chosen is not None and chosen.fcnt is None:
        # Submissions in clear are accepted only while the network holds the AppSKey.
        assert session.app_s_key is not None
        body = crypt_payload(session.app_s_key, DOWNLINK, session.dev_addr, fcnt, clear)
    octets = frames.data_frame_octets(mtype, session.dev_addr, fctrl, fcnt, fopts, fport, body)
    return octets + data_mic(session.f_nwk_s_int_key, DOWNLINK, session.dev_addr, fcnt, octets)


def _too_big(device_ref: int, item: QueuedDownlink, now: float, limit: int) -> DownlinkRejectedRecord:
    return DownlinkRejectedRecord(
        id=item.id,
        device_ref=device_ref,
        time=now,
        outcome="rejected",
        fport=item.fport,
        size=len(item.payload),
        cause="Invalid payload size according to currents DR",
        correlation_id=item.correlation_id,
        decisions=(f"{len(item.payload)} bytes do not fit: the data rate allows {limit}",),
    )


def _in_words(content: _Content, fcnt: int, need: Need) -> str:
    parts = ["acknowledgement"] if need.ack else []
    if content.chosen is not None:
        parts.append(f"{len(content.chosen.payload)} bytes on port {content.chosen.fport}")
    parts.extend(command.NAME for command in content.mac)
    window = content.windows[0]
    words = ", ".join(parts) or "empty frame for ADRACKReq"
    return f"downlink {fcnt} in RX{window.slot} ({window.modulation}): {words}"
