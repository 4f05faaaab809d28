"""Settings of plans and device profiles from the command line: NAME=VALUE pairs."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from veldnet.cli.output import fail
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import Refusal
from veldnet.inventory import offers

T = TypeVar("T", PlanSettings, ProfileSettings)


def read_settings(kind: type[T], given: list[str] | None) -> T:
    """A plan's or profile's settings from NAME=VALUE pairs."""
    values: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            fail(f"--set {pair!r} must look like NAME=VALUE")
        try:
            # Lists and objects are written as JSON.
            values[name] = msgspec.json.decode(value) if value[:1] in ("[", "{") else value
        except msgspec.DecodeError as error:
            fail(f"--set {name}: {error}")
    try:
        return offers.read_document(kind, values)
    except Refusal as error:
        fail(f"--set: {error.message}")
