"""Alarms as they stand in the store, and what the API shows of each, of a device or of a base station."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table

from veldnet.domain.alarm_levels import Level
from veldnet.domain.resources import timestamp
from veldnet.inventory.rows import NO_REF
from veldnet.store.schema import alarms

# The number has 63 bits.
_REF = re.compile(r"[0-9a-fA-F]{8}[0-7][0-9a-fA-F]{15}")


def alarm_ref(created_at: int, ref: int) -> str:
    """24 hexadecimal digits, as ThingPark names alarms: the second of creation and the number."""
    return f"{created_at // 1000 & 0xFFFFFFFF:08x}{ref:016x}"


def number_of(ref: str) -> int:
    """The number of an alarm in the store; what is no ref has none."""
    return int(ref[8:], 16) if _REF.fullmatch(ref) else NO_REF


class StoredAlarm(msgspec.Struct, frozen=True):
    """What alarms of devices and of base stations have in common. Times in Unix milliseconds."""

    ref: int
    type: int
    state: int
    occurrence: int
    acked: bool
    created_at: int
    updated_at: int
    acked_at: int | None
    ack_author: str | None
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None
    info5: str | None

    def infos(self) -> dict[int, str]:
        """The texts there are, by their numbers."""
        texts = (self.info1, self.info2, self.info3, self.info4, self.info5)
        return {number: text for number, text in enumerate(texts, 1) if text is not None}

    def members(self) -> dict[str, Any]:
        """What the API shows of every alarm. What there is not is left out."""
        shown = {
            "ref": alarm_ref(self.created_at, self.ref),
            "alarmState": Level(self.state).name,
            "occurrence": self.occurrence,
            "acked": bool(self.acked),
            "creationTime": timestamp(self.created_at),
            "lastUpdateTime": timestamp(self.updated_at),
        }
        if self.acked_at is not None:
            shown["lastAckTime"] = timestamp(self.acked_at)
        if self.ack_author is not None:
            shown["ackAuthor"] = self.ack_author
        return shown | {f"additionalInfo{number}": text for number, text in self.infos().items()}


class StoredDeviceAlarm(StoredAlarm, frozen=True):
    device_ref: int
    object: str


class StoredStationAlarm(StoredAlarm, frozen=True):
    base_station: int


def columns_of(row: type[StoredAlarm], table: Table = alarms) -> list[ColumnElement[Any]]:
    """The columns of a table that a row has, in its order."""
    return [table.c[name] for name in row.__struct_fields__ if name in table.c]
