"""The console's forms of plans and profiles name and explain every setting, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from veldnet.domain.documents import PlanSettings, ProfileSettings, StationProfileSettings

_SOURCE = (
    Path(__file__).parents[2] / "console" / "src" / "features" / "operator" / "settingTexts.ts"
).read_text()
_PLANS, _, _rest = _SOURCE.partition("export const profileGroups")
_PROFILES, _, _STATIONS = _rest.partition("export const stationProfileGroups")


_CHOICES = (
    Path(__file__).parents[2] / "console" / "src" / "features" / "operator" / "choiceTexts.ts"
).read_text()
# Choices that datasheets name as the API does: versions, revisions, classes, parts.
_TERMS = re.compile(r"[ABC]|SX130\d|\d.*|RP2-.*|None")


@pytest.mark.parametrize(
    ("kind", "texts"),
    [(PlanSettings, _PLANS), (ProfileSettings, _PROFILES), (StationProfileSettings, _STATIONS)],
)
def test_every_setting_has_a_name(kind: type[msgspec.Struct], texts: str) -> None:
    assert set(re.findall(r"^      (\w+): said\(", texts, re.M)) == set(kind.__struct_fields__)


@pytest.mark.parametrize("kind", [PlanSettings, ProfileSettings, StationProfileSettings])
def test_every_choice_has_words(kind: type[msgspec.Struct]) -> None:
    units, _, choices = _CHOICES.partition("const choices")
    of = dict(re.findall(r"^  (\w+): (units,|\{.*?^  \},)", choices, re.M | re.S))
    for name, field in msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"].items():
        words = of.get(name, "")
        for choice in _choices(field):
            named = f" {choice}: {{ en:" in (units if words == "units," else words)
            assert named or _TERMS.fullmatch(choice), f"choiceTexts.ts has no words for {choice} of {name}"


def _choices(field: dict[str, Any]) -> list[str]:
    options = field.get("anyOf", [field])
    return [str(choice) for option in options for choice in option.get("enum", ())]
