"""What commands print as JSON."""

from __future__ import annotations

import json

import pytest

from veldnet.cli.output import counted, print_json
from veldnet.texts import Plural, Text


def test_texts_are_printed_as_sentences(capfd: pytest.CaptureFixture[str]) -> None:
    silent = Plural("{count} device silent", "{count} devices silent", count=2)
    print_json([Text("no token {name}", name="ams-1"), silent])
    assert json.loads(capfd.readouterr().out) == ["no token ams-1", "2 devices silent"]


def test_numbers_of_things_as_people_write_them() -> None:
    assert [counted(count, "key") for count in (0, 1, 2)] == ["0 keys", "1 key", "2 keys"]
    assert counted(2, "version or region", "versions and regions") == "2 versions and regions"
