"""Build a downlink: spend its counter, take it off the queue, lay it out, encrypt and sign it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import frames
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.lorawan.crypto import (
    DOWNLINK,
    FCNT_APPLICATION,
    FCNT_NETWORK,
    crypt_fopts,
    crypt_payload,
    data_mic,
    data_mic_downlink_11,
)
from veldnet.lorawan.frames import MType
from veldnet.lorawan.mac_commands import MacCommand, serialise
from veldnet.lorawan.radio import TransmitWindow

from .context import Context
from .events import Event, Transmit
from .mac_commands import remember_requests
from .regulator import charge_downlink
from .state import AwaitedAck, DeviceState, InFlight, QueuedDownlink, Session

FOPTS_LIMIT = 15


class Content(msgspec.Struct, frozen=True, gc=False):
    """What a downlink carries, and the windows it fits into, the preferred ones first. `requests` are those
    of `mac` that the device is to answer."""

    chosen: QueuedDownlink | None
    mac: tuple[MacCommand, ...]
    requests: tuple[MacCommand, ...]
    ack: bool
    windows: tuple[TransmitWindow, ...]


class Layout(msgspec.Struct, frozen=True, gc=False):
    """FOpts, FPort and FRMPayload, not yet encrypted by the network."""

    fopts: bytes
    fport: int | None
    payload: bytes


def counter_ended(state: DeviceState, chosen: QueuedDownlink | None) -> bool:
    """Whether no downlink counter is left in the session: none may be used twice."""
    session = state.session
    assert session is not None
    return (session.application_fcnt if chosen is not None else session.n_fcnt_down) > MAX_FCNT


def build(
    context: Context[Event],
    state: DeviceState,
    content: Content,
    token: int,
    deadline: float | None = None,
) -> tuple[DeviceState, Transmit]:
    """The state with the downlink in flight, and the transmission; it takes a token of the regulator."""
    now = context.now
    state, over_limit = charge_downlink(context.plan, state, now)
    session, chosen = state.session, content.chosen
    assert session is not None
    layout = _layout(serialise(content.mac), chosen)
    application = layout.fport is not None and layout.fport > 0
    fcnt = _counter(session, chosen, application)
    queue = tuple(item for item in state.queue if item is not chosen)
    fctrl = frames.ADR | (frames.ACK if content.ack else 0)
    if any(not item.for_pending_session for item in queue):
        fctrl |= frames.FPENDING
    phy_payload = _octets(session, fcnt, fctrl, layout, chosen)
    confirmed = chosen is not None and chosen.confirmed
    in_flight = InFlight(
        token=token,
        base_station=content.windows[0].base_station,
        planned_at=now,
        join_accept=False,
        dev_addr=session.dev_addr,
        fcnt=fcnt,
        fport=layout.fport,
        payload=layout.payload,
        size=len(layout.payload),
        confirmed=confirmed,
        ack=content.ack,
        from_application=chosen is not None and not chosen.from_network,
        correlation_id=chosen.correlation_id if chosen is not None else None,
        fcnt_up=session.fcnt_up,
        mac=serialise(content.mac),
        fpending=bool(fctrl & frames.FPENDING),
        over_limit=over_limit,
        submission=chosen.id if chosen is not None else 0,
    )
    session = _spend(remember_requests(session, content.requests, now), fcnt, application)
    if chosen is not None and confirmed:
        awaited = AwaitedAck(fcnt, chosen.correlation_id, now, chosen.id)
        session = replace(session, awaited_ack=awaited, confirmed_fcnt=fcnt)
    return (
        replace(state, session=session, queue=queue, in_flight=(*state.in_flight, in_flight)),
        Transmit(token, phy_payload, content.windows, deadline),
    )


def _layout(mac: bytes, chosen: QueuedDownlink | None) -> Layout:
    if chosen is not None:
        return Layout(mac, chosen.fport, chosen.payload)
    if len(mac) > FOPTS_LIMIT:
        return Layout(b"", 0, mac)
    return Layout(mac, None, b"")


def _counter(session: Session, chosen: QueuedDownlink | None, application: bool) -> int:
    if chosen is not None and chosen.fcnt is not None:
        return chosen.fcnt
    return session.application_fcnt if application else session.n_fcnt_down


def _spend(session: Session, fcnt: int, application: bool) -> Session:
    if application and session.version_11:
        return replace(session, a_fcnt_down=fcnt + 1)
    return replace(session, n_fcnt_down=fcnt + 1)


def _octets(session: Session, fcnt: int, fctrl: int, layout: Layout, chosen: QueuedDownlink | None) -> bytes:
    mtype = MType.CONFIRMED_DOWN if chosen is not None and chosen.confirmed else MType.UNCONFIRMED_DOWN
    address, body, fopts = session.dev_addr, layout.payload, layout.fopts
    if layout.fport == 0:
        body = crypt_payload(session.mac_key, DOWNLINK, address, fcnt, body)
    elif chosen is not None and chosen.fcnt is None:
        # Submissions in clear are accepted only while the network holds the AppSKey.
        key = session.application_key(layout.fport or 0)
        assert key is not None
        body = crypt_payload(key, DOWNLINK, address, fcnt, body)
    if session.s_nwk_s_int_key is None:
        octets = frames.data_frame_octets(mtype, frames.Fhdr(address, fctrl, fcnt, fopts), layout.fport, body)
        return octets + data_mic(session.f_nwk_s_int_key, DOWNLINK, address, fcnt, octets)
    counter = FCNT_APPLICATION if layout.fport else FCNT_NETWORK
    fopts = crypt_fopts(session.mac_key, DOWNLINK, address, fcnt, fopts, counter=counter)
    octets = frames.data_frame_octets(mtype, frames.Fhdr(address, fctrl, fcnt, fopts), layout.fport, body)
    conf_fcnt = (session.fcnt_up or 0) if fctrl & frames.ACK else 0
    return octets + data_mic_downlink_11(session.s_nwk_s_int_key, address, fcnt, octets, conf_fcnt=conf_fcnt)


def describe(content: Content, state: DeviceState) -> str:
    """The downlink in flight, for the record of what caused it."""
    sent = state.in_flight[-1]
    parts = ["acknowledgement"] if content.ack else []
    if content.chosen is not None:
        parts.append(f"{len(content.chosen.payload)} bytes on port {content.chosen.fport}")
    parts.extend(command.NAME for command in content.mac)
    window = content.windows[0]
    where = "ping slot" if window.slot == 3 else "RX2 at once" if window.immediate else f"RX{window.slot}"
    words = ", ".join(parts) or "empty frame for ADRACKReq"
    return f"downlink {sent.fcnt} in {where} ({window.modulation}): {words}"
