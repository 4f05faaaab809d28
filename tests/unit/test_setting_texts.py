"""The console's forms of plans and profiles name and explain every setting, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from veldnet.domain.documents import PlanSettings, ProfileSettings, StationProfileSettings

_SOURCE = (
    Path(__file__).parents[2] / "console" / "src" / "features" / "operator" / "settingTexts.ts"
).read_text()
_PLANS, _, _rest = _SOURCE.partition("export const profileGroups")
_PROFILES, _, _STATIONS = _rest.partition("export const stationProfileGroups")


@pytest.mark.parametrize(
    ("kind", "texts"),
    [(PlanSettings, _PLANS), (ProfileSettings, _PROFILES), (StationProfileSettings, _STATIONS)],
)
def test_every_setting_has_a_name(kind: type[msgspec.Struct], texts: str) -> None:
    assert set(re.findall(r"^      (\w+): said\(", texts, re.M)) == set(kind.__struct_fields__)
