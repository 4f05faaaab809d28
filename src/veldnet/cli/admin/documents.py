"""Settings of plans and device profiles, and members of resources, from the command line: NAME=VALUE
pairs."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from veldnet.cli.output import fail
from veldnet.domain.documents import PlanSettings, ProfileSettings, StationProfileSettings
from veldnet.domain.errors import Refusal
from veldnet.inventory import offers

T = TypeVar("T", PlanSettings, ProfileSettings, StationProfileSettings)
Resource = TypeVar("Resource", bound=msgspec.Struct)


def read_pairs(given: list[str] | None) -> dict[str, Any]:
    """The members that NAME=VALUE pairs name."""
    values: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            fail(f"--set {pair!r} must look like NAME=VALUE")
        try:
            # Lists, objects and null are written as JSON.
            values[name] = msgspec.json.decode(value) if value[:1] in ("[", "{") or value == "null" else value
        except msgspec.DecodeError as error:
            fail(f"--set {name}: {error}")
    return values


def read_settings(kind: type[T], given: list[str] | None) -> T:
    """A plan's or profile's settings from NAME=VALUE pairs."""
    return change_settings(kind, {}, given)


def change_settings(kind: type[T], before: dict[str, Any], given: list[str] | None) -> T:
    """Settings there were, with those of NAME=VALUE pairs in their places."""
    try:
        return offers.read_document(kind, before | read_pairs(given))
    except Refusal as error:
        fail(f"--set: {error.message.removeprefix(error.prefix)}")


def read_resource(kind: type[Resource], given: list[str] | None) -> Resource:
    """A resource of the API with the members of NAME=VALUE pairs."""
    values = read_pairs(given)
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    for name in values:
        if name not in known:
            fail(f"--set {name}: there is no such member; see docs/api.md")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        fail(f"--set {offers.refusal_text(str(error), kind)}")
