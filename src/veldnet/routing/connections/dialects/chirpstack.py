"""ChirpStack v4: the JSON of its application events, and its command `down`.

As there, members of events are always written, also those that are false or 0; members of base stations and
transmissions are left out when they are.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from veldnet.domain.devices import DeviceRow
from veldnet.lorawan.frames import ADR
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

_NAMESPACE = uuid.UUID("6f1b6b0c-59a1-5d0e-8a66-2f6c8b5f4c55")
_LORA = 1000
_EXPIRED = "E0"
_TOO_LONG = re.compile("size|length|big", re.IGNORECASE)


class ChirpStack:
    def events(self, record: Record, device: Device, facts: Facts) -> list[Event]:
        if isinstance(record, UplinkRecord):
            return _of_uplink(record, device, facts)
        if isinstance(record, JoinRecord):
            return [_join(record, device, facts)] if record.outcome == "accepted" else []
        if isinstance(record, DownlinkRecord):
            return [_downlink(record, device, facts)] if record.from_application else []
        if isinstance(record, DownlinkRejectedRecord):
            code = "DOWNLINK_PAYLOAD_SIZE" if _TOO_LONG.search(record.cause) else "UNKNOWN"
            return [_log(record, device, facts, code, record.cause, "DevEUI_downlink_Rejected")]
        if isinstance(record, LocationRecord) and record.location is not None:
            return [_location(record, device, facts)]
        return []

    def with_decoding(self, document: dict[str, Any], decoding: Decoding) -> Event | None:
        if decoding.error is None:
            document["object"] = decoding.value
            return None
        context = {"deduplication_id": document["deduplicationId"]}
        said = {"time": document["time"], "deviceInfo": document["deviceInfo"]}
        said |= {"level": "ERROR", "code": "UPLINK_CODEC", "description": decoding.error, "context": context}
        return Event(event="log", message="DevEUI_notification", document=said)

    def trial(self, facts: Facts, now: float) -> Event:
        document: dict[str, Any] = {
            "time": utc_text(now),
            "deviceInfo": _info(None, facts),
            "level": "INFO",
            "code": "UNKNOWN",
            "description": "Test message of Veldnet",
            "context": {},
        }
        return Event(event="log", message="DevEUI_notification", document=document, time=now)

    def downlinks(self, body: bytes, now: float, *, replaces: bool = False) -> list[Instruction]:
        fields = json_object(body)

        def given(camel: str, snake: str) -> Any:
            return fields.get(camel, fields.get(snake))

        dev_eui = given("devEui", "dev_eui")
        if not isinstance(dev_eui, str) or not re.fullmatch(r"[0-9A-Fa-f]{16}", dev_eui):
            raise BadDownlink("devEui must be 16 hexadecimal digits, as in the topic")
        values, data = fields.get("object"), fields.get("data")
        if values is not None and not isinstance(values, dict):
            raise BadDownlink("object must be an object")
        if values is None and data is None:
            raise BadDownlink("it has neither data nor object")
        identifier = fields.get("id")
        if identifier is not None and (not isinstance(identifier, str) or len(identifier) > 64):
            raise BadDownlink("id must be a text of at most 64 characters")
        confirmed = fields.get("confirmed", False)
        if not isinstance(confirmed, bool):
            raise BadDownlink("confirmed must be true or false")
        return [
            Instruction(
                dev_eui=dev_eui.upper(),
                fport=whole(given("fPort", "f_port"), "fPort", 1, 223),
                payload=None if values is not None else octets_of(data, "data"),
                values=values,
                confirmed=confirmed,
                expires_at=_moment(given("expiresAt", "expires_at")),
                correlation_id=identifier or None,
            )
        ]

    def answered(self, answer: Answer, row: DeviceRow, facts: Facts) -> Event | None:
        if answer.refused is None:
            return None
        size = _TOO_LONG.search(answer.refused) is not None
        context = {}
        if answer.instruction.correlation_id is not None:
            context["queue_item_id"] = answer.instruction.correlation_id
        document: dict[str, Any] = {
            "time": utc_text(answer.now),
            "deviceInfo": _info(row, facts),
            "level": "ERROR",
            "code": "DOWNLINK_PAYLOAD_SIZE" if size else "UNKNOWN",
            "description": answer.refused,
            "context": context,
        }
        return Event(event="log", message="DevEUI_downlink_Rejected", document=document, time=answer.now)


def _moment(text: Any) -> float | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        raise BadDownlink("expiresAt must be a time such as 2026-01-31T12:00:00Z") from None


def _info(row: DeviceRow | None, facts: Facts) -> dict[str, Any]:
    """`tags` are those of the device, `name=value` or a name alone."""
    known = facts.known
    tags = {} if row is None else dict(_tag(each) for each in row.tags)
    return {
        "tenantId": known.get("tenantId", ""),
        "tenantName": known.get("customerId", ""),
        "applicationId": known.get("applicationId", ""),
        "applicationName": known.get("applicationId", ""),
        "deviceProfileId": "" if row is None else str(uuid.uuid5(_NAMESPACE, f"profile {row.profile_ref}")),
        "deviceProfileName": facts.profile_id,
        "deviceName": "Test" if row is None else row.name or row.dev_eui.lower(),
        "devEui": "0" * 16 if row is None else row.dev_eui.lower(),
        "deviceClassEnabled": f"CLASS_{'A' if row is None else row.device_class}",
        "tags": tags,
    }


def _tag(text: str) -> tuple[str, str]:
    name, _equals, value = text.partition("=")
    return name.strip(), value.strip()


def _of_uplink(record: UplinkRecord, device: Device, facts: Facts) -> list[Event]:
    found = []
    if record.automatic_reset:
        words = "the device has reset its uplink counter"
        found.append(_log(record, device, facts, "UPLINK_F_CNT_RESET", words, "DevEUI_notification"))
    if record.reported:
        found.append(_up(record, device, facts))
    if record.awaited_submission:
        document = _common(record, device, facts) | {
            "queueItemId": queue_item(record.awaited_submission, record.awaited_correlation_id),
            "acknowledged": record.acknowledged_fcnt is not None,
            "fCntDown": record.acknowledged_fcnt or 0,
        }
        found.append(_made("ack", "DevEUI_notification", document, record))
    if record.device_status is not None:
        battery, margin = record.device_status
        document = _common(record, device, facts) | {
            "margin": margin,
            "externalPowerSource": battery == 0,
            "batteryLevelUnavailable": battery == 255,
            "batteryLevel": round((battery - 1) / 253 * 100, 2) if 1 <= battery <= 254 else 0.0,
        }
        found.append(_made("status", "DevEUI_notification", document, record))
    return found


def _made(event: str, message: str, document: dict[str, Any], record: Record) -> Event:
    return Event(event=event, message=message, document=document, time=record.time)


def _common(record: Record, device: Device, facts: Facts) -> dict[str, Any]:
    return {
        "deduplicationId": str(uuid.uuid5(_NAMESPACE, f"frame {record.id}")),
        "time": utc_text(record.time),
        "deviceInfo": _info(device.row, facts),
    }


def _up(record: UplinkRecord, device: Device, facts: Facts) -> Event:
    document = _common(record, device, facts) | {
        "devAddr": str(record.dev_addr).lower(),
        "adr": bool(record.fctrl & ADR),
        "dr": record.data_rate or 0,
        "fCnt": record.fcnt,
        "fPort": record.fport or 0,
        "confirmed": record.confirmed,
        "data": base64_text(record.payload),
        "rxInfo": [_received(copy, record, facts) for copy in record.copies],
        "txInfo": {"frequency": record.frequency, "modulation": _modulation(record.modulation)},
        "regionConfigId": device.profile.region.lower(),
    }
    if record.wrapped_app_s_key is not None:
        document["joinServerContext"] = _wrapped(record.wrapped_app_s_key)
    return Event(
        event="up",
        message="DevEUI_uplink",
        document=document,
        fport=record.fport,
        payload=None if record.encrypted else record.payload or None,
        time=record.time,
    )


def _wrapped(key: bytes) -> dict[str, Any]:
    """The AppSKey as the vault of an HSM group wraps it for the customer."""
    return {"sessionKeyId": "", "appSKey": {"kekLabel": "veldnet-hsm", "aesKey": base64_text(key)}}


def _received(copy: Copy, record: UplinkRecord, facts: Facts) -> dict[str, Any]:
    received: dict[str, Any] = {
        "gatewayId": facts.gateway(copy.base_station),
        "uplinkId": record.id & 0xFFFFFFFF,
        "nsTime": utc_text(copy.received_at),
    }
    if copy.rssi:
        received["rssi"] = round(copy.rssi)
    if copy.snr:
        received["snr"] = copy.snr
    if record.channel:
        received["channel"] = record.channel
    position = facts.position(copy.base_station)
    if position is not None:
        received["location"] = {"latitude": position.latitude, "longitude": position.longitude}
    return received | {"crcStatus": "CRC_OK"}


def _modulation(modulation: Modulation) -> dict[str, Any]:
    if isinstance(modulation, Lora):
        return {
            "lora": {
                "bandwidth": modulation.bandwidth * _LORA,
                "spreadingFactor": modulation.sf,
                "codeRate": "CR_4_5",
            }
        }
    if isinstance(modulation, Fsk):
        return {"fsk": {"datarate": modulation.bitrate}}
    assert isinstance(modulation, LrFhss)
    rate = f"CR_{modulation.coding_rate.replace('/', '_')}"
    return {"lrFhss": {"operatingChannelWidth": modulation.bandwidth * _LORA, "codeRate": rate}}


def _join(record: JoinRecord, device: Device, facts: Facts) -> Event:
    document = _common(record, device, facts) | {
        "devAddr": "" if record.dev_addr is None else str(record.dev_addr).lower(),
        "regionConfigId": device.profile.region.lower(),
    }
    if record.wrapped_app_s_key is not None:
        document["joinServerContext"] = _wrapped(record.wrapped_app_s_key)
    return _made("join", "DevEUI_notification", document, record)


def queue_item(submission: int, correlation_id: str | None) -> str:
    """What a downlink is called: as who sent it has named it, else by its number."""
    return correlation_id or str(uuid.UUID(int=submission))


def _downlink(record: DownlinkRecord, device: Device, facts: Facts) -> Event:
    if not record.delivered:
        causes = "/".join((record.cause_rx1, record.cause_rx2, record.cause_ping))
        code = "EXPIRED" if record.cause_rx1 == _EXPIRED else "DOWNLINK_GATEWAY"
        words = f"the downlink was not sent (causes {causes})"
        return _log(record, device, facts, code, words, "DevEUI_downlink_Sent")
    sent: dict[str, Any] = {}
    if record.frequency is not None:
        sent["frequency"] = record.frequency
    if record.modulation is not None:
        sent["modulation"] = _modulation(record.modulation)
    document = {
        "downlinkId": record.id & 0xFFFFFFFF,
        "time": utc_text(record.time),
        "deviceInfo": _info(device.row, facts),
        "queueItemId": queue_item(record.submission, record.correlation_id),
        "fCntDown": record.fcnt or 0,
        "gatewayId": "" if record.base_station is None else facts.gateway(record.base_station),
        "txInfo": sent,
    }
    return _made("txack", "DevEUI_downlink_Sent", document, record)


def _log(record: Record, device: Device, facts: Facts, code: str, words: str, message: str) -> Event:
    context = {}
    correlation_id = getattr(record, "correlation_id", None)
    submission = getattr(record, "submission", 0)
    if correlation_id or submission:
        context["queue_item_id"] = queue_item(submission, correlation_id)
    document = {
        "time": utc_text(record.time),
        "deviceInfo": _info(device.row, facts),
        "level": "ERROR",
        "code": code,
        "description": words,
        "context": context,
    }
    return _made("log", message, document, record)


def _location(record: LocationRecord, device: Device, facts: Facts) -> Event:
    located = record.location
    assert located is not None
    source = "GEO_RESOLVER_RSSI" if "RSSI" in record.outcome.upper() else "GEO_RESOLVER_TDOA"
    place = {
        "latitude": located.latitude,
        "longitude": located.longitude,
        "altitude": located.altitude,
        "source": source,
        "accuracy": located.radius,
    }
    return _made("location", "DevEUI_location", _common(record, device, facts) | {"location": place}, record)
