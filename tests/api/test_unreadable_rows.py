"""A stored row that cannot be read, of whatever kind, keeps nothing else from work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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
    base_station_profiles,
    connections,
    connectivity_plans,
    decoders,
    device_profiles,
    device_states,
    devices,
    flows,
    geofences,
    multicast_groups,
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


class Damaged(NamedTuple):
    """A row that is damaged: who has it in which list, and what replaces it."""

    person: Person
    path: str
    table: Table
    column: str
    chosen: Any
    replacement: dict[str, Any]
    # What is not enough.
    too_little: dict[str, Any] | None = None


def _damaged_ones(town: Town) -> list[Damaged]:
    """One of each kind that has settings as a document; there is another one of each."""
    user, operator = (
        town.user,
        Person(town.server, operator_of(town.account), town.account.thingpark_password),
    )
    _fill(user, operator)
    return [*_of_user(user), *_of_operator(operator)]


def _fill(user: Person, operator: Person) -> None:
    for name in ("Sound", "Damaged"):
        user.call("POST", f"{V1}/decoders", {"name": name, "kind": "CAYENNE_LPP"})
        body = {"name": name, "routes": [{"addresses": ["https://example.com/"], "contentType": "JSON"}]}
        user.call("POST", f"{KPN}/routingProfiles", body)
        profile = {"id": f"town-{name.lower()}", "name": name}
        operator.call("POST", f"{V1}/operator/baseStationProfiles", profile)
        operator.call("POST", f"{V1}/operator/deviceProfiles", profile)
        operator.call("POST", f"{V1}/operator/plans", profile | {"id": f"town-cs/{name.lower()}"})
    multicast = {"id": "town-cs/groups", "name": "Groups", "communicationType": "MULTICAST"}
    operator.call("POST", f"{V1}/operator/plans", multicast)
    (plan,) = [one for one in operator.call("GET", f"{V1}/operator/plans") if one["name"] == "Groups"]
    (subscriber,) = operator.call("GET", f"{V1}/operator/subscribers")
    grant = {"customerId": subscriber["customerId"], "granted": 9}
    operator.call("PUT", f"{V1}/operator/plans/{plan['ref']}/grants", grant)
    for number, name in enumerate(("Sound", "Damaged")):
        group = {"EUI": f"0059AC00FF{number:06X}", "name": name, "deviceClass": "C", "multicastKey": KEY}
        user.call("POST", f"{V1}/multicastGroups", group)


def _of_user(user: Person) -> list[Damaged]:
    route = routes.c.routing_profile_ref.in_(
        select(routing_profiles.c.ref).where(routing_profiles.c.name == "Damaged")
    )
    routed = [{"addresses": ["https://example.org/"], "contentType": "JSON"}]
    chooses = {"tags": ["a"], "deviceProfileIds": [], "strategies": []}
    http, tagged = {"type": "HTTP", "address": "http://127.0.0.1:9"}, {"baseStationTags": ["a"]}
    rows: list[tuple[str, Table, str, Any, dict[str, Any], bool]] = [
        (f"{V1}/geofences", geofences, "shape", _first(geofences), {"circle": _CIRCLE}, True),
        (f"{V1}/connections", connections, "settings", _first(connections), http, True),
        (f"{V1}/flows", flows, "settings", _first(flows), chooses, True),
        (f"{V1}/decoders", decoders, "units", decoders.c.name == "Damaged", {"units": {}}, False),
        (
            f"{V1}/multicastGroups",
            multicast_groups,
            "tags",
            multicast_groups.c.name == "Damaged",
            tagged,
            True,
        ),
        (f"{KPN}/routingProfiles", routes, "addresses", route, {"routes": routed}, False),
    ]
    found = []
    for path, table, column, chosen, replacement, more in rows:
        too_little = {"name": "Damaged"} if more else None
        found.append(Damaged(user, path, table, column, chosen, replacement, too_little))
    return found


def _of_operator(operator: Person) -> list[Damaged]:
    desk, settings = f"{V1}/operator", {"name": "Damaged", "settings": {}}
    named = "town-damaged"
    rows: list[tuple[str, Table, str]] = [
        ("deviceProfiles", device_profiles, named),
        ("plans", connectivity_plans, "town-cs/damaged"),
        ("baseStationProfiles", base_station_profiles, named),
    ]
    return [
        Damaged(operator, f"{desk}/{path}", table, "settings", table.c.id == identifier, settings)
        for path, table, identifier in rows
    ]


def _listed(one: Damaged) -> list[dict[str, Any]]:
    found = one.person.call("GET", one.path)
    return list(found["groups"] if isinstance(found, dict) else found)


def _problem(shown: dict[str, Any]) -> str | None:
    state = shown.get("state", {})
    found: str | None = shown.get("problem") or (state["reason"] if state.get("status") == "ERROR" else None)
    return found


def test_what_cannot_be_read_is_listed_with_the_reason_and_can_be_replaced(town: Town) -> None:
    """It hides no other, and is the same for who asks for it alone."""
    damaged = _damaged_ones(town)
    before = [_listed(one) for one in damaged]
    for one in damaged:
        town.damage(one.table, one.column, one.chosen)
    for one, listed in zip(damaged, before, strict=True):
        after = _listed(one)
        assert [each["ref"] for each in after] == [each["ref"] for each in listed], one.path
        bad = [each for each in after if _problem(each)]
        assert len(bad) == 1, one.path
        assert any(word in str(_problem(bad[0])) for word in ("truncated", "Expected", "malformed")), bad
        at = f"{one.path}/{bad[0]['ref']}"
        if not one.path.startswith(f"{V1}/operator"):
            assert _problem(one.person.call("GET", at)) == _problem(bad[0])
        if one.too_little is not None:
            answer = one.person.request("PUT", at, one.too_little)
            assert answer.status_code == 400 and "mandatory" in answer.json()["message"], answer.text
        one.person.call("PUT", at, one.replacement)
        assert not [each for each in _listed(one) if _problem(each)], one.path
    assert town.server.log.count("row_unreadable") >= len(damaged)


def test_what_cannot_be_read_can_be_deleted(town: Town) -> None:
    damaged = _damaged_ones(town)
    for one in damaged:
        town.damage(one.table, one.column, one.chosen)
    # What uses another goes before it.
    for one in sorted(damaged, key=lambda one: one.table is not flows):
        (bad,) = [each for each in _listed(one) if _problem(each)]
        one.person.call("DELETE", f"{one.path}/{bad['ref']}")
        left = _listed(one)
        assert left and bad["ref"] not in {each["ref"] for each in left}


def test_a_key_that_cannot_be_read_is_said_in_the_list(town: Town) -> None:
    """What deliveries meet, in the language of who asks; a new key ends it."""
    route = {"addresses": ["https://example.com/"], "contentType": "JSON", "asId": "one", "asKey": KEY}
    body = {"name": "Signed", "routes": [route]}
    made = town.user.call("POST", f"{KPN}/routingProfiles", body)
    at = f"{KPN}/routingProfiles/{made['ref']}"
    town.write(
        lambda c: c.execute(
            update(routes).where(routes.c.sealed_as_key.is_not(None)).values(sealed_as_key=b"\x00" * 60)
        )
    )
    town.begin_again()
    (listed,) = town.user.call("GET", f"{KPN}/routingProfiles")
    assert listed["problem"].startswith("route 1 of the routing profile cannot be read: ")
    dutch = town.user.request("GET", at, headers={"accept-language": "nl"}).json()
    assert dutch["problem"] != listed["problem"] == town.user.call("GET", at)["problem"]
    # Who sends it back keeps the key as it is.
    town.user.call("PUT", at, {name: listed[name] for name in ("name", "routes")})
    assert "problem" in town.user.call("GET", at)
    town.user.call("PUT", at, {"routes": [route]})
    assert "problem" not in town.user.call("GET", at)


def test_a_fleet_says_which_of_its_things_cannot_be_read(town: Town) -> None:
    """It neither overwrites them nor makes others of the same name, and exports the rest."""
    damaged = [one for one in _damaged_ones(town) if one.path == f"{V1}/flows"]
    for one in damaged:
        town.damage(one.table, one.column, one.chosen)
    document = {"version": 1, "flows": [{"name": "First", "connections": ["First"], "ports": "1"}]}
    plan = town.user.call("POST", f"{V1}/fleet/plan", document)
    assert "what is stored of First cannot be read" in json.dumps(plan)
    assert [one["name"] for one in town.user.call("GET", f"{V1}/flows")] == ["First", "Second"]
