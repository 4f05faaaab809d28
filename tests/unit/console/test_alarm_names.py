"""The console has a name for every alarm that the server raises, in each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.monitoring.alarms import types

TEXTS = Path(__file__).parents[3] / "console" / "src" / "text"


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_alarm_has_a_name(language: str) -> None:
    texts = (TEXTS / f"{language}.ts").read_text()
    raised = types.DEVICE_TYPES | types.BASE_STATION_TYPES
    assert [number for number in raised if f'"alarmType.{number}":' not in texts] == []
