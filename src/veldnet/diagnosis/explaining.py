"""Say in words what happened to a frame, or why a device does not join or is not heard.

It reads the journal and the stored state, so it works beside a running server and on a backup as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import msgspec
from sqlalchemy import Connection, Row, select

from veldnet.lorawan import BaseStationId, DevEui, frames
from veldnet.lorawan.frames import FrameError, JoinRequest, RejoinRequest
from veldnet.network.core.candidates import floor
from veldnet.network.core.mac_commands import blocked
from veldnet.network.core.records import (
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    Record,
    RefusedRecord,
    UplinkRecord,
    decode_copies,
    decode_record,
)
from veldnet.network.core.state import DeviceState, decode_state
from veldnet.network.shell.refusals import FLOOD
from veldnet.store.schema import base_stations, device_states, devices, frame_bodies
from veldnet.store.schema import frames as frame_rows

from .base_stations import conduct, odd_copies
from .causes import refusal_in_words
from .findings import Finding, ago
from .joins import downlink_finding, explain_joining, under_way
from .routing import routing_findings

# Frames looked back on.
_OF_DEVICE = 100
_UNATTRIBUTED = 3000
# A device heard so long ago is said to be silent, in seconds.
_SILENT = 2 * 86_400.0
# A base station heard within so many seconds counts as connected.
_CONNECTED = 600.0
# Margins in dB below this make a weak link.
_WEAK = 3.0


class Explanation(msgspec.Struct, frozen=True):
    """What is known of a device or frame, the most telling findings first."""

    subject: str
    findings: tuple[Finding, ...]


def explain_frame(connection: Connection, frame_id: int) -> Explanation | None:
    """What happened to a frame, step by step; None if the journal does not hold it."""
    body = connection.execute(
        select(frame_bodies.c.body).where(frame_bodies.c.frame_id == frame_id, frame_bodies.c.part == 0)
    ).scalar()
    if body is None:
        return None
    record = decode_record(body)
    findings = [_headline(record), *_heard(record), *_late_copies(connection, frame_id, record)]
    findings += [Finding("note", words) for words in record.decisions]
    return Explanation(f"frame {frame_id}", tuple(findings))


def _late_copies(connection: Connection, frame_id: int, record: Record) -> list[Finding]:
    """Copies that came after the deduplication window: they belong to the frame, and are no frames of their
    own."""
    bodies = connection.execute(
        select(frame_bodies.c.body)
        .where(frame_bodies.c.frame_id == frame_id, frame_bodies.c.part > 0)
        .order_by(frame_bodies.c.part)
    ).scalars()
    late = [copy for body in bodies for copy in decode_copies(body)]
    if not late:
        return []
    brought = ", ".join(
        f"{copy.base_station} {max(copy.received_at - record.time, 0):.1f} s later" for copy in late[:5]
    )
    what = "1 copy" if len(late) == 1 else f"{len(late)} copies"
    words = f"{what} of the frame came after the deduplication window, by base station {brought}"
    return [Finding("note", words, "nothing: the backhaul of the base station is slow")]


def _headline(record: Record) -> Finding:
    if isinstance(record, UplinkRecord):
        what = f"uplink {record.fcnt} of DevAddr {record.dev_addr} was {record.outcome}"
        return Finding("ok", what)
    if isinstance(record, JoinRecord):
        kind = "join-request" if record.rejoin_type is None else f"rejoin-request {record.rejoin_type}"
        what = f"{kind} of {record.dev_eui} with nonce {record.dev_nonce}"
        if record.outcome == "accepted":
            return Finding("ok", f"{what} was accepted")
        why, next_step = refusal_in_words(record.outcome)
        return Finding("problem", f"{what} was refused: {why}", next_step)
    if isinstance(record, DownlinkRecord):
        return downlink_finding(record)
    if isinstance(record, DownlinkRejectedRecord):
        return Finding("problem", f"a queued downlink was rejected: {record.cause}", "send less at once")
    if isinstance(record, RefusedRecord):
        why, next_step = _refused_in_words(record)
        return Finding("problem", f"The frame was refused: {why}", next_step)
    return Finding("note", f"the session ended: {record.outcome.replace('_', ' ')}")


def _heard(record: Record) -> list[Finding]:
    if not isinstance(record, UplinkRecord | JoinRecord | RefusedRecord):
        return []
    best = record.best
    names = ", ".join(str(copy.base_station) for copy in record.copies[:5])
    stations = "1 base station" if len(record.copies) == 1 else f"{len(record.copies)} base stations"
    words = (
        f"heard by {stations} ({names}) on {record.frequency / 1e6:g} MHz with "
        f"{record.modulation}; best: {_level(best.rssi, 'dBm', 'RSSI')}, {_level(best.snr, 'dB', 'SNR')}"
    )
    if best.snr is not None:
        words += f", margin {best.snr - floor(record.modulation):.1f} dB"
    return [Finding("note", words), *odd_copies(record.copies)]


def _level(value: float | None, unit: str, name: str) -> str:
    return f"{name} not known" if value is None else f"{value:g} {unit}"


def explain_device(connection: Connection, dev_eui: DevEui, now: float) -> Explanation:
    """Why a device does not join or is not heard, or that all is well. `now` in Unix seconds."""
    row = connection.execute(
        select(devices, device_states.c.state)
        .join(device_states, device_states.c.device_ref == devices.c.ref)
        .where(devices.c.dev_eui == str(dev_eui))
    ).first()
    subject = f"device {dev_eui}"
    if row is None:
        return Explanation(subject, tuple(_unknown(connection, dev_eui, now)))
    records = _records(connection, row.ref, _OF_DEVICE)
    state = decode_state(row.state)
    joining = explain_joining([record for _id, record in records], state, now)
    findings = [
        *_configuration(row),
        *(Finding(*found) for found in routing_findings(connection, row, now)),
        *joining,
        *_listening(connection, records, state, now),
        *_commands(state),
        *_downlinks(records),
        *_newest_late_copies(connection, records),
    ]
    findings += conduct(connection, _hearing(records), now)
    if not records:
        findings += _never_heard(connection, now)
    if not any(isinstance(r, UplinkRecord) and now - r.time <= _CONNECTED for _id, r in records):
        findings += _turned_away(connection, now)
    if not any(finding.level == "problem" for finding in findings) and not under_way(joining):
        findings.append(Finding("ok", "No problems found."))
    order = {"problem": 0, "ok": 1, "note": 2}
    return Explanation(subject, tuple(sorted(findings, key=lambda finding: order[finding.level])))


def _hearing(records: Sequence[tuple[int, Record]]) -> set[BaseStationId]:
    """The base stations that heard the newest frame of a device."""
    for _id, record in records:
        if isinstance(record, UplinkRecord | JoinRecord | RefusedRecord):
            return {copy.base_station for copy in record.copies}
    return set()


def _records(connection: Connection, device_ref: int, limit: int) -> list[tuple[int, Record]]:
    """The newest records of a device, or of frames that belong to none (0), newest first."""
    ids = (
        select(frame_rows.c.id)
        .where(frame_rows.c.device_ref == device_ref)
        .order_by(frame_rows.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(
        select(frame_bodies.c.frame_id, frame_bodies.c.body)
        .where(frame_bodies.c.frame_id.in_(ids), frame_bodies.c.part == 0)
        .order_by(frame_bodies.c.frame_id.desc())
    )
    return [(row.frame_id, decode_record(row.body)) for row in rows]


def _unknown(connection: Connection, dev_eui: DevEui, now: float) -> list[Finding]:
    """No such device: it may be heard all the same, or its EUI be written the wrong way round."""
    findings = [Finding("problem", f"no device has DevEUI {dev_eui}", "create the device")]
    backwards = str(DevEui.from_wire(bytes.fromhex(str(dev_eui))))
    if connection.execute(select(devices.c.ref).where(devices.c.dev_eui == backwards)).first():
        findings.append(
            Finding(
                "problem", f"a device {backwards} exists: the octets are in reverse", "correct the DevEUI"
            )
        )
    heard = [
        record
        for _id, record in _records(connection, 0, _UNATTRIBUTED)
        if isinstance(record, RefusedRecord) and _asks_for(record.phy_payload) == dev_eui
    ]
    if heard:
        findings += [
            Finding("note", f"its join-requests are heard, {len(heard)} of them lately"),
            *_heard(heard[0]),
        ]
    else:
        findings.append(Finding("note", "no join-request with it has been heard lately"))
        findings += _turned_away(connection, now)
    return findings


def _asks_for(phy_payload: bytes) -> DevEui | None:
    try:
        frame = frames.parse(phy_payload)
    except FrameError:
        return None
    return frame.dev_eui if isinstance(frame, JoinRequest | RejoinRequest) else None


def _configuration(row: Row[Any]) -> list[Finding]:
    missing = []
    if row.plan_ref is None:
        missing.append("connectivity plan")
    if row.routing_profile_ref is None and row.processing_strategy is None:
        missing.append("routing profile")
    if not missing:
        return []
    words = " and no ".join(missing)
    return [
        Finding("problem", f"the device has no {words}, so it may not transmit", f"give it a {missing[0]}")
    ]


def _newest_late_copies(connection: Connection, records: Sequence[tuple[int, Record]]) -> list[Finding]:
    """Late copies of the newest accepted join-request or uplink."""
    for frame_id, record in records:
        if isinstance(record, UplinkRecord) or (
            isinstance(record, JoinRecord) and record.outcome == "accepted"
        ):
            return _late_copies(connection, frame_id, record)
    return []


def _listening(
    connection: Connection, records: Sequence[tuple[int, Record]], state: DeviceState, now: float
) -> list[Finding]:
    findings = []
    uplinks = [record for _id, record in records if isinstance(record, UplinkRecord)]
    if uplinks:
        newest = uplinks[0]
        snr = newest.best.snr
        margin = None if snr is None else snr - floor(newest.modulation)
        silent = now - newest.time
        level = "problem" if silent > _SILENT else "ok"
        next_step = "look at the device's power and place" if level == "problem" else None
        findings.append(Finding(level, f"Last uplink (FCnt {newest.fcnt}) {ago(silent)} ago", next_step))
        findings += _heard(newest)
        if margin is not None and margin < _WEAK:
            findings.append(
                Finding("note", f"the link is weak: {margin:.1f} dB above what can be received",
                        "move the antenna, or add a base station")
            )  # fmt: skip
    refused = [record for _id, record in records if isinstance(record, RefusedRecord)]
    if refused and (not uplinks or refused[0].time > uplinks[0].time):
        why, next_step = _refused_in_words(refused[0])
        findings.append(Finding("problem", f"Its newest frame was refused: {why}", next_step))
    findings += _on_its_address(connection, state)
    return findings


def _on_its_address(connection: Connection, state: DeviceState) -> list[Finding]:
    """Frames on the device's address whose MIC fits nobody: it may use a session we have forgotten."""
    session = state.session
    if session is None:
        return []
    count = 0
    for _id, record in _records(connection, 0, _UNATTRIBUTED):
        if isinstance(record, RefusedRecord) and record.outcome == "wrong_mic":
            count += record.phy_payload[1:5] == session.dev_addr.to_wire()
    if not count:
        return []
    words = f"{count} frames on its DevAddr {session.dev_addr} fit no session: it may use other session keys"
    return [Finding("note", words, "let the device join anew, if it is this one")]


def _commands(state: DeviceState) -> list[Finding]:
    if state.session is None:
        return []
    return [
        Finding(
            "problem",
            f"the network has stopped sending {trouble.name}: {trouble.reason} ({trouble.attempts} times)",
            "check that the device profile names the model's version and MAC commands rightly",
        )
        for trouble in blocked(state.session)
    ]


def _downlinks(records: Sequence[tuple[int, Record]]) -> list[Finding]:
    downlinks = [r for _id, r in records if isinstance(r, DownlinkRecord) and not r.join_accept]
    failed = [record for record in downlinks if not record.delivered]
    if not failed:
        return []
    newest = downlink_finding(failed[0])
    words = f"{len(failed)} of its last {len(downlinks)} downlinks were not sent; the newest: {newest.text}"
    return [Finding("problem" if failed[0] is downlinks[0] else "note", words, newest.next)]


def _never_heard(connection: Connection, now: float) -> list[Finding]:
    seen = connection.execute(select(base_stations.c.last_seen_at)).scalars().all()
    connected = sum(at is not None and now - at / 1000 < _CONNECTED for at in seen)
    if not connected:
        return [
            Finding("problem", f"none of {len(seen)} base stations is connected", "connect a base station")
        ]
    return [
        Finding(
            "problem",
            f"no base station has heard the device, and {connected} are connected",
            "switch it on near a base station; check its region, its channels and its antenna",
        )
    ]


def _turned_away(connection: Connection, now: float) -> list[Finding]:
    """Base stations that were held off lately: joins through them are not looked at."""
    held_off = {
        str(record.best.base_station)
        for _id, record in _records(connection, 0, _UNATTRIBUTED)
        if _is_flood(record) and now - record.time < _CONNECTED
    }
    if not held_off:
        return []
    why, next_step = refusal_in_words(FLOOD)
    names = ", ".join(sorted(held_off)[:5])
    return [Finding("problem", f"joins through {names} may not have been looked at: {why}", next_step)]


def _refused_in_words(record: RefusedRecord) -> tuple[str, str]:
    """Why a data frame was refused: what signs it are the keys of a session, and not the root key."""
    return refusal_in_words("wrong_session_key" if record.outcome == "wrong_mic" else record.outcome)


def _is_flood(record: Record) -> TypeGuard[RefusedRecord]:
    return isinstance(record, RefusedRecord) and record.outcome == FLOOD
