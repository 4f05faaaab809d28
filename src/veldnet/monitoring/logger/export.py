"""Exports lines as CSV with ThingPark's columns. Columns of unsupported features are empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from .lines import Line

_LRRS = 10
_LRR = (
    "Id",
    "RSSI",
    "SNR",
    "ESP",
    "CHAINS",
    "ISM Band",
    "RF Region",
    "GWID",
    "GWToken",
    "DLAllowed",
    "ForeignOperatorNetID",
    "ForeignOperatorNSID",
)
_HEAD = (
    "Direction",
    "Timestamp",
    "Timestamp(ISO)",
    "DevEUI",
    "DevAddr",
    "FPort",
    "FCnt",
    "LRR RSSI",
    "LRR SNR",
    "LRR ESP",
    "SpFact",
    "Sub Band",
    "Channel",
    "LRC Id",
    "LRR Id",
    "LRR Lat",
    "LRR Long",
    "LRR Count",
    "Device Lat",
    "Device Long",
    "LoS Distance (m)",
    "Device Loc radius",
    "Device Loc Time",
    "Device Alt",
    "Device Alt radius",
    "Device Acc",
)
_TAIL = (
    "MAC(hex)",
    "MType",
    "ADR",
    "ADRACkReq",
    "Ack",
    "FPending(downlink)",
    "AirTime",
    "MIC",
    "Payload(hex)",
    "FCntUp",
    "FCntDn",
    "DownlinkStatus",
    "DownlinkFailedCauseOnRX1",
    "DownlinkFailedCauseOnRX2",
    "DownlinkFailedCauseOnPingSlot",
    "Late",
    "SolvLAT",
    "SolvLON",
    "PayloadSize",
    "BestGWID",
    "BestGWToken",
    "ForeignOperatorNetID",
    "RoamingType",
    "RoamingResult",
    "ISMBand",
    "Modulation",
    "DataRate",
    "SubID",
    "Device North velocity",
    "Device East velocity",
    "ASID",
    "Multicast class",
    "Transmission status",
    "LRRs count",
    "LRRs successfully transmitted",
    "LRRs failed transmitted",
    "Delivery Failed Cause/Number of occurrences",
    "AF count down",
    "NF count down",
    "Conf AF count down",
    "Conf NF count down",
    "Conf F count up",
    "Transmission slot",
    "Repeated UL",
    "Frequency",
    "Class",
    "Ping-slot period",
    "Type of notification",
    "Type of device reset",
    "Device location method used",
    "ForeignOperatorNSID",
    "RF Region",
    "asDeliveryStatus",
)
_RECIPIENT = ("ID", "status", "destinations")
_END = ("Decoded payload", "Driver ID", "Driver model", "Driver application", "Decoding error")
HEADER = (
    *_HEAD,
    *(f"LRR[{number}] {name}" for number in range(1, _LRRS + 1) for name in _LRR),
    *_TAIL,
    *(f"asRecipients[{number}] {name}" for number in range(1, 6) for name in _RECIPIENT),
    *_END,
)
_DIRECTIONS = {"UPLINK": 0, "DOWNLINK": 1, "RESET": 5, "REFUSED": 0, "LOCATION": 2, "MULTICAST": 3}
_SLOTS = {None: 0, "RX1": 1, "RX2": 2, "PING": 3}


def _mtype(line: Line) -> str:
    if line.type.endswith("JOIN"):
        return "JoinRequest" if line.type.startswith("UPLINK") else "JoinAccept"
    if line.type.startswith(("UPLINK", "DOWNLINK_")) and line.type != "DOWNLINK_REFUSED":
        direction = "Up" if line.type.startswith("UPLINK") else "Down"
        return f"{'Confirmed' if line.confirmed else 'Unconfirmed'}Data{direction}"
    return ""


def _cause(line: Line, slot: str) -> str:
    return next((cause.split()[1] for cause in line.causes if cause.startswith(f"{slot} ")), "")


def export_rows(lines: Iterable[Line], lrc_id: str, customer_id: str) -> Iterator[Sequence[object]]:
    """The header and a row for each line."""
    yield HEADER
    for line in lines:
        values = _values(line, lrc_id, customer_id)
        yield [values.get(name) for name in HEADER]


def _values(line: Line, lrc_id: str, customer_id: str) -> dict[str, object]:
    moment = datetime.fromisoformat(line.time)
    down = line.type.startswith("DOWNLINK")
    return {
        "Direction": _DIRECTIONS[line.type.partition("_")[0]],
        "Timestamp": f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 100_000}",
        "Timestamp(ISO)": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "DevEUI": line.deviceEUI,
        "DevAddr": line.devAddr,
        "FPort": line.fPort,
        "FCnt": line.fCntUp if not down else line.aFCntDown if line.aFCntDown is not None else line.nFCntDown,
        "LRR RSSI": line.rssi,
        "LRR SNR": line.snr,
        "LRR ESP": line.esp,
        "SpFact": line.sf,
        "Sub Band": line.subBand,
        "Channel": None
        if line.channel is None
        else "LC253"
        if line.channel == 253
        else f"LC{line.channel + 1}",
        "LRC Id": lrc_id,
        "LRR Id": line.baseStationId,
        "LRR Lat": line.stationLatitude,
        "LRR Long": line.stationLongitude,
        "LRR Count": line.baseStations if not down else None,
        "Device Lat": line.latitude,
        "Device Long": line.longitude,
        "LoS Distance (m)": line.distance,
        "LRR[1] Id": line.baseStationId,
        "LRR[1] RSSI": line.rssi,
        "LRR[1] SNR": line.snr,
        "LRR[1] ESP": line.esp,
        "MAC(hex)": line.mac,
        "MType": _mtype(line),
        "ADR": int(line.adr),
        "AirTime": line.airtime,
        "MIC": line.mic,
        "Payload(hex)": line.payload,
        "FCntUp": line.fCntUp,
        "FCntDn": line.aFCntDown if line.aFCntDown is not None else line.nFCntDown,
        "DownlinkStatus": None if line.delivered is None else "Sent" if line.delivered else "Failed",
        "DownlinkFailedCauseOnRX1": _cause(line, "RX1"),
        "DownlinkFailedCauseOnRX2": _cause(line, "RX2"),
        "DownlinkFailedCauseOnPingSlot": _cause(line, "PING"),
        "Late": int(line.late),
        "PayloadSize": line.size,
        "DataRate": line.dataRate,
        "SubID": customer_id,
        "AF count down": line.aFCntDown,
        "NF count down": line.nFCntDown,
        "Transmission slot": _SLOTS[line.slot] if down else None,
        "Repeated UL": int(line.outcome == "repeated"),
        "Frequency": line.frequency,
        "Type of device reset": line.outcome if line.type == "RESET" else None,
        "asDeliveryStatus": line.deliveries,
        "Decoded payload": None if line.decoded is None else bytes(line.decoded).decode(),
    }
