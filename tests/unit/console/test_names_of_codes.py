"""The console has words, in each language, for what the server sends as a code or a member's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.diagnosis.texts.en import TEXTS as DIAGNOSIS
from veldnet.inventory.accounts import Belongings
from veldnet.inventory.offers import Uses
from veldnet.monitoring.alarms import types

TEXTS = Path(__file__).parents[3] / "console" / "src" / "text"


def diagnosed(kind: str) -> list[str]:
    codes = (key.split(".")[1] for key in DIAGNOSIS if key.startswith(f"{kind}."))
    # Explained apart, and sent as `wrong_mic`.
    return sorted(set(codes) - {"other", "wrong_session_key"})


NAMED: dict[str, list[str]] = {
    "alarmType": [str(number) for number in types.DEVICE_TYPES | types.BASE_STATION_TYPES],
    "cause": diagnosed("cause"),
    "outcome": diagnosed("refusal"),
    "uses": sorted({*Uses.__struct_fields__, *Belongings.__struct_fields__} - {"subscribers", "targets"}),
}


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("kind", NAMED)
def test_every_code_has_a_name(kind: str, language: str) -> None:
    texts = (TEXTS / f"{language}.ts").read_text()
    assert NAMED[kind]
    assert [code for code in NAMED[kind] if f'"{kind}.{code}":' not in texts] == []
