"""The site of the documentation is built without a warning, has what it is generated from, and loads nothing
from other hosts."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from material.plugins.search.plugin import SearchIndex
from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.docs_generator import ROOT
from veldnet.diagnosis.causes import CAUSES, REFUSALS
from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, DEVICE_TYPES, MODULE_TYPES

# What the operator calls the network.
NAME = "Polder & net"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once. `strict` makes an error of a page outside the menu, a broken link and a missing anchor. The
    index of the search stays empty, which is a fifth of the work and no page's concern."""
    target = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        patch.setenv("VELDNET_CONSOLE__NAME", NAME)
        patch.setattr(SearchIndex, "add_entry_from_context", lambda _index, _page: None)
        patch.setattr(sys, "path", list(sys.path))
        build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(target)))
    return target


class _Loaded(HTMLParser):
    """What a browser fetches for a page by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.found.append(given.get("src") or "")
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(given.get("href") or "")


def test_no_page_loads_anything_from_other_hosts(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        reader = _Loaded()
        reader.feed(page.read_text())
        assert not [url for url in reader.found if re.match(r"(https?:)?//", url)], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", style.read_text()), style.name


def test_the_reference_has_every_command_operation_metric_and_cause(site: Path) -> None:
    commands = (site / "commands.html").read_text()
    operations, metrics, causes = (
        (site / "reference" / f"{name}.html").read_text() for name in ("operations", "metrics", "causes")
    )
    for command in ("veldnet serve", "veldnet admin base-station create", "veldnet client open-uplink"):
        assert f">{command}<" in commands
    assert "--take-over" in commands
    for operation in ("listFrames", "searchFrames", "getNetworkOverview"):
        assert operation in operations
    for metric in ("veldnet_uplinks_committed_total", "veldnet_backup_failed", "veldnet_certificate_expiry"):
        assert metric in metrics
    for code in (*CAUSES, *REFUSALS):
        assert f"<code>{code}</code>" in causes


def test_the_page_of_alarms_has_every_type_as_it_is() -> None:
    page = (ROOT / "docs" / "alarms.md").read_text()
    for kind in (*DEVICE_TYPES.values(), *BASE_STATION_TYPES.values(), *MODULE_TYPES.values()):
        assert re.search(rf"^\| {kind.code} \| {re.escape(kind.label)} \|", page, re.MULTILINE), kind.label


def test_the_site_has_the_name_of_the_network(site: Path) -> None:
    assert "Polder &amp; net</title>" in (site / "index.html").read_text()
