"""One server for each module of tests, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.antenna import Antenna
from tests.api.examples import operator_of
from tests.api.hosting import Client, HostedServer
from tests.api.submissions import Submissions
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("veldnet") / "data"


@pytest.fixture(scope="module")
def account(data: Path) -> Account:
    return sandbox(data)


@pytest.fixture(scope="module")
def server(data: Path, account: Account) -> Iterator[HostedServer]:
    hosted = HostedServer(data)
    yield hosted
    hosted.stop()


@pytest.fixture(scope="module")
def client(server: HostedServer, account: Account) -> Client:
    customer = Client(server, account)
    customer.activate()
    return customer


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def operator(server: HostedServer, account: Account) -> Person:
    return Person(server, operator_of(account), account.thingpark_password)


@pytest.fixture(scope="module")
def outsider(server: HostedServer) -> Person:
    """A user of another customer of another operator."""
    account = sandbox(server.data)
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def antenna(server: HostedServer, account: Account) -> Antenna:
    return Antenna(server, account.base_station_eui)


@pytest.fixture
def submissions(server: HostedServer, monkeypatch: pytest.MonkeyPatch) -> Submissions:
    made = Submissions(server)
    monkeypatch.setattr(server.platform.campaigns, "_submit", made)
    monkeypatch.setattr(server.platform.campaigns._groups, "_submit", made)
    return made
