"""Which messages of a record go over which connections: made with the frame's own commit."""

from __future__ import annotations

import msgspec

from veldnet.connections import Connection
from veldnet.domain.devices import DeviceRow
from veldnet.network.core import Device, Record
from veldnet.routing.ledger import FlowNote, StoredMessage
from veldnet.routing.messages import MessageWriter

from .dialects import DIALECTS, Facts
from .dialects.interface import Stations
from .dialects.the_things_stack import device_id
from .model import Event
from .table import FlowTable

_encoder = msgspec.json.Encoder()


class FlowMessages:
    """Makes the messages of flows. They are not decoded or transformed yet: that is done when they are sent,
    so that it holds up no frame, and a corrected flow helps those that wait."""

    def __init__(self, table: FlowTable, writer: MessageWriter, stations: Stations) -> None:
        self._table, self._writer, self._stations = table, writer, stations

    def facts(self, connection: Connection, profile_ref: int = 0) -> Facts:
        profile_id = self._table.profile_ids.get(profile_ref, "")
        return Facts(self._writer, self._stations, connection.known, profile_id)

    def messages(self, record: Record, device: Device) -> list[StoredMessage]:
        """One for each event, flow and connection."""
        found = []
        for flow, connection in self._table.serving(device.row):
            dialect = DIALECTS[connection.settings.dialect]
            for event in dialect.events(record, device, self.facts(connection, device.row.profile_ref)):
                if flow.takes(event.fport):
                    found.append(_stored(event, flow.ref, connection, device.row))
        return found

    def connection(self, ref: int) -> Connection | None:
        return self._table.get(ref)

    def trial(self, connection: Connection, now: float) -> StoredMessage:
        """A test message for a connection, of no flow."""
        event = DIALECTS[connection.settings.dialect].trial(self.facts(connection), now)
        return _stored(event, 0, connection, None)

    def answer(self, event: Event, connection: Connection, row: DeviceRow) -> StoredMessage:
        """What became of a downlink that has come over a connection."""
        return _stored(event, 0, connection, row)


def _stored(event: Event, flow_ref: int, connection: Connection, row: DeviceRow | None) -> StoredMessage:
    dev_eui = "0" * 16 if row is None else row.dev_eui
    name = "" if row is None else row.name
    values = {
        "DevEUI": dev_eui,
        "devEui": dev_eui.lower(),
        "deviceId": device_id(dev_eui),
        "deviceName": name or dev_eui,
        "FPort": "" if event.fport is None else str(event.fport),
        "event": event.event,
        "message": event.message,
        **connection.known,
    }
    note = FlowNote(
        flow_ref,
        event.event,
        values,
        0 if row is None else row.profile_ref,
        event.payload,
        event.fport,
        round(event.time * 1000),
    )
    return StoredMessage(
        -connection.ref,
        None,
        None,
        "JSON",
        event.message,
        _encoder.encode(event.document),
        "",
        dev_eui,
        event.fport or 0,
        flow=note,
    )
