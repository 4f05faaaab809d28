"""How many examples property tests try: few in `make test`, many in `make fuzz`; names that stay short."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import copied_databases

settings.register_profile("short", max_examples=200, deadline=None)
settings.register_profile(
    "long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(scope="session", autouse=True)
def quick_databases() -> Iterator[None]:
    """A fifth of a second less for each of the many new databases."""
    with copied_databases():
        yield


LONGEST_PARAMETER = 80
"""Characters. pytest puts the name of the running test into the environment, and Linux starts no program with
a variable beyond 128 KiB: a server started by a test that is named after 300 kB of input would not start."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """A long text or bytes as its length and its checksum; None leaves the name to pytest."""
    if not isinstance(val, str | bytes) or len(val) <= LONGEST_PARAMETER:
        return None
    data = val if isinstance(val, bytes) else val.encode("utf-8", "surrogatepass")
    return f"{len(val)}-long-{zlib.crc32(data):08x}"
