"""The site of the documentation is built without a warning, has what it is generated from, and loads nothing
from other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs_generator import ROOT
from veldnet.diagnosis.causes import CAUSES, REFUSALS
from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, DEVICE_TYPES, MODULE_TYPES

# What the operator calls the network.
NAME = "Polder & net"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once. `strict` makes an error of a page outside the menu, a broken link and a missing anchor."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "VELDNET_CONSOLE__NAME": NAME},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
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
