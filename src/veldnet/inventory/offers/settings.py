"""Settings of plans and profiles as people and programs write them, and their defaults."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from veldnet.domain.documents import PlanSettings, ProfileSettings, StationProfileSettings
from veldnet.domain.errors import InvalidField
from veldnet.domain.validation import validation_text
from veldnet.texts import Text

# What msgspec says of a choice, and the members and items of a path.
_CHOICE = re.compile(r"Invalid enum value (.*) - at `\$\.(.+)`", re.DOTALL)
_STEPS = re.compile(r"(\w+)|(\[(?:\d+|\.\.\.)\])")
_LONGEST = 200
T = TypeVar("T", PlanSettings, ProfileSettings, StationProfileSettings)
Document = PlanSettings | ProfileSettings | StationProfileSettings
_HINTS = {
    "forceChannelMask": Text('text of 1 to 24 hexadecimal digits, bit 0 for channel 0, such as "0007"'),
    "maxDutyCycle": Text(
        "a whole number n from 0 to 15 for 1/2^n of the time, or the share itself, such as 0.001"
    ),
}


def default_settings(kind: type[Document]) -> dict[str, Any]:
    """What a new plan or profile begins with."""
    return msgspec.structs.asdict(kind())


def read_document(kind: type[T], given: dict[str, Any]) -> T:
    """Settings from their members; numbers may come as text, null and empty text stand for the default.
    Raises `InvalidField`, which says what would be right."""
    known = kind.__struct_fields__
    members = {name: value for name, value in given.items() if value is not None and value != ""}
    for name in members:
        if name not in known:
            raise InvalidField(
                "settings.{name} is unknown; there are: {known}", name=name[:60], known=", ".join(known)
            )
    if "maxDutyCycle" in members:
        members["maxDutyCycle"] = _exponent(members["maxDutyCycle"])
    for name, value in members.items():
        try:
            checked = getattr(msgspec.convert({name: value}, kind, strict=False), name)
        except msgspec.ValidationError:
            checked = math.nan
        if isinstance(checked, float) and not math.isfinite(checked):
            raise InvalidField(
                "settings.{name} {value!r} must be {right}",
                name=name,
                value=str(value)[:60],
                right=right_value(kind, name),
            )
    return msgspec.convert(members, kind, strict=False)


def _exponent(value: Any) -> Any:
    """LoRaWAN's exponent of a share of the time: the largest share that is not above it."""
    try:
        share = float(value)
    except (TypeError, ValueError):
        return value
    if isinstance(value, bool) or not 0 < share < 1:
        return value
    return min(math.ceil(-math.log2(share)), 15)


def refusal_text(problem: str, kind: type[msgspec.Struct], where: str = "") -> Text:
    """`Expected `str`, got `int` - at `$.name`` with the member first; of a choice, with what there is."""
    found = _CHOICE.fullmatch(problem)
    if found is None:
        return validation_text(problem, where)
    return Text(
        "{where}{member} {value} must be {right}",
        where=where,
        member=found[2],
        value=found[1] if len(found[1]) <= _LONGEST else f"{found[1][:60]}...",
        right=right_value(kind, found[2]),
    )


def right_value(kind: type[msgspec.Struct], path: str) -> Text:
    """What a member may be, in words; `path` leads to it, such as `flows[0].driver`."""
    if path in _HINTS:
        return _HINTS[path]
    document = _schema(kind)
    schema = _resolved(document, document)
    for name, _item in _STEPS.findall(path):
        if name:
            schema = _resolved(schema["properties"][name], document)
        else:
            schema = _resolved(schema.get("items") or schema["additionalProperties"], document)
    return _describe(schema)


@cache
def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return msgspec.json.schema(kind)


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema that is meant where null may stand, too, or another one is named."""
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    ref = options[0].get("$ref")
    found: dict[str, Any] = options[0] if ref is None else document["$defs"][ref.rpartition("/")[2]]
    return found


_KINDS = {
    "integer": Text("a whole number"),
    "number": Text("a number"),
    "boolean": Text("true or false"),
    "string": Text("text"),
    "array": Text("a list"),
    "object": Text("an object"),
}


def _describe(schema: dict[str, Any]) -> Text:
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        return Text("one of {known}", known=", ".join(str(value) for value in values))
    kind = _KINDS.get(str(schema.get("type")), _KINDS["object"])
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None or high is None:
        return kind
    if "exclusiveMinimum" in schema:
        return Text("{kind} above {low:g} to {high:g}", kind=kind, low=low, high=high)
    return Text("{kind} from {low:g} to {high:g}", kind=kind, low=low, high=high)
