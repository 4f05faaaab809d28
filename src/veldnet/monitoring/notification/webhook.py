"""Sends alarm changes as signed JSON webhooks.

`Veldnet-Signature` is `sha256=` and the HMAC-SHA-256, under the secret, of `Veldnet-Timestamp`, a dot and
the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, DEVICE_TYPES, MODULE_TYPES
from veldnet.monitoring.alarms.words import sentence
from veldnet.texts import in_language, unpack

from .events import AlarmEvent

_SUBJECTS = (
    (DEVICE_TYPES, "deviceEUI"),
    (BASE_STATION_TYPES, "baseStationId"),
    (MODULE_TYPES, "module"),
)


def body_of(events: Sequence[AlarmEvent]) -> bytes:
    """The JSON of a message: every change in order."""
    return msgspec.json.encode({"events": [_as_json(event) for event in events]})


def _as_json(event: AlarmEvent) -> dict[str, Any]:
    kind, subject = next((types[event.type], subject) for types, subject in _SUBJECTS if event.type in types)
    shown: dict[str, Any] = {
        "time": datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds"),
        "change": event.change,
        subject: event.subject,
        "name": event.name,
        "alarmTypeId": event.type,
        "alarmType": kind.label,
        "alarmState": Level(event.state).name,
        "occurrence": event.occurrence,
        "text": in_language(sentence(event), "en"),
        "additionalInfos": [str(unpack(info)) for info in event.infos],
    }
    if event.object:
        shown["alarmObjectId"] = event.object
    if event.cause is not None:
        shown["causeBaseStationId"] = event.cause
    return shown


def signed_headers(secret: bytes, body: bytes, now: float) -> dict[str, str]:
    """The headers by which the receiver knows who sent a body, and when."""
    timestamp = str(int(now))
    digest = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "Veldnet-Timestamp": timestamp,
        "Veldnet-Signature": f"sha256={digest}",
    }
