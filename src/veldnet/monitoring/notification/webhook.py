"""The signed webhook: changes of alarms as JSON, for machines.

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

from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, DEVICE_TYPES, Level

from .digest import sentence
from .events import AlarmEvent


def body_of(events: Sequence[AlarmEvent]) -> bytes:
    """The JSON of a message: every change in order."""
    return msgspec.json.encode({"events": [_as_json(event) for event in events]})


def _as_json(event: AlarmEvent) -> dict[str, Any]:
    of_device = event.type in DEVICE_TYPES
    kind = (DEVICE_TYPES if of_device else BASE_STATION_TYPES)[event.type]
    shown: dict[str, Any] = {
        "time": datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds"),
        "change": event.change,
        "deviceEUI" if of_device else "baseStationId": event.subject,
        "name": event.name,
        "alarmTypeId": event.type,
        "alarmType": kind.label,
        "alarmState": Level(event.state).name,
        "occurrence": event.occurrence,
        "text": sentence(event),
        "additionalInfos": list(event.infos),
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
