"""ThingPark: the messages of the tunnel interface as JSON, with what a decoder has read as `payload`."""

from __future__ import annotations

import re
from typing import Any

from veldnet.domain.devices import DeviceRow
from veldnet.network.core import Device, Record, UplinkRecord
from veldnet.routing.connections.model import Decoding, Event
from veldnet.routing.downlinks import Refused, parse_request
from veldnet.routing.messages import time_text, trial_message

from .interface import Answer, BadDownlink, Facts, Instruction, json_object

_EVENTS = {
    "DevEUI_uplink": "uplink",
    "DevEUI_notification": "notification",
    "DevEUI_downlink_Sent": "downlinkSent",
    "DevEUI_downlink_Rejected": "downlinkRejected",
    "DevEUI_location": "location",
    "DevEUI_multicast_summary": "multicastSummary",
}
# As IoT Flow says that its driver has failed.
_DRIVER_FAILED = "com-5002"
_ROOT = "DevEUI_downlink"


class ThingPark:
    def events(self, record: Record, device: Device, facts: Facts) -> list[Event]:
        readable = isinstance(record, UplinkRecord) and not record.encrypted
        found = []
        for message in facts.writer.messages(record, device):
            data = message.name == "DevEUI_uplink" and not message.json_only
            found.append(
                Event(
                    event="join" if message.json_only else _EVENTS.get(message.name, "notification"),
                    message=message.name,
                    document={message.name: message.fields},
                    fport=message.fields.get("FPort") if data else None,
                    payload=getattr(record, "payload", None) or None if data and readable else None,
                    time=record.time,
                )
            )
        return found

    def with_decoding(self, document: dict[str, Any], decoding: Decoding) -> Event | None:
        (fields,) = document.values()
        if decoding.error is None:
            fields["payload"] = decoding.value
        else:
            words = f"driver internal error: {decoding.error}"
            fields["payloadDecodedError"] = {"code": _DRIVER_FAILED, "message": words}
        return None

    def trial(self, facts: Facts, now: float) -> Event:
        message = trial_message(facts.writer.lrc_id, facts.known.get("customerId", ""), now)
        return Event(event="test", message=message.name, document={message.name: message.fields}, time=now)

    def downlinks(self, body: bytes, now: float, *, replaces: bool = False) -> list[Instruction]:
        fields = json_object(body)
        inner = fields.get(_ROOT)
        if not isinstance(inner, dict):
            raise BadDownlink(f"it has no {_ROOT}")
        if "payload_hex" in inner and "payload" in inner:
            raise BadDownlink("it has both payload_hex and payload; give one of them")
        values = inner.get("payload")
        if values is not None and not isinstance(values, dict):
            raise BadDownlink("payload must be an object; give octets as payload_hex")
        names = {"payload_hex": "Payload"}
        parameters: dict[str, str] = {
            str(names.get(name, name)): _text(value)
            for name, value in inner.items()
            if not isinstance(value, dict)
        }
        if values is not None:
            # A stand-in, which is not sent: the object is encoded later.
            parameters["Payload"] = "00"
        dev_eui = inner.get("DevEUI")
        if not isinstance(dev_eui, str) or not re.fullmatch(r"[0-9A-Fa-f]{16}", dev_eui):
            raise BadDownlink("DevEUI must be 16 hexadecimal digits")
        try:
            request = parse_request(parameters, now)
        except Refused as refused:
            raise BadDownlink(f"{refused} (code {refused.refusal.code})") from None
        return [
            Instruction(
                dev_eui=dev_eui.upper(),
                fport=request.fport,
                payload=None if values is not None else request.payload,
                values=values,
                confirmed=request.confirmed,
                replace=request.flush,
                fcnt=request.fcnt,
                expires_at=request.expires_at,
                priority=request.priority,
                correlation_id=request.correlation_id,
            )
        ]

    def answered(self, answer: Answer, row: DeviceRow, facts: Facts) -> Event | None:
        if answer.refused is None:
            return None
        fields: dict[str, Any] = {
            "Time": time_text(answer.now),
            "DevEUI": row.dev_eui,
            "FPort": answer.instruction.fport or 0,
            "DeliveryStatus": 350,
            "DownlinkRejectionCause": answer.refused,
            "CustomerID": row.customer_id,
        }
        if answer.instruction.correlation_id is not None:
            fields["CorrelationID"] = answer.instruction.correlation_id
        name = "DevEUI_downlink_Rejected"
        return Event(event=_EVENTS[name], message=name, document={name: fields}, time=answer.now)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)
