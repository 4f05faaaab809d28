"""What commands print as JSON is compared with the API's description, whatever test has them print it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from veldnet.api.description import openapi
from veldnet.cli import output

# What the API has no such thing for, by the file that prints it; of campaigns a state of devices. Members
# that hold settings are free in the API's description, too.
OF_COMMANDS = {
    "check.py": {"ok", "check"},
    "completion.py": {"shell", "script"},
    "server.py": {"http", "udp"},
    "admin/authority.py": {"file"},
    "admin/campaigns.py": {"refused"},
    "admin/backups.py": {"backup", "masterKey", "checksum", "restored", "kept"},
    "admin/device_import.py": {"refused", "refusedFile"},
    "admin/vaults.py": {"generation", "modules", "rewrapped", "failed", "masterKeys", "problem"},
    "init.py": {"masterKey", "config"},
}
FREE = {"settings", "values"}


def _properties(value: Any, found: set[str]) -> set[str]:
    if isinstance(value, dict):
        properties = value.get("properties")
        if isinstance(properties, dict):
            found.update(properties)
        for each in value.values():
            _properties(each, found)
    elif isinstance(value, list):
        for each in value:
            _properties(each, found)
    return found


@cache
def names_of_the_api() -> set[str]:
    return _properties(msgspec.to_builtins(openapi.describe()), set())


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            if name not in FREE:
                yield from _names(member)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)


@pytest.fixture(autouse=True)
def same_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test in which a command prints a member that the API has no name for."""
    original = output._as_in_the_api
    others: set[tuple[str, str]] = set()

    inside = False

    def noting(value: Any) -> Any:
        nonlocal inside
        if inside:
            return original(value)
        inside = True
        try:
            printed = original(value)
        finally:
            inside = False
        where = _printing()
        known = names_of_the_api() | OF_COMMANDS.get(where, set())
        told = msgspec.to_builtins(printed)
        others.update((where, name) for name in _names(told) if where and name not in known)
        return printed

    monkeypatch.setattr(output, "_as_in_the_api", noting)
    yield
    assert others == set(), "names that the API does not have"


def _printing() -> str:
    """The file of the command that prints."""
    frame = sys._getframe(2)
    folder = str(Path(output.__file__).parent)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if name.startswith(folder) and name != output.__file__:
            return name.removeprefix(folder + "/")
        frame = frame.f_back
    return ""
