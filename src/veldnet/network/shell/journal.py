"""Converts records to journal rows: a compact frame row and a body with details."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import Lora, Modulation
from veldnet.network.core.records import (
    Copy,
    DownlinkRecord,
    JoinRecord,
    MulticastRecord,
    Record,
    RefusedRecord,
    UplinkRecord,
    encode_record,
)
from veldnet.store import BodyRow, FrameRow, millis_of

LATE, OVER_LIMIT = 1, 2
_COPY = struct.Struct("<Ihh")
# A level that is not known, and how it is written.
_UNKNOWN, _UNKNOWN_OCTETS = -32_768, b"\x00\x80"
# Milliseconds by which an id may be ahead of its frame.
_APART = 60_000
# MHDR, FHDR without FOpts, and MIC.
_HEADERS = 12


def tenths(level: float | None) -> int | None:
    """A level in tenths of a dB(m), None where it is not known."""
    return None if level is None else round(level * 10)


def pack_copies(copies: tuple[Copy, ...]) -> bytes | None:
    """Base station, RSSI and SNR in tenths of each copy; None for a single one, which the row itself
    shows."""
    if len(copies) < 2:
        return None
    return b"".join(
        _COPY.pack(
            int(copy.base_station),
            _UNKNOWN if copy.rssi is None else round(copy.rssi * 10),
            _UNKNOWN if copy.snr is None else round(copy.snr * 10),
        )
        for copy in copies
    )


def unpack_copies(octets: bytes) -> list[tuple[int, int | None, int | None]]:
    """Base station, RSSI and SNR in tenths, None where they are not known."""
    copies: list[tuple[int, int | None, int | None]] = list(_COPY.iter_unpack(octets))
    if _UNKNOWN_OCTETS not in octets:
        return copies
    return [
        (station, None if rssi == _UNKNOWN else rssi, None if snr == _UNKNOWN else snr)
        for station, rssi, snr in copies
    ]


def _airtime(modulation: Modulation | None, size: int, *, uplink: bool) -> int | None:
    """Tenths of a millisecond."""
    return None if modulation is None else round(10 * time_on_air(modulation, size, crc=uplink))


def _data_size(fport: int | None, size: int, mac: bytes) -> int:
    """Octets of a data frame's PHYPayload."""
    if fport is None:
        return _HEADERS + len(mac)
    return _HEADERS + 1 + (len(mac) if fport == 0 else size + len(mac))


def _at(record: UplinkRecord | JoinRecord | RefusedRecord) -> int | None:
    """When a frame was heard, Unix milliseconds, where its identifier does not say so."""
    at = round(record.time * 1000)
    return None if at == millis_of(record.id) else at


def _at_if_apart(record: Record) -> int | None:
    """The same of what was not heard: its identifier is of the same moment, unless the clock was set back. A
    downlink that leaves the queue unsent keeps the identifier, and so the hour, of its submission."""
    at = round(record.time * 1000)
    return at if millis_of(record.id) - at > _APART else None


def _uplink_row(record: UplinkRecord, subscriber: int | None, plan: int | None) -> FrameRow:
    best, modulation = record.best, record.modulation
    battery, margin = record.device_status or (None, None)
    return FrameRow(
        record.id,
        record.device_ref,
        int(record.kind),
        record.outcome,
        record.fcnt,
        record.fport,
        record.size,
        tenths(best.rssi),
        tenths(best.snr),
        record.data_rate,
        int(best.base_station),
        len(record.copies),
        _at(record),
        (LATE if record.late else 0) | (OVER_LIMIT if record.over_limit else 0),
        record.gap,
        _airtime(modulation, _data_size(record.fport, record.size, record.mac), uplink=True),
        modulation.sf if isinstance(modulation, Lora) else None,
        pack_copies(record.copies),
        subscriber,
        plan,
        battery,
        margin,
    )


def _request_row(record: JoinRecord | RefusedRecord, subscriber: int | None, plan: int | None) -> FrameRow:
    best, modulation = record.best, record.modulation
    return FrameRow(
        record.id,
        record.device_ref,
        int(record.kind),
        record.outcome,
        record.fcnt if isinstance(record, RefusedRecord) else None,
        record.fport if isinstance(record, RefusedRecord) else None,
        record.size,
        tenths(best.rssi),
        tenths(best.snr),
        record.data_rate,
        int(best.base_station),
        len(record.copies),
        _at(record),
        LATE if best.late else 0,
        None,
        _airtime(modulation, record.size, uplink=True),
        modulation.sf if isinstance(modulation, Lora) else None,
        pack_copies(record.copies),
        subscriber,
        plan,
    )


def _downlink_row(record: DownlinkRecord, subscriber: int | None, plan: int | None) -> FrameRow:
    station, modulation = record.base_station, record.modulation if record.delivered else None
    octets = record.size if record.join_accept else _data_size(record.fport, record.size, record.mac)
    return FrameRow(
        record.id,
        record.device_ref,
        int(record.kind),
        record.outcome,
        record.fcnt,
        record.fport,
        # MAC commands on FPort 0 are no payload.
        record.size if record.fport or record.join_accept else 0,
        None,
        None,
        record.data_rate,
        None if station is None else int(station),
        0,
        _at_if_apart(record),
        OVER_LIMIT if record.over_limit else 0,
        None,
        _airtime(modulation, octets, uplink=False),
        modulation.sf if isinstance(modulation, Lora) else None,
        None,
        subscriber,
        plan,
    )


def _multicast_row(record: MulticastRecord, subscriber: int | None, plan: int | None) -> FrameRow:
    modulation = record.modulation if record.delivered else None
    return FrameRow(
        record.id,
        record.device_ref,
        int(record.kind),
        record.outcome,
        record.fcnt,
        record.fport,
        record.size,
        None,
        None,
        record.data_rate,
        None,
        0,
        _at_if_apart(record),
        OVER_LIMIT if record.over_limit else 0,
        None,
        _airtime(modulation, _data_size(record.fport, record.size, b""), uplink=False),
        modulation.sf if isinstance(modulation, Lora) else None,
        None,
        subscriber,
        plan,
    )


def frame_row(record: Record, subscriber: int | None, plan: int | None) -> FrameRow:
    """The frame row of a record; `subscriber` and `plan` are those of its device at the time."""
    if isinstance(record, UplinkRecord):
        return _uplink_row(record, subscriber, plan)
    if isinstance(record, DownlinkRecord):
        return _downlink_row(record, subscriber, plan)
    if isinstance(record, JoinRecord | RefusedRecord):
        return _request_row(record, subscriber, plan)
    if isinstance(record, MulticastRecord):
        return _multicast_row(record, subscriber, plan)
    over = OVER_LIMIT if getattr(record, "over_limit", False) else 0
    return FrameRow(
        record.id,
        record.device_ref,
        int(record.kind),
        record.outcome,
        getattr(record, "fcnt", None),
        getattr(record, "fport", None),
        record.size,
        None,
        None,
        None,
        None,
        0,
        _at_if_apart(record),
        over,
        subscriber_ref=subscriber,
        plan_ref=plan,
    )


def heard_at(row: FrameRow) -> int:
    """Unix milliseconds at which the frame of a row was on air, as far as it is known."""
    return millis_of(row.id) if row.at is None else row.at


def journal_rows(recorded: Iterable[Any]) -> tuple[list[FrameRow], list[BodyRow]]:
    """Frame rows and bodies of what a batch has recorded."""
    frames: list[FrameRow] = []
    bodies: list[BodyRow] = []
    for record, device, _entry in recorded:
        row = None if device is None else device.row
        frames.append(
            frame_row(record, None, None)
            if row is None
            else frame_row(record, row.subscriber_ref, row.plan_ref)
        )
        bodies.append(BodyRow(record.id, 0, encode_record(record)))
    return frames, bodies
