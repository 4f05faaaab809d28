"""Devices that are created many at once: the same devices and refusals as one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import UNSET
from sqlalchemy import Connection, func, select

from tests import postgresql
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import DuplicateEui, NoFreeConnection, Refusal, UnknownReference
from veldnet.domain.resources import Device, VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, devices, offers
from veldnet.inventory.devices import Creation, Lookups
from veldnet.store import SqliteStore, migrate
from veldnet.store.schema import (
    changes,
    connectivity_plans,
    device_states,
    device_tags,
    plan_grants,
)
from veldnet.store.schema import devices as device_rows

KEY = "0123456789ABCDEF0011223344556677"


@pytest.fixture(params=("sqlite", "postgresql"))
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """To a database with a subscriber who has two connections of a plan, and one of another."""
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "many.db", inline=True)
        migrate(store.engine, store.path)
        with store.engine.begin() as opened:
            yield opened
        store.engine.dispose()
        return
    with postgresql.database() as url:
        served = postgresql.open_store(url, inline=True)
        with served.engine.begin() as opened:
            yield opened
        served.dispose()


@pytest.fixture
def scope(connection: Connection) -> Scope:
    operator = accounts.create_operator(connection, "ope", "x")
    subscriber = accounts.create_subscriber(connection, operator, "100000001", "x")
    for name, granted in (("ope/small", 2), ("ope/large", 3)):
        plan = offers.create_connectivity_plan(connection, operator, name, "x", PlanSettings())
        offers.grant_connectivity_plan(connection, subscriber, plan, granted)
    offers.create_device_profile(connection, operator, "PROFILE", "x", ProfileSettings())
    return Scope(operator, subscriber, "100000001", 0, "x", "x")


def creation(eui: int, plan: str = "", profile: str = "PROFILE", **members: object) -> Creation:
    body: Device = VeldnetDevice(
        EUI=f"{eui:016X}",
        applicationEUI="0000000000000001",
        applicationKey=KEY,
        deviceProfileId=profile,
        connectivityPlanId=plan or UNSET,
        **members,  # type: ignore[arg-type]
    )
    return Creation(devices.check_new_device(body, hsm_required=False), b"app", b"nwk")


WANTED = (
    creation(1, "ope/small", name="Pump", tags=["river", "north"]),
    creation(2, profile="NONE"),
    creation(1, "ope/large"),
    creation(3, tags=["river"]),
    creation(4, "ope/small"),
    creation(5),
    creation(6),
    creation(2, "ope/large"),
    creation(7),
)
EXPECTED = (
    1,
    UnknownReference,
    DuplicateEui,
    2,
    NoFreeConnection,
    3,
    4,
    5,
    NoFreeConnection,
)


def check(connection: Connection, scope: Scope, outcomes: list[int | Refusal]) -> None:
    numbers = [each for each in outcomes if isinstance(each, int)]
    # They may have gaps; their order is that of the devices.
    assert numbers == sorted(numbers)
    kinds = [numbers.index(each) + 1 if isinstance(each, int) else type(each) for each in outcomes]
    assert kinds == list(EXPECTED)
    columns = device_rows.c
    query = (
        select(columns.ref, columns.dev_eui, columns.name, connectivity_plans.c.id, columns.sealed_nwk_key)
        .join(connectivity_plans, connectivity_plans.c.ref == columns.plan_ref)
        .order_by(columns.dev_eui)
    )
    rows = connection.execute(query).all()
    small, large = "ope/small", "ope/large"
    plans = [(int(row.dev_eui, 16), row.id) for row in rows]
    assert plans == [(1, small), (2, large), (3, small), (5, large), (6, large)]
    assert rows[0].name == "Pump" and rows[2].name == f"New device {rows[2].ref}"
    used = select(plan_grants.c.used).order_by(plan_grants.c.plan_ref)
    assert connection.execute(used).scalars().all() == [2, 3]
    refs = {row.ref for row in rows}
    assert set(connection.execute(select(device_states.c.device_ref)).scalars()) == refs == set(numbers)
    noted = connection.execute(select(changes.c.ref).where(changes.c.kind == "device")).scalars()
    assert set(noted) == refs
    assert devices.tags_of(connection, rows[0].ref) == ["north", "river"]
    assert connection.execute(select(func.count()).select_from(device_tags)).scalar_one() == 3


def test_many_at_once_end_as_one_after_the_other(connection: Connection, scope: Scope) -> None:
    saved = connection.begin_nested()
    one_by_one: list[int | Refusal] = []
    for each in WANTED:
        one_by_one += devices.insert_devices(connection, Lookups(connection, scope), [each])
    check(connection, scope, one_by_one)
    saved.rollback()
    at_once = devices.insert_devices(connection, Lookups(connection, scope), WANTED)
    check(connection, scope, at_once)
    again = devices.insert_devices(connection, Lookups(connection, scope), WANTED)
    assert all(isinstance(outcome, Refusal) for outcome in again)
