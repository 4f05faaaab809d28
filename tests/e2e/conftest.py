"""One server for each module of end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browsers import Driver
from tests.e2e.desk import Desks
from tests.e2e.languages import LANGUAGES, Spoken, speaking
from tests.e2e.running import Client, RunningServer, sandbox
from veldnet.simulator.customer import Account


@pytest.fixture(scope="session", autouse=True)
def state_of_devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Virtual devices keep nothing in the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    """A server that a test started and did not stop, since it failed, burdens no other test."""
    before = set(RunningServer.made)
    yield
    for server in RunningServer.made - before:
        if server.runs:
            server.kill()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In `make screens`, walks of modules that say so are gone through in each language, on a server each."""
    if getattr(metafunc.module, "IN_EACH_LANGUAGE", False) and len(LANGUAGES) > 1:
        metafunc.parametrize("language", LANGUAGES, indirect=True, scope="module")


@pytest.fixture(scope="module")
def language(request: pytest.FixtureRequest) -> Iterator[Spoken]:
    """What the users of the browsers speak."""
    chosen: Spoken = getattr(request, "param", "en")
    with speaking(chosen):
        yield chosen


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, language: Spoken) -> Path:
    return tmp_path_factory.mktemp("veldnet") / "data"


@pytest.fixture(scope="module")
def account(data: Path) -> Account:
    return sandbox(data)


@pytest.fixture(scope="module")
def server(data: Path, account: Account) -> Iterator[RunningServer]:
    running = RunningServer(data)
    yield running
    assert running.stop() == 0, "the server stops cleanly on SIGTERM"


@pytest.fixture(scope="module")
def client(server: RunningServer, account: Account) -> Client:
    customer = Client(server, account)
    customer.activate()
    return customer


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    with sync_playwright() as playwright:
        started = Driver(playwright)
        yield started
        started.end()


@pytest.fixture(scope="module")
def browser(driver: Driver) -> Iterator[Browser]:
    with driver.browser() as found:
        yield found


@pytest.fixture(scope="module")
def desks(browser: Browser, server: RunningServer) -> Desks:
    return Desks(browser, server)
