"""Run by `tests/unit/test_recipes.py` over a copy of the source to which things were added by their recipes:
each does its work."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import msgspec

import veldnet
from tests.unit.network.builders import NOW, device, receive, session, uplink_frame
from veldnet.connections import KINDS, Connection, Outgoing
from veldnet.domain import resources
from veldnet.domain.alarm_levels import Level
from veldnet.domain.errors import Refusal
from veldnet.inventory import flows
from veldnet.inventory.devices import fields
from veldnet.inventory.imports.header_csv import COLUMNS
from veldnet.inventory.routing_profiles import check_routes
from veldnet.lorawan import mac_commands
from veldnet.monitoring.alarms import advice, types
from veldnet.monitoring.monitor import Monitor
from veldnet.monitoring.state import state_of
from veldnet.network.core import UplinkRecord
from veldnet.network.core.state import DeviceState
from veldnet.network.shell import Entry, Recorded, new_entry
from veldnet.routing import TRANSPORTS, RouteSender, TransportSettings
from veldnet.routing.ledger import StoredMessage
from veldnet.routing.table import Profile, Route
from veldnet.routing.transports import Attempt
from veldnet.store import IdSource


class NoCommits:
    def touch(self, _entry: Entry) -> None:
        """Nothing is written."""


def mac_command() -> UplinkRecord:
    """A device answers, and the journal names the answer."""
    added: Any = mac_commands
    frame = uplink_frame(0, commands=[added.BeepAns(7)])
    transition = receive(DeviceState(session=session()), frame)
    assert transition is not None
    record = transition.records[0]
    assert isinstance(record, UplinkRecord)
    assert "beeped at volume 7" in record.decisions, record.decisions
    return record


def alarm_type(record: UplinkRecord) -> None:
    """An uplink raises it, with its level, and people read what to do."""
    entry = new_entry(device())
    monitor = Monitor(NoCommits(), IdSource(), clock=lambda: NOW)
    near = (msgspec.structs.replace(record.best, rssi=-40.0),)
    monitor.observe(Recorded(msgspec.structs.replace(record, copies=near), entry.device, entry))
    alarm = state_of(entry).alarm(99)
    assert alarm is not None and alarm.state == Level.WARNING and monitor.counters.raised[99] == 1
    assert types.DEVICE_TYPES[99].label == "Device too close" and "away" in str(advice.ADVICE[99])


async def delivery_transport() -> None:
    """A routing profile takes its address, and a message goes there."""
    address = "memory://shelf"
    given = resources.Route(addresses=[address], contentType="JSON")
    (checked,) = check_routes([given], allow_private=False)
    route = Route(1, None, False, checked.content_type, checked.as_id, None, 0, checked.addresses)
    message = StoredMessage(1, None, None, "JSON", "DevEUI_uplink", b"{}", "", "0" * 16, 0, route.addresses)
    sender = RouteSender(TransportSettings(allow_private=False), clock=lambda: NOW)
    profile = Profile(1, "100000001", ((None, (route,)),))
    outcome = await sender.send(Attempt(message, profile, route, 1, NOW))
    assert outcome.delivered and outcome.url == address
    await sender.close()


def device_field() -> None:
    """It is checked, stored, read, imported and exported."""
    given = msgspec.convert({"assetNumber": "A-17"}, resources.VeldnetDevice)
    fields.check_fields(given)
    read = resources.VeldnetDevice()
    fields.put_fields(fields.encode_fields(given), read)
    assert msgspec.to_builtins(read) == {"assetNumber": "A-17"}
    assert "assetNumber" in COLUMNS and "assetNumber" in fields.EXPORTED_FIELDS
    assert "assetNumber" in fields.UPDATABLE_FIELDS


async def connection_type() -> None:
    """Its address and its fields are checked, and a message goes over it as they say."""
    assert [field.name for field in KINDS["MEMORY"].fields] == ["shelf", "topic"]
    given = flows.Connection(name="x", type="MEMORY", address="memory://cabinet", options={"shelf": "low"})
    prepared = flows.prepare(given, None, allow_private=False)
    for wrong in ({"colour": "red"}, {"shelf": ""}, {"shelf": 7}):
        try:
            flows.prepare(msgspec.structs.replace(given, options=wrong), None, allow_private=False)
        except Refusal:
            continue
        raise AssertionError(wrong)
    connection = Connection(1, 1, "100000001", "x", True, prepared.settings, prepared.secrets)
    around: Any = SimpleNamespace(clock=lambda: NOW)
    transport = TRANSPORTS["MEMORY"](connection, around)
    transport.start()
    outcome = await transport.deliver(Outgoing("uplink", {}, b"{}", NOW))
    kept = sys.modules["veldnet.connections.kinds.memory"].KEPT
    assert outcome.delivered and transport.condition.status == "ACTIVE" and kept == [("low", b"{}")]


if __name__ == "__main__":
    assert veldnet.__file__.startswith(sys.argv[1]), veldnet.__file__
    alarm_type(mac_command())
    asyncio.run(delivery_transport())
    asyncio.run(connection_type())
    device_field()
