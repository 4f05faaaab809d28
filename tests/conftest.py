"""How many examples property tests try: few in `make test`, many in `make fuzz`; names that stay short."""

from __future__ import annotations

import gc
import os
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests import databases, installation, postgresql
from tests.databases import copied_databases, statements_compiled_once
from tests.forked import VAULT_STARTER
from tests.passwords import quick_passwords
from tests.rewriting import rewrite_quickly
from tests.workers import pytest_addoption as pytest_addoption
from tests.workers import pytest_configure as pytest_configure
from veldnet.api.routers import routers

settings.register_profile("short", max_examples=50, deadline=None)
settings.register_profile("usual", max_examples=100, deadline=None)
settings.register_profile(
    "long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

rewrite_quickly()

# Modules and tests that are collected stay until the end: to look for garbage among them finds none.
gc.disable()


def prepare() -> None:
    """What each of the processes that run the tests would make for itself."""
    databases.prepare()
    postgresql.prepare()
    with copied_databases(), quick_passwords():
        installation.prepare()
    routers()


# Fewer tests than these may need no database at all.
MANY_TESTS = 1000


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Garbage is looked for as the server looks for it, and not among what was collected: a tenth of the time
    that tests take."""
    if session.config.option.workers > 1 and len(session.items) > MANY_TESTS:
        prepare()
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def quick_databases() -> Iterator[None]:
    """A fifth of a second less for each of the many new databases, and as much again for each server."""
    with copied_databases(), statements_compiled_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_hashed_quickly() -> Iterator[None]:
    """A fortieth of a second less for each of the many times that somebody signs in."""
    with quick_passwords():
        yield


@pytest.fixture(scope="session", autouse=True)
def vaults_forked() -> Iterator[None]:
    """A quarter of a second less for each of the many vaults that run in processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("veldnet.assembly.vaults.process.subprocess", VAULT_STARTER)
        yield


@pytest.fixture(scope="session", autouse=True)
def loggers_of_now() -> Iterator[None]:
    """A command that runs in the tests' process sets up its log, as a process of its own does. No logger
    keeps it: what a later test logs would be missing in the log that this test reads. Tracebacks are plain,
    as the server's are: one in colour takes a tenth of a second."""
    configure = structlog.configure

    def configure_uncached(**settings: Any) -> None:
        configure(**settings | {"cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", configure_uncached)
        *others, _coloured = structlog.get_config()["processors"]
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        configure_uncached(processors=[*others, plain])
        yield


@pytest.fixture(autouse=True)
def log_of_before() -> Iterator[None]:
    """The log that a command has set up, and the level from which on it writes, end with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


ROOT = Path(__file__).parent
FIRST = ("simulation/test_week.py", "simulation/test_city.py", "e2e", "simulation", "api")
"""What takes longest begins first, so that no worker ends long after the others."""

WAITING = (
    "e2e/test_versions_and_classes.py",
    "e2e/test_chirpstack_mqtt.py",
    "e2e/test_commands.py",
    "e2e/test_simulated_towns.py",
    "e2e/test_monitoring.py",
    "e2e/test_front_limits.py",
    "e2e/test_data_directory.py",
    "e2e/test_console_api.py",
    "e2e/test_basics_station.py",
    "e2e/test_ci.py",
    "e2e/test_odd_base_stations.py",
    "e2e/test_mqtt_certificates.py",
    "e2e/test_delivery.py",
    "e2e/test_tls.py",
    "contract/base_stations/test_clocks.py",
    "contract/base_stations/test_bad_input.py",
    "contract/test_connections.py",
)
"""Those whose tests use a processor in less than a third of their time, the longest first."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what their module or folder made run in one worker, one after the other, and long ones
    first."""

    items.sort(key=lambda item: _turn(item.path))
    for item in items:
        if isinstance(item, pytest.Function) and (shared := _shared_by(item)) is not None:
            item.add_marker(pytest.mark.xdist_group(_below_tests(shared)))
        if _below_tests(item.path) in WAITING:
            item.add_marker(pytest.mark.waits)


@cache
def _below_tests(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _turn(file: Path) -> int:
    below = _below_tests(file)
    order = WAITING + FIRST
    starts = (number for number, start in enumerate(order) if f"{below}/".startswith(f"{start}/"))
    return next(starts, len(order))


def _shared_by(item: pytest.Function) -> Path | None:
    """The module, or the whole folder, whose tests share what a fixture made."""
    made = item._fixtureinfo.name2fixturedefs.values()
    scopes = {fixture.scope for fixtures in made for fixture in fixtures}
    if "package" in scopes:
        return item.path.parent
    return item.path.with_suffix("") if "module" in scopes else None


LONGEST_PARAMETER = 80
"""Characters. pytest puts the name of the running test into the environment, and Linux starts no program with
a variable beyond 128 KiB: a server started by a test that is named after 300 kB of input would not start."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """A long text or bytes as its length and its checksum; None leaves the name to pytest."""
    if not isinstance(val, str | bytes) or len(val) <= LONGEST_PARAMETER:
        return None
    data = val if isinstance(val, bytes) else val.encode("utf-8", "surrogatepass")
    return f"{len(val)}-long-{zlib.crc32(data):08x}"
