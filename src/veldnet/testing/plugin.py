"""Fixtures of pytest. `veldnet_sandbox` is one server for all tests of a run, and stops with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# Every run of pytest loads this module: what it needs is loaded with the first test that asks for it.
if TYPE_CHECKING:
    from . import Clock, Sandbox


@pytest.fixture(scope="session")
def veldnet_sandbox() -> Iterator[Sandbox]:
    """A sandbox under a virtual clock, over HTTP on a free port of this machine."""
    from . import start_sandbox

    with start_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def veldnet_clock(veldnet_sandbox: Sandbox) -> Clock:
    """The clock of the sandbox."""
    return veldnet_sandbox.clock
