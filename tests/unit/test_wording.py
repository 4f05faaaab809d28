"""Words of an earlier vocabulary, for which the field has terms, are used nowhere any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs_generator import ROOT
from veldnet.api.metrics import RENAMED as RENAMED_METRICS
from veldnet.settings import RENAMED as RENAMED_SETTINGS

# Put together, so that this file does not contain them.
WORDS = (
    "stran" + "ger",
    "rest" + "less",
    "kno" + "ck",
    "gra" + "ver",
    "un" + "well",
    "held" + " off",
    "turned" + " away",
    "turned" + "_away",
    "an" + "ew",
    "begun" + "_again",
    "begins" + "_again",
    "in" + "_words",
    "stands? in" + " for each other",
    "for" + " ever",
)
FORBIDDEN = re.compile(rf"(?<![a-z])(?:{'|'.join(WORDS)})s?(?![a-z])".replace(" ", r"[ _\n]+"), re.IGNORECASE)
# In few texts: what looks behind each letter takes four times as long.
ANYWHERE = re.compile("|".join(WORDS).replace(" ", r"[ _\n]+"))
TEXTS = {".py", ".md", ".ts", ".tsx", ".toml", ".json"}


def _files() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder in ("src/veldnet", "tests", "docs", "console/src"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in TEXTS and "static" not in path.parts and "migrations" not in path.parts:
                yield path


def _without_aliases(text: str) -> str:
    """The text without the old names of settings and metrics, as they are written anywhere."""
    for old in (*RENAMED_SETTINGS, *RENAMED_METRICS):
        section, _dot, name = old.rpartition(".")
        for written in (old, f"{section}__{name}".upper(), rf'{name}(?= = |")'):
            text = re.sub(rf"\b{written}\b" if written == old else written, "", text)
    return text


def test_no_word_of_the_earlier_vocabulary_is_left() -> None:
    files = list(_files())
    found = [
        f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}: {match[0]!r}"
        for path in files
        for text in (path.read_text(),)
        if ANYWHERE.search(text.lower()) and FORBIDDEN.search(text)
        for text in (_without_aliases(text),)
        for match in FORBIDDEN.finditer(text)
    ]
    assert len(files) > 500 and found == []


def test_the_search_finds_what_it_is_for() -> None:
    for word in (
        "A stran" + "ger",
        "is held" + "\noff",
        "_begun" + "_again(",
        "TURNED" + "_AWAY",
        "seal an" + "ew.",
    ):
        assert ANYWHERE.search(word.lower()) and FORBIDDEN.search(word), word
    assert not FORBIDDEN.search("renewed, manewat, knockoutable")
    assert "stran" + "gers" not in _without_aliases("network.stran" + "gers VELDNET_NETWORK__STRAN" + "GERS")
