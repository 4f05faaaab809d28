"""One server, with devices that talk, and one browser for all files of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.api.town import operator_of
from tests.e2e import radio
from tests.e2e.browsers import Driver
from tests.e2e.console.world import World
from tests.e2e.desk import Desk, Desks
from tests.e2e.running import RunningServer, sandbox
from tests.person import Person
from veldnet.simulator.customer import Account


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("veldnet") / "data"


@pytest.fixture(scope="package")
def account(data: Path) -> Account:
    return sandbox(data)


@pytest.fixture(scope="package")
def browser(driver: Driver) -> Iterator[Browser]:
    with driver.browser() as found:
        yield found


@pytest.fixture(scope="package")
def server(data: Any, account: Account) -> Any:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0", VELDNET_LOCATION__INTERVAL="0s")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="package")
def user(server: RunningServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="package")
def operator(server: RunningServer, account: Account) -> Person:
    return Person(server, operator_of(account), account.thingpark_password)


@pytest.fixture(scope="package")
def antenna(server: RunningServer, account: Account) -> radio.Antenna:
    found = radio.Antenna(account.base_station_eui)
    found.connect(server.udp)
    return found


@pytest.fixture(scope="package")
def world(
    user: Person, account: Account, antenna: radio.Antenna, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    made = World(user, account, antenna, tmp_path_factory.mktemp("receiver"))
    yield made
    made.receiver.stop()


@pytest.fixture(scope="package")
def desks(browser: Browser, server: RunningServer) -> Desks:
    return Desks(browser, server)


@pytest.fixture
def desk(desks: Desks, user: Person, world: World) -> Iterator[Desk]:
    """Where the customer has signed in; no page is open."""
    with desks.of(user) as found:
        yield found


@pytest.fixture
def operators(desks: Desks, operator: Person, world: World) -> Iterator[Desk]:
    with desks.of(operator) as found:
        yield found
