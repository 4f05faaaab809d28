"""The built files of the console, as a server hands them out."""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient

from veldnet.console import Branding, handlers


async def _plain_branding() -> Branding:
    return Branding()


def _client(root: Path) -> TestClient[Litestar]:
    return TestClient(Litestar(handlers("", _plain_branding, root)))


def test_an_open_page_finds_its_files_while_an_upgrade_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    page, script = tmp_path / "index.html", tmp_path / "assets" / "devices-1.js"
    page.write_text('<title>Console</title><script src="assets/devices-1.js"></script>')
    script.write_text("old()")
    with _client(tmp_path) as client:
        assert "devices-1.js" in client.get("/console/").text
        script.unlink()
        (tmp_path / "assets" / "devices-2.js").write_text("new()")
        page.write_text('<title>Console</title><script src="assets/devices-2.js"></script>')
        assert client.get("/console/assets/devices-1.js").text == "old()"
        assert client.get("/console/assets/devices-2.js").status_code == 404
        assert "devices-1.js" in client.get("/console/devices").text


def test_what_was_not_built_says_how(tmp_path: Path) -> None:
    with _client(tmp_path / "nothing") as client:
        answer = client.get("/console/")
        assert (answer.status_code, "has not been built" in answer.text) == (503, True)
