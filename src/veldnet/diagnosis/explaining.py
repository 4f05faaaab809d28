"""Explains what happened to a frame, or why a device does not join or is not received.

It reads the journal and the stored state, so it works beside a running server and on a backup as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from sqlalchemy import Connection, select

from veldnet.lorawan import BaseStationId, DevEui, frames
from veldnet.lorawan.frames import FrameError, JoinRequest, RejoinRequest
from veldnet.network.core.candidates import floor
from veldnet.network.core.mac_commands import blocked
from veldnet.network.core.records import (
    FLOOD,
    Copy,
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
from veldnet.store.schema import (
    base_stations,
    devices,
    frame_bodies,
)
from veldnet.store.schema import frames as frame_rows
from veldnet.texts import Language

from .base_stations import conduct, odd_copies
from .causes import refusal
from .findings import Explanation, Found, Level, Text, Value, ago, found
from .joins import decisions_of, downlink_finding, explain_joining, under_way
from .language import explanation_in
from .routing import routing_findings
from .stored import StoredDevice, stored_device

# Frames looked back on.
_OF_DEVICE = 100
_UNATTRIBUTED = 3000
# A device heard so long ago is said to be silent, in seconds.
_SILENT = 2 * 86_400.0
# A base station heard within so many seconds counts as connected.
_CONNECTED = 600.0
# Margins in dB below this make a weak link.
_WEAK = 3.0


def explain_frame(connection: Connection, frame_id: int, language: Language = "en") -> Explanation | None:
    """What happened to a frame, step by step; None if the journal does not hold it."""
    body = connection.execute(
        select(frame_bodies.c.body).where(frame_bodies.c.frame_id == frame_id, frame_bodies.c.part == 0)
    ).scalar()
    if body is None:
        return None
    record = decode_record(body)
    findings = [_headline(record), *_heard(record), *_late_copies(connection, frame_id, record)]
    findings += decisions_of(record)
    return explanation_in(language, Text("subject.frame", {"frame": str(frame_id)}), findings)


def _late_copies(connection: Connection, frame_id: int, record: Record) -> list[Found]:
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
    brought = tuple(
        Text(
            "late_copy",
            {"station": str(copy.base_station), "later": max(copy.received_at - record.time, 0.0)},
        )
        for copy in late[:5]
    )
    return [found("note", "frame.late_copies", count=len(late), brought=brought)]


def _later(copy: Copy, record: Record) -> float:
    """Seconds between the frame and a late copy of it."""
    return max(copy.received_at - record.time, 0.0)


def _headline(record: Record) -> Found:
    if isinstance(record, UplinkRecord):
        outcome = Text(f"outcome.{record.outcome}")
        return found("ok", "frame.uplink", fcnt=record.fcnt, dev_addr=str(record.dev_addr), outcome=outcome)
    if isinstance(record, JoinRecord):
        return _join_headline(record)
    if isinstance(record, DownlinkRecord):
        return downlink_finding(record)
    if isinstance(record, DownlinkRejectedRecord):
        return found("problem", "frame.downlink.rejected", cause=record.cause)
    if isinstance(record, RefusedRecord):
        why, advice = _refusal_of(record)
        return found("problem", "frame.refused", advice, why=why)
    return found("note", "frame.session_ended", outcome=record.outcome.replace("_", " "))


def _join_headline(record: JoinRecord) -> Found:
    request = (
        Text("request.join")
        if record.rejoin_type is None
        else Text("request.rejoin", {"type": record.rejoin_type})
    )
    dev_eui, nonce = str(record.dev_eui), record.dev_nonce
    if record.outcome == "accepted":
        return found("ok", "frame.join.accepted", request=request, dev_eui=dev_eui, nonce=nonce)
    why, advice = refusal(record.outcome)
    return found(
        "problem", "frame.join.refused", advice, request=request, dev_eui=dev_eui, nonce=nonce, why=why
    )


def _heard(record: Record) -> list[Found]:
    if not isinstance(record, UplinkRecord | JoinRecord | RefusedRecord):
        return []
    best = record.best
    values: dict[str, Value] = {
        "stations": Text("stations", {"count": len(record.copies)}),
        "names": ", ".join(str(copy.base_station) for copy in record.copies[:5]),
        "frequency": record.frequency / 1e6,
        "modulation": str(record.modulation),
        "rssi": Text("level.no_rssi")
        if best.rssi is None
        else Text("level.rssi", {"level": float(best.rssi)}),
        "snr": Text("level.no_snr") if best.snr is None else Text("level.snr", {"level": float(best.snr)}),
    }
    if best.snr is None:
        heard = Text("frame.heard", values)
    else:
        heard = Text("frame.heard.margin", values | {"margin": best.snr - floor(record.modulation)})
    return [Found("note", heard), *odd_copies(record.copies)]


def _level(name: str, level: float | None) -> Text:
    return Text(f"level.no_{name}") if level is None else Text(f"level.{name}", {"level": float(level)})


def explain_device(
    connection: Connection,
    dev_eui: DevEui,
    now: float,
    language: Language = "en",
    seen: Mapping[BaseStationId, float] | None = None,
) -> Explanation:
    """Why a device does not join or is not heard, or that all is well. `now` in Unix seconds, as is when a
    running server has `seen` base stations last: the store has that with a delay."""
    device = stored_device(connection, dev_eui)
    subject = Text("subject.device", {"dev_eui": str(dev_eui)})
    if device is None:
        return explanation_in(language, subject, _unknown(connection, dev_eui, now))
    records = _records(connection, device.ref, _OF_DEVICE)
    state = decode_state(device.state)
    joining = explain_joining([record for _id, record in records], state, now)
    findings = [
        *_configuration(device),
        *routing_findings(connection, device, now),
        *joining,
        *_listening(connection, records, state, now),
        *_commands(state),
        *_downlinks(records),
        *_newest_late_copies(connection, records),
    ]
    findings += conduct(connection, _hearing(records), now)
    if not records:
        findings += _never_heard(connection, device, now, seen or {})
    if not any(isinstance(r, UplinkRecord) and now - r.time <= _CONNECTED for _id, r in records):
        findings += _throttled(connection, now)
    if not any(finding.level == "problem" for finding in findings) and not under_way(joining):
        findings.append(found("ok", "device.fine"))
    order = {"problem": 0, "ok": 1, "note": 2}
    return explanation_in(language, subject, sorted(findings, key=lambda finding: order[finding.level]))


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


def _unknown(connection: Connection, dev_eui: DevEui, now: float) -> list[Found]:
    """No such device: it may be heard all the same, or its EUI be written the wrong way round."""
    findings = [found("problem", "device.unknown", dev_eui=str(dev_eui))]
    backwards = str(DevEui.from_wire(bytes.fromhex(str(dev_eui))))
    if connection.execute(select(devices.c.ref).where(devices.c.dev_eui == backwards)).first():
        findings.append(found("problem", "device.reversed", dev_eui=backwards))
    heard = [
        record
        for _id, record in _records(connection, 0, _UNATTRIBUTED)
        if isinstance(record, RefusedRecord) and _asks_for(record.phy_payload) == dev_eui
    ]
    if heard:
        findings += [found("note", "device.unknown_heard", count=len(heard)), *_heard(heard[0])]
    else:
        findings.append(found("note", "device.unknown_not_heard"))
        findings += _throttled(connection, now)
    return findings


def _asks_for(phy_payload: bytes) -> DevEui | None:
    asking = _join_request(phy_payload)
    return None if asking is None else asking.dev_eui


def _join_request(phy_payload: bytes) -> JoinRequest | RejoinRequest | None:
    try:
        frame = frames.parse(phy_payload)
    except FrameError:
        return None
    return frame if isinstance(frame, JoinRequest | RejoinRequest) else None


def _configuration(device: StoredDevice) -> list[Found]:
    if device.suspended:
        return [found("problem", "device.suspended")]
    no_plan = device.plan_ref is None
    no_routing = device.routing_profile_ref is None and device.processing_strategy is None
    if no_plan and no_routing:
        return [found("problem", "device.no_plan_no_routing")]
    if no_plan:
        return [found("problem", "device.no_plan")]
    return [found("problem", "device.no_routing")] if no_routing else []


def _newest_late_copies(connection: Connection, records: Sequence[tuple[int, Record]]) -> list[Found]:
    """Late copies of the newest accepted join-request or uplink."""
    for frame_id, record in records:
        if isinstance(record, UplinkRecord) or (
            isinstance(record, JoinRecord) and record.outcome == "accepted"
        ):
            return _late_copies(connection, frame_id, record)
    return []


def _listening(
    connection: Connection, records: Sequence[tuple[int, Record]], state: DeviceState, now: float
) -> list[Found]:
    findings: list[Found] = []
    uplinks = [record for _id, record in records if isinstance(record, UplinkRecord)]
    if uplinks:
        newest = uplinks[0]
        silent = now - newest.time
        if silent > _SILENT:
            findings.append(found("problem", "device.silent", fcnt=newest.fcnt, ago=ago(silent)))
        else:
            findings.append(found("ok", "device.last_uplink", fcnt=newest.fcnt, ago=ago(silent)))
        findings += _heard(newest)
        snr = newest.best.snr
        margin = None if snr is None else snr - floor(newest.modulation)
        if margin is not None and margin < _WEAK:
            findings.append(found("note", "device.weak", margin=margin))
    refused = [record for _id, record in records if isinstance(record, RefusedRecord)]
    if refused and (not uplinks or refused[0].time > uplinks[0].time):
        why, advice = _refusal_of(refused[0])
        findings.append(found("problem", "device.refused", advice, why=why))
    findings += _on_its_address(connection, state)
    return findings


def _on_its_address(connection: Connection, state: DeviceState) -> list[Found]:
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
    return [found("note", "device.other_session", count=count, dev_addr=str(session.dev_addr))]


def _commands(state: DeviceState) -> list[Found]:
    if state.session is None:
        return []
    return [
        found(
            "problem",
            "device.command_stopped",
            command=stopped.name,
            reason=Text(f"reason.{stopped.reason.replace(' ', '_')}"),
            count=stopped.attempts,
        )
        for stopped in blocked(state.session)
    ]


def _downlinks(records: Sequence[tuple[int, Record]]) -> list[Found]:
    downlinks = [r for _id, r in records if isinstance(r, DownlinkRecord) and not r.join_accept]
    failed = [record for record in downlinks if not record.delivered]
    if not failed:
        return []
    newest = downlink_finding(failed[0])
    level: Level = "problem" if failed[0] is downlinks[0] else "note"
    values: dict[str, Value] = {"count": len(failed), "total": len(downlinks), "newest": newest.text}
    return [found(level, "device.downlinks_failed", newest.advice, **values)]


def _never_heard(
    connection: Connection, device: StoredDevice, now: float, seen: Mapping[BaseStationId, float]
) -> list[Found]:
    mistaken = _heard_otherwise(connection, device)
    if mistaken is not None:
        return [mistaken]
    stations = connection.execute(
        select(base_stations.c.id, base_stations.c.last_seen_at).where(
            base_stations.c.operator_ref == device.operator_ref
        )
    ).all()
    connected = sum(
        now - max(seen.get(BaseStationId.parse(station.id), 0.0), (station.last_seen_at or 0) / 1000)
        < _CONNECTED
        for station in stations
    )
    if not connected:
        return [found("problem", "device.no_station", count=len(stations))]
    return [found("problem", "device.not_heard", count=connected)]


def _heard_otherwise(connection: Connection, device: StoredDevice) -> Found | None:
    """A join-request that is the device's if its EUIs were entered backwards, or in each other's place."""
    dev_eui, join_eui = DevEui.parse(device.dev_eui), device.join_eui
    backwards = DevEui.from_wire(bytes.fromhex(str(dev_eui)))
    for _id, record in _records(connection, 0, _UNATTRIBUTED):
        if not isinstance(record, RefusedRecord) or (asking := _join_request(record.phy_payload)) is None:
            continue
        if asking.dev_eui == backwards and backwards != dev_eui:
            return found("problem", "device.heard_reversed", heard=str(backwards))
        if str(asking.dev_eui) == join_eui and str(asking.join_eui) == str(dev_eui) != join_eui:
            return found("problem", "device.heard_swapped", heard=join_eui)
    return None


def _throttled(connection: Connection, now: float) -> list[Found]:
    """Base stations that were throttled lately: joins through them are not processed."""
    throttled = {
        str(record.best.base_station)
        for _id, record in _records(connection, 0, _UNATTRIBUTED)
        if _is_flood(record) and now - record.time < _CONNECTED
    }
    if not throttled:
        return []
    why, advice = refusal(FLOOD)
    return [found("problem", "device.throttled", advice, stations=", ".join(sorted(throttled)[:5]), why=why)]


def _refusal_of(record: RefusedRecord) -> tuple[Text, Text]:
    """Why a data frame was refused: what signs it are the keys of a session, and not the root key."""
    return refusal("wrong_session_key" if record.outcome == "wrong_mic" else record.outcome)


def _is_flood(record: Record) -> TypeGuard[RefusedRecord]:
    return isinstance(record, RefusedRecord) and record.outcome == FLOOD
