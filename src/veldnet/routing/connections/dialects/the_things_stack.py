"""The Things Stack v3: the JSON of its application messages, and `down/push`, `down/replace`.

As there, members that are 0 or false are left out, and 64-bit numbers are texts.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from msgspec.structs import replace

from veldnet.domain.devices import DeviceRow
from veldnet.lorawan import DevAddr
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss, Modulation
from veldnet.network.core import (
    Copy,
    Device,
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    LocationRecord,
    Record,
    UplinkRecord,
)
from veldnet.routing.connections.model import Decoding, Event

from .interface import (
    Answer,
    BadDownlink,
    Facts,
    Instruction,
    base64_text,
    json_object,
    octets_of,
    utc_text,
    whole,
)

_PRIORITIES = {
    "LOWEST": 0, "LOW": 0, "BELOW_NORMAL": 0, "NORMAL": 0, "ABOVE_NORMAL": 64, "HIGH": 128, "HIGHEST": 255,
}  # fmt: skip
_MOST_DOWNLINKS = 16
_FAILED = "pkg/networkserver"


class TheThingsStack:
    def events(self, record: Record, device: Device, facts: Facts) -> list[Event]:
        of = _Of(record, device, facts)
        if isinstance(record, UplinkRecord):
            return _of_uplink(record, of)
        if isinstance(record, JoinRecord):
            return [_join(record, of)] if record.outcome == "accepted" else []
        if isinstance(record, DownlinkRecord):
            return [_downlink(record, of)] if record.from_application else []
        if isinstance(record, DownlinkRejectedRecord):
            downlink = _present({"f_port": record.fport, "correlation_ids": _ids(record.correlation_id)})
            body = {"downlink": downlink, "error": _error(record.cause)}
            return [_made("down/failed", "downlink_failed", "DevEUI_downlink_Rejected", body, of)]
        if isinstance(record, LocationRecord) and record.location is not None:
            located = record.location
            place = {
                "latitude": located.latitude,
                "longitude": located.longitude,
                "altitude": round(located.altitude),
                "accuracy": round(located.radius),
                "source": "SOURCE_LORA_TDOA_GEOLOCATION"
                if "RSSI" not in record.outcome.upper()
                else "SOURCE_LORA_RSSI_GEOLOCATION",
            }
            solved = {"service": "veldnet", "location": _present(place)}
            return [_made("location/solved", "location_solved", "DevEUI_location", solved, of)]
        return []

    def with_decoding(self, document: dict[str, Any], decoding: Decoding) -> Event | None:
        uplink = document["uplink_message"]
        if decoding.error is None:
            uplink["decoded_payload"] = decoding.value
        warnings = list(decoding.warnings) if decoding.error is None else [decoding.error]
        if warnings:
            uplink["decoded_payload_warnings"] = warnings
        return None

    def trial(self, facts: Facts, now: float) -> Event:
        document: dict[str, Any] = {
            "end_device_ids": {
                "device_id": "test",
                "application_ids": {"application_id": facts.known.get("applicationId", "")},
            },
            "received_at": utc_text(now),
            "simulated": True,
            "service_data": {"service": "veldnet", "data": {"test": True}},
        }
        return Event(event="service/data", message="DevEUI_notification", document=document, time=now)

    def downlinks(self, body: bytes, now: float, *, replaces: bool = False) -> list[Instruction]:
        listed = json_object(body).get("downlinks")
        if replaces and listed in ([], None):
            # The queue is to be empty.
            return [Instruction(replace=True)]
        if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_DOWNLINKS:
            raise BadDownlink(f"downlinks must be a list of 1 to {_MOST_DOWNLINKS}")
        found = [_instruction(each, f"downlinks[{index}]") for index, each in enumerate(listed)]
        return [replace(found[0], replace=replaces), *found[1:]]

    def answered(self, answer: Answer, row: DeviceRow, facts: Facts) -> Event | None:
        wanted = answer.instruction
        if wanted.fport is None and answer.refused is None:
            return None
        downlink = _present(
            {
                "f_port": wanted.fport,
                "frm_payload": None if wanted.payload is None else base64_text(wanted.payload),
                "decoded_payload": wanted.values,
                "confirmed": wanted.confirmed,
                "correlation_ids": _ids(wanted.correlation_id),
            }
        )
        document: dict[str, Any] = {
            "end_device_ids": _end_device(row, None, facts),
            "received_at": utc_text(answer.now),
        }
        if answer.refused is None:
            document["downlink_queued"] = downlink
            event, message = "down/queued", "DevEUI_notification"
        else:
            document["downlink_failed"] = {"downlink": downlink, "error": _error(answer.refused)}
            event, message = "down/failed", "DevEUI_downlink_Rejected"
        return Event(event=event, message=message, document=document, time=answer.now)


def _instruction(item: Any, where: str) -> Instruction:
    if not isinstance(item, dict):
        raise BadDownlink(f"{where} must be an object")
    values, payload = item.get("decoded_payload"), item.get("frm_payload")
    if values is not None and not isinstance(values, dict):
        raise BadDownlink(f"{where}.decoded_payload must be an object")
    if payload is None and values is None:
        raise BadDownlink(f"{where} has neither frm_payload nor decoded_payload")
    confirmed = item.get("confirmed", False)
    if not isinstance(confirmed, bool):
        raise BadDownlink(f"{where}.confirmed must be true or false")
    priority = item.get("priority", "NORMAL")
    if priority not in _PRIORITIES:
        raise BadDownlink(f"{where}.priority must be one of {', '.join(_PRIORITIES)}")
    identifiers = item.get("correlation_ids") or [None]
    first = identifiers[0] if isinstance(identifiers, list) else None
    if first is not None and (not isinstance(first, str) or len(first) > 64):
        raise BadDownlink(f"{where}.correlation_ids must hold texts of at most 64 characters")
    return Instruction(
        fport=whole(item.get("f_port"), f"{where}.f_port", 1, 223),
        payload=octets_of(payload, f"{where}.frm_payload") if payload is not None else None,
        values=values if payload is None else None,
        confirmed=confirmed,
        priority=_PRIORITIES[priority],
        correlation_id=first,
    )


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Without members that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, 0, False, "", [])}


def _ids(correlation_id: str | None) -> list[str]:
    return [] if correlation_id is None else [correlation_id]


class _Of(NamedTuple):
    """What an event is made of."""

    record: Record
    device: Device
    facts: Facts


def _end_device(row: DeviceRow, dev_addr: DevAddr | None, facts: Facts) -> dict[str, Any]:
    return _present(
        {
            "device_id": device_id(row.dev_eui),
            "application_ids": {"application_id": facts.known.get("applicationId", "")},
            "dev_eui": row.dev_eui,
            "join_eui": row.join_eui,
            "dev_addr": None if dev_addr is None else str(dev_addr).upper(),
        }
    )


def _made(event: str, member: str, message: str, body: dict[str, Any], of: _Of) -> Event:
    record, device, facts = of
    document: dict[str, Any] = {
        "end_device_ids": _end_device(device.row, getattr(record, "dev_addr", None), facts),
        "correlation_ids": [f"veldnet:frame:{record.id}"],
        "received_at": utc_text(record.time),
        member: body,
    }
    readable = isinstance(record, UplinkRecord) and not record.encrypted and event == "up"
    return Event(
        event=event,
        message=message,
        document=document,
        fport=record.fport if isinstance(record, UplinkRecord) and event == "up" else None,
        payload=getattr(record, "payload", None) or None if readable else None,
        time=record.time,
    )


def device_id(dev_eui: str) -> str:
    """As the console of The Things Stack proposes it."""
    return f"eui-{dev_eui.lower()}"


def _of_uplink(record: UplinkRecord, of: _Of) -> list[Event]:
    found = []
    if record.reported:
        found.append(_made("up", "uplink_message", "DevEUI_uplink", _up(record, of.facts), of))
    if record.awaited_submission:
        acknowledged = record.acknowledged_fcnt is not None
        event, member = ("down/ack", "downlink_ack") if acknowledged else ("down/nack", "downlink_nack")
        identifiers = _ids(record.awaited_correlation_id)
        body = _present(
            {"f_cnt": record.acknowledged_fcnt, "confirmed": True, "correlation_ids": identifiers}
        )
        found.append(_made(event, member, "DevEUI_notification", body, of))
    return found


def _up(record: UplinkRecord, facts: Facts) -> dict[str, Any]:
    settings = {
        "data_rate": _data_rate(record.modulation),
        "frequency": str(record.frequency),
        "time": utc_text(record.best.received_at),
    }
    body = _present(
        {
            "f_port": record.fport,
            "f_cnt": record.fcnt,
            "frm_payload": base64_text(record.payload),
            "rx_metadata": [_received(copy, record, facts) for copy in record.copies],
            "settings": settings,
            "received_at": utc_text(record.time),
            "confirmed": record.confirmed,
            "packet_error_rate": round(record.mean_per, 6),
        }
    )
    if not isinstance(record.modulation, LrFhss):
        airtime = time_on_air(record.modulation, record.size, crc=True)
        body["consumed_airtime"] = f"{airtime / 1000:.6f}s"
    if record.wrapped_app_s_key is not None:
        body["app_s_key"] = {
            "kek_label": "veldnet-hsm",
            "encrypted_key": base64_text(record.wrapped_app_s_key),
        }
    return body


def _data_rate(modulation: Modulation) -> dict[str, Any]:
    if isinstance(modulation, Lora):
        lora = {
            "bandwidth": modulation.bandwidth * 1000,
            "spreading_factor": modulation.sf,
            "coding_rate": "4/5",
        }
        return {"lora": lora}
    if isinstance(modulation, Fsk):
        return {"fsk": {"bit_rate": modulation.bitrate}}
    assert isinstance(modulation, LrFhss)
    return {"lrfhss": {"operating_channel_width": modulation.bandwidth * 1000,
                       "coding_rate": modulation.coding_rate}}  # fmt: skip


def _received(copy: Copy, record: UplinkRecord, facts: Facts) -> dict[str, Any]:
    gateway = facts.gateway(copy.base_station)
    received: dict[str, Any] = {
        "gateway_ids": {"gateway_id": f"eui-{gateway}", "eui": gateway.upper()},
        "time": utc_text(copy.received_at),
        "rssi": copy.rssi,
        "channel_rssi": copy.rssi,
        "snr": copy.snr,
        "channel_index": record.channel,
        "received_at": utc_text(copy.received_at),
    }
    position = facts.position(copy.base_station)
    if position is not None:
        received["location"] = {
            "latitude": position.latitude,
            "longitude": position.longitude,
            "source": "SOURCE_REGISTRY",
        }
    return _present(received)


def _join(record: JoinRecord, of: _Of) -> Event:
    body: dict[str, Any] = {"received_at": utc_text(record.time), "pending_session": True}
    if record.wrapped_app_s_key is not None:
        body["app_s_key"] = {
            "kek_label": "veldnet-hsm",
            "encrypted_key": base64_text(record.wrapped_app_s_key),
        }
    return _made("join", "join_accept", "DevEUI_notification", body, of)


def _downlink(record: DownlinkRecord, of: _Of) -> Event:
    downlink = _present(
        {
            "f_port": record.fport,
            "f_cnt": record.fcnt,
            "frm_payload": base64_text(record.payload),
            "confirmed": record.confirmed,
            "priority": "NORMAL",
            "correlation_ids": _ids(record.correlation_id),
        }
    )
    if record.delivered:
        return _made("down/sent", "downlink_sent", "DevEUI_downlink_Sent", downlink, of)
    causes = "/".join((record.cause_rx1, record.cause_rx2, record.cause_ping))
    body = {"downlink": downlink, "error": _error(f"the downlink was not sent (causes {causes})")}
    return _made("down/failed", "downlink_failed", "DevEUI_downlink_Sent", body, of)


def _error(words: str) -> dict[str, Any]:
    name = re.sub(r"[^a-z]+", "_", words.lower())[:40].strip("_")
    return {"namespace": _FAILED, "name": name, "message_format": words}
