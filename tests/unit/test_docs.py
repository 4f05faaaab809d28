"""The documentation is current: generated pages, links, error ids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs_generator import (
    COMMANDS_PAGE,
    ROOT,
    SAMPLE_FILE,
    SETTINGS_PAGE,
    commands_page,
    completions_file,
    connection_pages,
    settings_page,
)
from veldnet.cli.completing import TABLE
from veldnet.domain import errors
from veldnet.settings import sample_file

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def test_generated_pages_are_current() -> None:
    assert SETTINGS_PAGE.read_text() == settings_page(), "run: make docs"
    assert SAMPLE_FILE.read_text() == sample_file(), "run: make docs"
    assert COMMANDS_PAGE.read_text() == commands_page(), "run: make docs"
    assert TABLE.read_bytes() == completions_file(), "run: make docs"
    for page, text in connection_pages().items():
        assert page.read_text() == text, "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_error_id_is_explained() -> None:
    def tree(kind: type[errors.Refusal]) -> set[str]:
        return {kind.error_id}.union(*(tree(child) for child in kind.__subclasses__()))

    page = (ROOT / "docs" / "api.md").read_text()
    assert {identifier for identifier in tree(errors.Refusal) if identifier not in page} == set()


def test_lock_files_carry_no_addresses() -> None:
    for lock in ROOT.glob("requirements/*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"://|--index|--find-links|@ ", text), lock.name
