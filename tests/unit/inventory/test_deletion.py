"""What becomes of what belonged to a device, routing profile, user or subscriber that is deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import InUse
from veldnet.domain.resources import Device, Route, RoutingProfile
from veldnet.domain.scope import Scope, UserRef
from veldnet.inventory import accounts, devices, offers, routing_profiles
from veldnet.store import SqliteStore, migrate
from veldnet.store.schema import (
    campaigns,
    deliveries,
    metadata,
    notification_settings,
    notifications,
    operator_users,
    preferences,
    projects,
    tokens,
    users,
)
from veldnet.texts import unpack


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = SqliteStore(tmp_path / "deletion.db")
    migrate(store.engine, store.path)
    with store.engine.connect() as opened, opened.begin():
        operator = accounts.create_operator(opened, "ope", "x")
        plan = offers.create_connectivity_plan(opened, operator, "ope/plan", "x", PlanSettings())
        offers.create_device_profile(opened, operator, "PROFILE", "x", ProfileSettings())
        for customer in ("100000001", "100000002"):
            ref = accounts.create_subscriber(opened, operator, customer, "x")
            offers.grant_connectivity_plan(opened, ref, plan, 100)
        yield opened
    store.engine.dispose()


def scope_of(connection: Connection, customer: str) -> Scope:
    ref, operator = accounts.find_subscriber(connection, customer)
    return Scope(operator, ref, customer, 0, "x", "x")


def add_routing(connection: Connection, scope: Scope) -> RoutingProfile:
    checked = routing_profiles.check_routes([Route(addresses=[f"http://{scope.customer_id}.example/"])])
    body = RoutingProfile(name="x")
    return routing_profiles.create_routing_profile(
        connection, scope, body, routing_profiles.Prepared(checked, [None])
    )


def add_device(connection: Connection, scope: Scope, eui: int, routing: RoutingProfile) -> int:
    body = Device(
        EUI=f"{eui:016X}",
        applicationEUI="0000000000000001",
        applicationKey="0123456789ABCDEF0011223344556677",
        deviceProfileId="PROFILE",
        routingProfileId=routing.id,
    )
    new = devices.check_new_device(body, hsm_required=False)
    return int(str(devices.create_device(connection, scope, new, b"sealed").ref))


def add_delivery(connection: Connection, number: int, scope: Scope, device: int, queue: str) -> None:
    whose = {"device_ref": device, "subscriber_ref": scope.subscriber_ref, "queue": queue}
    connection.execute(
        insert(deliveries).values(id=number, frame_id=number, expires_at=9, state=0, message=b"", **whose)
    )


def add_campaign(connection: Connection, scope: Scope) -> None:
    times = {"created_at": 0, "starts_at": 0, "ends_at": 1, "ended_at": 1}
    what = {"name": "x", "kind": "firmware", "state": "complete", "created_by": "x", "options": "{}"}
    file = {"size": 1, "digest": b"x", "content": b"x"}
    connection.execute(insert(campaigns).values(subscriber_ref=scope.subscriber_ref, **times, **what, **file))


def states(connection: Connection) -> dict[int, int]:
    rows = connection.execute(select(deliveries.c.id, deliveries.c.state))
    return {row.id: row.state for row in rows}


def why(connection: Connection, number: int) -> str:
    row = connection.execute(select(deliveries).where(deliveries.c.id == number)).one()
    return unpack(row.last_error)


def test_a1_messages_of_a_deleted_device_are_undelivered(connection: Connection) -> None:
    scope = scope_of(connection, "100000001")
    routing = add_routing(connection, scope)
    gone, stays = (add_device(connection, scope, eui, routing) for eui in (1, 2))
    for number, device in enumerate((gone, stays, gone), start=1):
        add_delivery(connection, number, scope, device, f"{routing.ref}:as")
    devices.delete_device(connection, scope, str(gone))
    assert states(connection) == {1: 1, 2: 0, 3: 1}
    assert why(connection, 1) == "the device was deleted"
    # The same DevEUI with somebody else is another device.
    other = scope_of(connection, "100000002")
    assert add_device(connection, other, 1, add_routing(connection, other)) > stays


def test_a1_messages_of_a_deleted_routing_profile_are_undelivered(connection: Connection) -> None:
    scope, other = (scope_of(connection, customer) for customer in ("100000001", "100000002"))
    first = add_routing(connection, scope)
    others = [add_routing(connection, scope) for _ in range(12)]
    device = add_device(connection, scope, 1, others[0])
    # 1 is the beginning of 10 and 11, and queues have any ending.
    queues = [f"{first.ref}:as", f"{first.ref}:", f"{first.ref}:u:x:as", *(f"{o.ref}:as" for o in others)]
    assert {queue.partition(":")[0] for queue in queues} >= {"1", "10", "11"}
    for number, queue in enumerate(queues, start=1):
        add_delivery(connection, number, scope, device, queue)
    # The default one may go when it is the last or another one is the default.
    routing_profiles.update_routing_profile(
        connection, scope, str(others[0].ref), RoutingProfile(default=True), routing_profiles.Prepared()
    )
    routing_profiles.delete_routing_profile(connection, scope, str(first.ref))
    assert {number for number, state in states(connection).items() if state} == {1, 2, 3}
    assert why(connection, 2) == "the routing profile was deleted"
    assert int(str(add_routing(connection, other).ref)) > int(str(others[-1].ref))


@pytest.mark.parametrize("operator", [False, True])
def test_a2_saved_views_go_with_the_user(connection: Connection, operator: bool) -> None:
    scope = scope_of(connection, "100000001")
    other = scope_of(connection, "100000002")
    table = operator_users if operator else users

    def add(name: str, whose: Scope) -> int:
        if operator:
            return int(accounts.create_operator_user(connection, 1, name, "h", "x", "rw").ref)
        return int(
            accounts.create_subscriber_user(connection, whose.subscriber_ref, name, "h", "x", "rw").ref
        )

    def session_of(ref: int) -> accounts.Session:
        token = accounts.open_session(connection, UserRef(ref, operator), 900, accounts.Origin())
        session = accounts.session_of(connection, token, 900)
        assert session is not None
        return session

    kept, removed = add("kept@x", scope), add("removed@x", scope)
    for ref in (kept, removed):
        accounts.write_preferences(connection, session_of(ref).account, b'{"views":[1]}')
    accounts.remove_user(connection, table, removed)
    new = session_of(add("new@x", other))
    assert accounts.read_preferences(connection, new.account) == b"{}"
    assert accounts.read_preferences(connection, session_of(kept).account) == b'{"views":[1]}'
    assert connection.execute(select(func.count()).select_from(preferences)).scalar_one() == 1


def test_a2_tokens_and_sessions_end_with_the_user_and_projects_are_not_activated(
    connection: Connection,
) -> None:
    scope = scope_of(connection, "100000001")
    user = int(accounts.create_subscriber_user(connection, scope.subscriber_ref, "a@x", "h", "x", "rw").ref)
    project = accounts.create_own_project(connection, scope.subscriber_ref, "x")
    accounts.activate_project(connection, int(project.ref), user)
    own = accounts.issue_token(connection, 900, user_ref=user)
    of_project = accounts.issue_token(connection, 900, project_ref=int(project.ref))
    key = accounts.create_key(connection, UserRef(user), "key", "write", None)
    assert accounts.key_holder(connection, accounts.token_digest(str(key.key))) is not None
    cookie = accounts.open_session(connection, UserRef(user), 900, accounts.Origin())
    accounts.remove_user(connection, users, user)
    assert accounts.bearer_of(connection, accounts.token_digest(own)) is None
    bearer = accounts.bearer_of(connection, accounts.token_digest(of_project))
    assert bearer is not None and bearer.scope is None
    assert accounts.session_of(connection, cookie, 900) is None
    assert accounts.key_holder(connection, accounts.token_digest(str(key.key))) is None
    accounts.delete_project(connection, scope.subscriber_ref, project.ref)
    assert accounts.bearer_of(connection, accounts.token_digest(of_project)) is None
    assert connection.execute(select(func.count()).select_from(tokens)).scalar_one() == 0


def mentioning(connection: Connection, matches: Callable[[str, Any], bool]) -> set[str]:
    """Tables with a row that names something."""
    return {
        table.name
        for table in metadata.sorted_tables
        for column in table.columns
        for value in connection.execute(select(column)).scalars()
        if matches(column.name, value)
    }


def test_a1_nothing_of_a_removed_subscriber_is_left_to_anybody(connection: Connection) -> None:
    scope, other = (scope_of(connection, customer) for customer in ("100000001", "100000002"))
    ref = scope.subscriber_ref
    for number, whose in ((1, scope), (2, other)):
        user = accounts.create_subscriber_user(
            connection, whose.subscriber_ref, f"u{number}@x", "h", "x", "rw"
        )
        accounts.write_preferences(connection, f"user-{user.ref}", b"{}")
        accounts.create_own_project(connection, whose.subscriber_ref, "x")
        add_campaign(connection, whose)
        device = add_device(connection, whose, number, add_routing(connection, whose))
        add_delivery(connection, number, whose, device, "1:as")
        about = {"scope": 1, "scope_ref": whose.subscriber_ref}
        connection.execute(insert(notification_settings).values(settings="{}", **about))
        connection.execute(insert(notifications).values(id=number, event=b"", **about))
    had = accounts.belongings(connection, ref)
    assert (had.devices, had.users, had.projects, had.campaigns, had.undelivered) == (1, 1, 1, 1, 1)
    assert (had.routingProfiles, had.groups, had.flows, had.decoders) == (1, 0, 0, 0)
    with pytest.raises(InUse, match="1 device"):
        accounts.remove_subscriber(connection, "100000001")
    devices.delete_device(connection, scope, "e0000000000000001")
    accounts.remove_subscriber(connection, "100000001")

    def its(name: str, value: Any) -> bool:
        return (name == "subscriber_ref" or name == "scope_ref") and value == ref

    # Counts of devices are zero; the log of changes is what running servers read.
    assert mentioning(connection, its) <= {"device_counts", "device_list_counts"}
    assert list(states(connection)) == [2]
    assert connection.execute(select(preferences.c.account)).scalars().all() == ["user-2"]
    assert connection.execute(select(func.count()).select_from(projects)).scalar_one() == 1
    assert accounts.create_subscriber(connection, 1, "100000003", "x") > other.subscriber_ref
