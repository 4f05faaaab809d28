"""Why confirmed uplinks of a benchmark got no acknowledgement, from the records that the server wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from veldnet.monitoring.logger import records_of
from veldnet.network.core import DownlinkRecord, Record, UplinkRecord
from veldnet.network.core.records import RefusedRecord
from veldnet.store import Connection

LOST = "no PUSH_ACK: the datagram was lost, or dropped unread by a server that was overloaded"
DROPPED = "PUSH_ACK, but no record: dropped for its base station, or lost with a commit"
# Records of each device that are looked at: more than a benchmark makes.
_NEWEST = 1000


class ConfirmedUplink(msgspec.Struct, frozen=True):
    """A confirmed uplink as the generator sent it through a base station (EUI), and whether that got a
    PUSH_ACK for it."""

    device_ref: int
    fcnt: int
    base_station: str
    phy_payload: bytes
    arrived: bool


class Cause(msgspec.Struct, frozen=True):
    """Why so many confirmed uplinks were not acknowledged, and what became of the first of them."""

    cause: str
    uplinks: int
    first: str


def causes(uplinks: Iterable[ConfirmedUplink], connection: Connection) -> list[Cause]:
    """Why these were not answered, the most frequent cause first."""
    found: dict[str, list[str]] = {}
    for uplink in uplinks:
        cause, details = _cause(uplink, records_of(connection, uplink.device_ref, _NEWEST))
        which = f"device {uplink.device_ref}, FCntUp {uplink.fcnt}, through {uplink.base_station}"
        found.setdefault(cause, []).append(f"{which}: {details}" if details else which)
    ordered = sorted(found.items(), key=lambda group: -len(group[1]))
    return [Cause(cause, len(group), group[0]) for cause, group in ordered]


def _cause(uplink: ConfirmedUplink, records: Sequence[Record]) -> tuple[str, str]:
    """The cause in words that are the same for all that share it, and details of this one."""
    for record in records:
        if isinstance(record, UplinkRecord) and record.fcnt == uplink.fcnt:
            return _not_answered(record, records)
        if isinstance(record, RefusedRecord) and record.phy_payload == uplink.phy_payload:
            return f"refused: {record.outcome}", "; ".join(record.decisions)
    return (DROPPED if uplink.arrived else LOST), ""


def _not_answered(uplink: UplinkRecord, records: Sequence[Record]) -> tuple[str, str]:
    for record in records:
        if isinstance(record, DownlinkRecord) and record.ack and record.fcnt_up == uplink.fcnt:
            state = "the base station took the acknowledgement" if record.delivered else "not sent"
            return (
                f"{state}: RX1 {record.cause_rx1}, RX2 {record.cause_rx2}",
                "; ".join(record.decisions),
            )
    return "accepted, and no acknowledgement was planned", "; ".join(uplink.decisions)
