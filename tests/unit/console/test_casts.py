"""What the linter of the console has no rule for."""

from __future__ import annotations

import re

from tests.sources import ROOT

# Choices that are named as in the API, being terms.
_TERMS = {'"JSON", "XML"', '"C", "B"'}
_CATALOGUES = ("en.ts", "nl.ts", "schema.d.ts")


def test_nothing_is_cast_to_never() -> None:
    """It switches the types off: a value is given its type instead."""
    files = [path for path in (ROOT / "console/src").rglob("*.ts*") if path.name not in _CATALOGUES]
    assert len(files) > 150
    assert [path.name for path in files if re.search(r"\bas\s+never\b", path.read_text())] == []


def test_no_choice_is_shown_as_its_value() -> None:
    """Choices have words in both languages; a list of strings shows what is sent."""
    shown = {
        f"{path.name}: {choices}"
        for path in (ROOT / "console/src").rglob("*.tsx")
        for choices in re.findall(r"\bdata=\{\[\s*(\"[^\]]*)", path.read_text())
        if choices not in _TERMS
    }
    assert shown == set()
