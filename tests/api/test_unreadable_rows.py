"""A stored row that cannot be read, of whatever kind, keeps nothing else from work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, select, update

from tests.api.antenna import Antenna
from tests.api.examples import operator_of
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.assembly import monitoring
from veldnet.monitoring.notification.events import NotificationSettings, write_settings
from veldnet.simulator.customer import Account
from veldnet.store.schema import (
    connections,
    connectivity_plans,
    decoders,
    device_profiles,
    device_states,
    devices,
    flows,
    geofences,
    notification_settings,
    routes,
    routing_profiles,
)

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"
_CIRCLE = {"latitude": 52.0, "longitude": 5.0, "radius": 500}
_ABSENT = 999_999


class Town:
    """A server with two of everything, which ends and begins again."""

    def __init__(self, data: Path, account: Account) -> None:
        self.data, self.account = data, account
        self.server = HostedServer(data)
        user = self.user
        for name in ("First", "Second"):
            user.call("POST", f"{V1}/geofences", {"name": name, "circle": _CIRCLE})
            body = {"name": name, "type": "HTTP", "address": "http://127.0.0.1:9"}
            ref = user.call("POST", f"{V1}/connections", body)["ref"]
            user.call("POST", f"{V1}/flows", {"name": name, "connectionRefs": [ref]})
        hooks = NotificationSettings(webhook="https://hooks.example/")
        for ref in (1, _ABSENT):
            self.write(lambda c, ref=ref: write_settings(c, 1, ref, hooks))

    @property
    def user(self) -> Person:
        return Person(self.server, self.account.thingpark_username, self.account.thingpark_password)

    def write(self, change: Any) -> None:
        self.server.run(self.server.platform.store.write(change))

    def device(self, number: int, profile: str) -> str:
        body = {
            "EUI": f"0059AC00CB{number:06X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": profile,
        }
        return str(self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})["EUI"])

    def damage(self, table: Table, column: str, chosen: Any) -> None:
        self.write(lambda c: c.execute(update(table).where(chosen).values({column: "{"})))

    def begin_again(self) -> None:
        self.server.stop()
        self.server = HostedServer(self.data)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    data = tmp_path / "data"
    made = Town(data, sandbox(data))
    yield made
    made.server.stop()


def _first(table: Table) -> Any:
    return table.c.ref == select(func.min(table.c.ref)).scalar_subquery()


def test_a_server_starts_with_all_that_can_be_read(town: Town) -> None:
    bad, good = town.device(1, CLASS_C), town.device(2, town.account.device_profile_id)
    for table, column in ((geofences, "shape"), (connections, "settings"), (flows, "settings")):
        town.damage(table, column, _first(table))
    town.damage(notification_settings, "settings", notification_settings.c.scope_ref == _ABSENT)
    town.damage(device_profiles, "settings", device_profiles.c.id == CLASS_C)
    for name in ("Damaged", "Sound"):
        body = {"name": name, "routes": [{"addresses": ["https://example.com/"], "contentType": "JSON"}]}
        town.user.call("POST", f"{KPN}/routingProfiles", body)
    named = select(routing_profiles.c.ref).where(routing_profiles.c.name == "Damaged").scalar_subquery()
    town.damage(routes, "source_ports", routes.c.routing_profile_ref == named)
    operator = Person(town.server, operator_of(town.account), town.account.thingpark_password)
    operator.call("POST", f"{V1}/operator/plans", {"id": "town-cs/other", "name": "Other"})
    unused = ~connectivity_plans.c.ref.in_(select(devices.c.plan_ref).where(devices.c.plan_ref.is_not(None)))
    town.damage(connectivity_plans, "settings", unused)
    town.begin_again()
    platform = town.server.platform
    assert [each.name for some in platform.locations.keeper.geofences._of.values() for each in some] == [
        "Second"
    ]
    assert [each.name for each in platform.connecting.table.connections.values()] == ["Second"]
    assert len(platform.connecting.table._flows) == 1
    assert platform.monitoring.recipients.find(1, 1) is not None
    assert sorted(each.damaged for each in platform.table.all if each.all_routes) == [False, True]
    assert town.server.log.count("row_unreadable") >= 6
    antenna = Antenna(town.server, town.account.base_station_eui)
    device = radio.device(good, KEY)
    radio.join(antenna, device)
    # The other one, whose profile cannot be read, is not served.
    antenna.hear(radio.device(bad, KEY).join_request())
    assert antenna.downlink(7) is None


def test_devices_that_cannot_be_read_do_not_hide_others_that_are_silent(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "_LOOKS", 2)
    bad = [town.device(number, CLASS_C) for number in (1, 2, 3)]
    good = [town.device(number, town.account.device_profile_id) for number in (4, 5)]
    town.damage(device_profiles, "settings", device_profiles.c.id == CLASS_C)

    def due(connection: Connection) -> None:
        for moment, eui in enumerate([*bad, *good], 1):
            ref = select(devices.c.ref).where(devices.c.dev_eui == eui).scalar_subquery()
            values = {"check_at": moment, "monitoring": b"\xc1"}
            connection.execute(update(device_states).where(device_states.c.device_ref == ref).values(values))

    town.write(due)
    town.begin_again()
    town.server.run(town.server.platform.monitoring.check_devices())

    def left(connection: Connection) -> list[str]:
        query = select(devices.c.dev_eui).join(device_states, device_states.c.device_ref == devices.c.ref)
        return list(connection.execute(query.where(device_states.c.check_at <= 5)).scalars())

    assert sorted(town.server.run(town.server.platform.store.read(left))) == bad
    assert "monitoring_unreadable" in town.server.log


def test_lists_show_all_that_can_be_read(town: Town) -> None:
    """A row of the subscriber's own that cannot be read is missing from its list, and hides no other."""
    town.user.call("POST", f"{V1}/decoders", {"name": "Damaged", "kind": "CAYENNE_LPP"})
    town.user.call("POST", f"{V1}/decoders", {"name": "Sound", "kind": "CAYENNE_LPP"})
    for name in ("Damaged", "Sound"):
        body = {"name": name, "routes": [{"addresses": ["https://example.com/"], "contentType": "JSON"}]}
        town.user.call("POST", f"{KPN}/routingProfiles", body)
    operator = Person(town.server, operator_of(town.account), town.account.thingpark_password)
    operator.call("POST", f"{V1}/operator/plans", {"id": "town-cs/other", "name": "Other"})
    mine = routing_profiles.c.name == "Damaged"
    damaged = select(routing_profiles.c.ref).where(mine).scalar_subquery()
    lists: dict[str, tuple[Person, Table, str, Any]] = {
        f"{V1}/geofences": (town.user, geofences, "shape", _first(geofences)),
        f"{V1}/connections": (town.user, connections, "settings", _first(connections)),
        f"{V1}/flows": (town.user, flows, "settings", _first(flows)),
        f"{V1}/decoders": (town.user, decoders, "units", decoders.c.name == "Damaged"),
        f"{KPN}/routingProfiles": (town.user, routes, "addresses", routes.c.routing_profile_ref == damaged),
        f"{V1}/operator/deviceProfiles": (
            operator,
            device_profiles,
            "settings",
            device_profiles.c.id == CLASS_C,
        ),
        f"{V1}/operator/plans": (operator, connectivity_plans, "settings", _first(connectivity_plans)),
    }
    before = {path: person.call("GET", path) for path, (person, *_) in lists.items()}
    for _person, table, column, chosen in lists.values():
        town.damage(table, column, chosen)
    for path, (person, *_) in lists.items():
        after = person.call("GET", path)
        assert len(after) == len(before[path]) - 1 > 0, path
        refs = [one["ref"] for one in before[path]]
        assert [ref for ref in refs if ref in {one["ref"] for one in after}] == [one["ref"] for one in after]
    assert town.server.log.count("row_unreadable") >= len(lists)
    # What is not in its list is not there for who asks for it alone, either.
    (ref,) = {one["ref"] for one in before[f"{V1}/geofences"]} - {
        one["ref"] for one in town.user.call("GET", f"{V1}/geofences")
    }
    assert town.user.request("GET", f"{V1}/geofences/{ref}").status_code == 404
