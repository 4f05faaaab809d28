"""A frame as a line of the wireless logger."""

from __future__ import annotations

from collections.abc import Callable
from math import asin, cos, radians, sin, sqrt

import msgspec

from veldnet.domain.resources import timestamp
from veldnet.monitoring.statistics.rollups import esp_of
from veldnet.monitoring.unknown_devices import identity_of
from veldnet.network.core import (
    DownlinkRecord,
    DownlinkRejectedRecord,
    FrameKind,
    JoinRecord,
    LocationRecord,
    MulticastRecord,
    MulticastSummaryRecord,
    Record,
    RefusedRecord,
    ResetRecord,
    UplinkRecord,
)
from veldnet.network.shell import LATE, OVER_LIMIT, heard_at
from veldnet.store import FrameRow

# ThingPark's packet types, and two of our own: frames that were refused, and downlinks that were.
PACKET_TYPES = (
    "UPLINK_DATA",
    "UPLINK_MAC_DATA",
    "UPLINK_MAC",
    "UPLINK_JOIN",
    "DOWNLINK_DATA",
    "DOWNLINK_MAC_DATA",
    "DOWNLINK_MAC",
    "DOWNLINK_JOIN",
    "DOWNLINK_MULTICAST",
    "MULTICAST_SUMMARY",
    "RESET",
    "REFUSED",
    "DOWNLINK_REFUSED",
    "LOCATION",
)
_OWN_TYPES = {
    FrameKind.JOIN_REQUEST: "UPLINK_JOIN",
    FrameKind.JOIN_ACCEPT: "DOWNLINK_JOIN",
    FrameKind.RESET: "RESET",
    FrameKind.MULTICAST: "DOWNLINK_MULTICAST",
    FrameKind.MULTICAST_SUMMARY: "MULTICAST_SUMMARY",
    FrameKind.REFUSED: "REFUSED",
    FrameKind.DOWNLINK_REJECTED: "DOWNLINK_REFUSED",
    FrameKind.LOCATION: "LOCATION",
}
SLOTS = ("", "RX1", "RX2", "PING")

Place = tuple[float, float]
# Degrees of a base station, by the number in a frame row.
Places = Callable[[int], Place | None]


class Named(msgspec.Struct, frozen=True):
    """The device of a frame."""

    ref: int
    dev_eui: str
    name: str
    profile_ref: int
    latitude: float | None = None
    longitude: float | None = None
    # Its application server alone encrypts and decrypts.
    hsm: bool = False


class Line(msgspec.Struct):
    """A frame. Of an unregistered device `deviceEUI` is what it says itself; `joinEUI` is that of a
    join-request. Levels in dBm and dB, `airtime` in seconds, `distance` in metres along the ground;
    `deliveries` is OK, ERROR or PENDING, or absent where nothing is to be delivered. What only the record
    knows is absent when its retention is over."""

    id: str
    time: str
    type: str
    outcome: str
    deviceRef: str | None
    deviceEUI: str | None
    deviceName: str | None
    devAddr: str | None
    joinEUI: str | None
    fPort: int | None
    fCntUp: int | None
    nFCntDown: int | None
    aFCntDown: int | None
    rssi: float | None
    snr: float | None
    esp: float | None
    sf: int | None
    dataRate: int | None
    frequency: int | None
    subBand: str | None
    channel: int | None
    slot: str | None
    baseStationId: str | None
    baseStations: int
    latitude: float | None
    longitude: float | None
    stationLatitude: float | None
    stationLongitude: float | None
    distance: float | None
    airtime: float | None
    size: int
    payload: str | None
    encrypted: bool
    mac: str | None
    mic: str | None
    confirmed: bool
    adr: bool
    late: bool
    overLimit: bool
    delivered: bool | None
    causes: list[str]
    deliveries: str | None = None
    decoded: msgspec.Raw | None = None
    # Of a multicast group instead of a device, whose DevEUI and name are in the same places.
    groupRef: str | None = None


def packet_type(kind: FrameKind, fport: int | None, size: int, mac: bool) -> str:
    """The type of a frame. An uplink without payload counts as MAC only, as ThingPark shows empty ones."""
    own = _OWN_TYPES.get(kind)
    if own is not None:
        return own
    direction = "UPLINK" if kind is FrameKind.UPLINK else "DOWNLINK"
    if fport and size:
        return f"{direction}_MAC_DATA" if mac else f"{direction}_DATA"
    return f"{direction}_MAC"


def distance(one: Place, other: Place) -> float:
    """Metres between two places over the ground."""
    (south, west), (north, east) = one, other
    up, across = radians(north - south) / 2, radians(east - west) / 2
    share = sin(up) ** 2 + cos(radians(south)) * cos(radians(north)) * sin(across) ** 2
    return 2 * 6_371_000 * asin(min(1.0, sqrt(share)))


def line_of(row: FrameRow, record: Record | None, device: Named | None, places: Places) -> Line:
    """The line of a frame row, with what its record adds."""
    kind, fport, size = FrameKind(row.kind), row.fport, row.size
    rssi, snr, station = row.rssi, row.snr, row.base_station
    place = None if station is None else places(station)
    where = None
    if device is not None and device.latitude is not None and device.longitude is not None:
        where = (device.latitude, device.longitude)
    flags, airtime = row.flags, row.airtime
    mac = record.mac if isinstance(record, UplinkRecord | DownlinkRecord) else b""
    line = Line(
        id=str(row.id),
        time=timestamp(heard_at(row)),
        type=packet_type(kind, fport, size, bool(mac)),
        outcome=row.outcome,
        deviceRef=None if device is None or device.ref < 0 else str(device.ref),
        deviceEUI=None if device is None else device.dev_eui,
        deviceName=None if device is None else device.name,
        devAddr=None,
        joinEUI=None,
        fPort=fport,
        fCntUp=row.fcnt if kind in (FrameKind.UPLINK, FrameKind.REFUSED) else None,
        nFCntDown=None,
        aFCntDown=None,
        rssi=None if rssi is None else rssi / 10,
        snr=None if snr is None else snr / 10,
        esp=None if rssi is None or snr is None else esp_of(rssi, snr) / 10,
        sf=row.sf,
        dataRate=row.data_rate,
        frequency=None,
        subBand=None,
        channel=None,
        slot=None,
        baseStationId=None if station is None else f"{station:08X}",
        baseStations=row.copies,
        latitude=None if where is None else where[0],
        longitude=None if where is None else where[1],
        stationLatitude=None if place is None else place[0],
        stationLongitude=None if place is None else place[1],
        distance=None if place is None or where is None else round(distance(place, where)),
        airtime=None if airtime is None else airtime / 10_000,
        size=size,
        payload=None,
        encrypted=False,
        mac=mac.hex() or None,
        mic=None,
        confirmed=False,
        adr=False,
        late=bool(flags & LATE),
        overLimit=bool(flags & OVER_LIMIT),
        delivered=_delivered(record),
        causes=[],
        groupRef=str(-row.device_ref) if row.device_ref < 0 else None,
    )
    if record is not None:
        _add_record(line, record, row.fcnt)
    if isinstance(record, DownlinkRecord) and not record.join_accept and device is not None:
        # The record has what was submitted: the network encrypts it only where it has the key.
        line.encrypted = device.hsm and line.payload is not None
    return line


_ADR = 0x80


def _delivered(record: Record | None) -> bool | None:
    if isinstance(record, DownlinkRecord | MulticastRecord):
        return record.delivered
    return record.status == "SUCCESS" if isinstance(record, MulticastSummaryRecord) else None


def _add_record(line: Line, record: Record, fcnt: int | None) -> None:
    if isinstance(record, UplinkRecord | JoinRecord | DownlinkRecord | ResetRecord | LocationRecord):
        line.devAddr = None if record.dev_addr is None else str(record.dev_addr)
    if isinstance(record, UplinkRecord | JoinRecord | DownlinkRecord):
        line.frequency, line.channel, line.subBand = record.frequency, record.channel, record.sub_band
    if isinstance(record, UplinkRecord):
        line.payload, line.encrypted = record.payload.hex() or None, record.encrypted
        line.mic, line.confirmed, line.adr = record.mic.hex(), record.confirmed, bool(record.fctrl & _ADR)
    elif isinstance(record, DownlinkRecord):
        line.payload, line.confirmed = record.payload.hex() or None, record.confirmed
        line.slot = SLOTS[record.slot] or None
        if record.fport:
            line.aFCntDown = fcnt
        else:
            line.nFCntDown = fcnt
        line.fCntUp = record.fcnt_up
        line.causes = [
            f"{slot} {cause}"
            for slot, cause in (
                ("RX1", record.cause_rx1),
                ("RX2", record.cause_rx2),
                ("PING", record.cause_ping),
            )
            if cause != "00"
        ]
    elif isinstance(record, RefusedRecord):
        line.frequency = record.frequency
        line.mic = record.phy_payload[-4:].hex()
        who = identity_of(record.phy_payload)
        if who is not None:
            line.devAddr, line.joinEUI = who.dev_addr, who.join_eui
            line.deviceEUI = line.deviceEUI or who.dev_eui
    elif isinstance(record, JoinRecord):
        line.joinEUI = None if record.join_eui is None else str(record.join_eui)
    elif isinstance(record, LocationRecord):
        if record.location is not None:
            # Where the device was then, not where people say that it stands.
            line.latitude, line.longitude = record.location.latitude, record.location.longitude
    elif isinstance(record, DownlinkRejectedRecord):
        line.causes = [record.cause]
    elif isinstance(record, MulticastRecord | MulticastSummaryRecord):
        _add_multicast(line, record)


def _add_multicast(line: Line, record: MulticastRecord | MulticastSummaryRecord) -> None:
    line.devAddr, line.aFCntDown = str(record.dev_addr), record.fcnt
    if isinstance(record, MulticastRecord):
        line.payload, line.encrypted = record.payload.hex() or None, record.encrypted
        line.frequency, line.subBand = record.frequency, record.sub_band
        line.slot = "PING" if record.group_class == "B" else "RX2"
    else:
        line.baseStations = record.stations
        line.causes = [f"{cause}={count}" for cause, count in record.causes.items()]


def line_matches(line: Line, packet_types: frozenset[str]) -> bool:
    return not packet_types or line.type in packet_types
