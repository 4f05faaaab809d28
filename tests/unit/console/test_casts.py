"""What the linter of the console has no rule for."""

from __future__ import annotations

import re

from tests.sources import ROOT

_CATALOGUES = ("en.ts", "nl.ts", "schema.d.ts")


def test_nothing_is_cast_to_never() -> None:
    """It switches the types off: a value is given its type instead."""
    files = [path for path in (ROOT / "console/src").rglob("*.ts*") if path.name not in _CATALOGUES]
    assert len(files) > 150
    assert [path.name for path in files if re.search(r"\bas\s+never\b", path.read_text())] == []
