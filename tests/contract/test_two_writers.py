"""Changes that look before they write, by two writers at once: neither comes between the other's steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from tests import postgresql
from veldnet.domain.documents import PlanSettings
from veldnet.domain.errors import BadRequest, NoFreeConnection
from veldnet.domain.resources import RoutingProfile
from veldnet.domain.scope import Scope, UserRef
from veldnet.inventory import accounts, changes, decoders, offers, routing_profiles, sandbox
from veldnet.inventory.accounts import api_keys, projects
from veldnet.inventory.devices.assignment import choose_plan
from veldnet.inventory.keys import exchange_keys
from veldnet.monitoring import health
from veldnet.store import appended_counts, fold_device_counts, migrate, put, sqlite_engine, write_property
from veldnet.store.expressions import total
from veldnet.store.schema import decoders as decoder_rows
from veldnet.store.schema import (
    device_cells,
    device_counts,
    device_profiles,
    devices,
    operators,
    plan_grants,
    preferences,
    properties,
    subscribers,
    users,
)
from veldnet.store.schema import exchange_keys as exchange_rows
from veldnet.store.schema import hsm_groups as group_rows
from veldnet.store.schema import routing_profiles as profile_rows

SCOPE = Scope(1, 1, "100000001", 1, "anna", "Anna")
# How long the first writer waits for the second one, which must wait for it.
_WAITS = 0.05


@pytest.fixture(params=("sqlite", "postgresql"))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Over a database with an operator, a subscriber, a user and a plan, which all have the number 1."""
    with ExitStack() as held:
        if request.param == "sqlite":
            opened = sqlite_engine(tmp_path / "two.db", durable=False)
            migrate(opened, tmp_path / "two.db")
        else:
            opened = postgresql.open_store(held.enter_context(postgresql.database())).engine
        held.callback(opened.dispose)
        with opened.begin() as connection:
            connection.execute(insert(operators).values(code="ope", name="x"))
            row: dict[str, object] = {"operator_ref": 1, "customer_id": "100000001", "name": "x"}
            connection.execute(insert(subscribers).values(row))
            plan = offers.create_connectivity_plan(connection, 1, "ope/plan", "x", PlanSettings())
            offers.grant_connectivity_plan(connection, 1, plan, 1)
            row = {"subscriber_ref": 1, "username": "anna", "password_hash": "", "display_name": "A"}
            connection.execute(insert(users).values(row))
        yield opened


def _routing_profile(connection: Connection) -> Any:
    body = RoutingProfile(name="A", default=True)
    return routing_profiles.create_routing_profile(connection, SCOPE, body, routing_profiles.Prepared(()))


def _decoder(connection: Connection) -> Any:
    body = decoders.PayloadDecoder(name="A", kind="CAYENNE_LPP")
    return decoders.create_decoder(connection, SCOPE, body, most_source=1000)


def _exchange_key(connection: Connection) -> Any:
    return exchange_keys.add_key(connection, "", "RSA", "", b"", None)


def _preferences(connection: Connection) -> None:
    accounts.write_preferences(connection, "user-1", b"{}")


def _rows(query: Any) -> Callable[[Connection], Any]:
    return lambda connection: connection.execute(query).scalars().all()


class Case(NamedTuple):
    """What both do, what to look at then, and what is there."""

    change: Callable[[Connection], Any]
    look: Callable[[Connection], Any]
    there: Any
    # How the second one is refused.
    refused: type[Exception] | None = None


COUNT = func.count()
CASES = {
    "numbers of HSM groups": Case(
        lambda c: offers.create_hsm_group(c, 1, "A"),
        _rows(select(group_rows.c.id).order_by(group_rows.c.id)),
        ["HSM_OPE.1", "HSM_OPE.2"],
    ),
    "versions of exchange keys": Case(
        _exchange_key, _rows(select(exchange_rows.c.version).order_by(exchange_rows.c.version)), [1, 2]
    ),
    "the limit of decoders": Case(_decoder, _rows(select(COUNT).select_from(decoder_rows)), [1], BadRequest),
    "the limit of projects": Case(
        lambda c: projects.create_own_project(c, 1, "A"),
        lambda c: len(projects.list_projects(c, 1)),
        1,
        BadRequest,
    ),
    "the limit of API keys": Case(
        lambda c: api_keys.create_key(c, UserRef(1), "A", "read", None),
        lambda c: len(api_keys.list_keys(c, UserRef(1))),
        1,
        BadRequest,
    ),
    "the last connection of a plan": Case(
        lambda c: choose_plan(c, SCOPE, "ope/plan"), _rows(select(plan_grants.c.used)), [1], NoFreeConnection
    ),
    "the default routing profile": Case(
        _routing_profile,
        _rows(select(profile_rows.c.is_default).order_by(profile_rows.c.ref)),
        [False, True],
    ),
    "the built-in routing profile": Case(
        lambda c: routing_profiles.dummy_profile(c, SCOPE),
        _rows(select(COUNT).where(profile_rows.c.is_dummy)),
        [1],
    ),
    "sandboxes": Case(
        lambda c: sandbox.create_sandbox(c, "pw", "hash"),
        _rows(select(operators.c.code).order_by(operators.c.ref)),
        ["ope", "sandbox2-ope", "sandbox3-ope"],
    ),
    "a property": Case(
        lambda c: write_property(c, "word", "said"), _rows(select(properties.c.value)), ["said"]
    ),
    "preferences": Case(_preferences, _rows(select(preferences.c.value)), ["{}"]),
}


@pytest.mark.parametrize("name", CASES)
def test_two_writers_at_once(engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (decoders, api_keys, projects):
        monkeypatch.setattr(room, "_MOST", 1)
    case = CASES[name]
    first_wrote, second_done = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def second() -> None:
        first_wrote.wait(10)
        try:
            with engine.begin() as connection:
                case.change(connection)
        except Exception as error:
            failures.append(error)
        second_done.set()

    other = threading.Thread(target=second)
    other.start()
    with engine.begin() as connection:
        case.change(connection)
        first_wrote.set()
        assert not second_done.wait(_WAITS), "the second writer did not wait"
    other.join(10)
    assert [type(failure) for failure in failures] == ([case.refused] if case.refused else []), failures
    with engine.begin() as connection:
        assert case.look(connection) == case.there


def test_put_keeps_what_it_is_told_to(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, preferences, [{"account": "a", "value": "1"}, {"account": "b", "value": "1"}])
        put(connection, preferences, {"account": "a", "value": "2"})
        put(connection, preferences, {"account": "b", "value": "2"}, kept=("value",))
        put(connection, preferences, [])
        assert _rows(select(preferences.c.value).order_by(preferences.c.account))(connection) == ["2", "1"]


def test_a_change_that_is_seen_late_is_not_left_out(engine: Engine) -> None:
    """A server reads while a transaction is open that has begun before another one that has ended."""

    def read(here: changes.Position) -> tuple[list[int], changes.Position]:
        with engine.begin() as connection:
            found, behind, _more = changes.since(connection, here)
        return [change.ref for change in found], behind

    with engine.begin() as connection:
        changes.note(connection, "device", 1)
    with engine.begin() as connection:
        here = changes.position(connection)
    found: list[int] = []
    if engine.dialect.name == "postgresql":
        with engine.begin() as slow:
            changes.note(slow, "device", 2)
            with engine.begin() as connection:
                changes.note(connection, "device", 3)
            found, here = read(here)
            assert found == [3] and read(here) == ([], here)
    else:
        with engine.begin() as connection:
            changes.note(connection, "device", 3)
            changes.note(connection, "device", 2)
    more, here = read(here)
    assert sorted(found + more) == [2, 3]
    assert read(here)[0] == []


def test_counts_of_devices_are_folded_while_others_write(engine: Engine) -> None:
    """Whoever reads sees the same sums before, meanwhile and after."""
    device = {
        "subscriber_ref": 1, "name": "x", "activation_type": "OTAA", "device_class": "A", "profile_ref": 1,
        "details": "{}", "created_at": 0, "updated_at": 0, "updated_by": "x", "longitude": 5.0,
    }  # fmt: skip
    with engine.begin() as connection:
        profile = {"operator_ref": 1, "id": "p", "name": "x", "type_mac": "", "settings": "{}"}
        connection.execute(insert(device_profiles).values(profile))

    def add(connection: Connection, count: int) -> None:
        rows = [device | {"dev_eui": f"{count}{n:015X}", "latitude": 52.0 + n} for n in range(count)]
        connection.execute(insert(devices), rows)

    def counted() -> tuple[int, int]:
        with engine.begin() as connection:
            cells = connection.execute(select(total(device_cells.c.devices))).scalar_one()
            return sum(health.counts(connection, 1)), cells

    with engine.begin() as connection:
        add(connection, 5)
    with engine.begin() as connection:
        connection.execute(update(devices).where(devices.c.ref < 3).values(health=2))
        connection.execute(delete(devices).where(devices.c.ref == 3))
    assert counted() == (4, 4)
    if engine.dialect.name == "postgresql":
        with engine.begin() as slow:
            add(slow, 7)
            with engine.begin() as connection:
                assert appended_counts(connection)
                assert fold_device_counts(connection) > 0
            assert counted() == (4, 4)
        assert counted() == (11, 11)
    with engine.begin() as connection:
        fold_device_counts(connection)
        assert not appended_counts(connection)
    with engine.begin() as connection:
        health_of = {
            row.health: row.devices for row in connection.execute(select(device_counts)) if row.devices
        }
    assert health_of[2] == 2 and sum(health_of.values()) == counted()[0]
