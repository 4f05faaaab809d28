"""The built files of the console, as a server hands them out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.asgi_requests import made_request
from veldnet.asgi import Response
from veldnet.console import Branding, Pages


async def _plain_branding() -> Branding:
    return Branding()


class _Client:
    """Asks for pages."""

    def __init__(self, root: Path) -> None:
        self._pages = Pages("", _plain_branding, root)

    def get(self, path: str) -> Response[bytes]:
        answer = asyncio.run(self._pages.answer(made_request("GET", path)))
        assert answer is not None
        return answer

    def text(self, path: str) -> str:
        return self.get(path).content.decode()


def test_an_open_page_finds_its_files_while_an_upgrade_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    page, script = tmp_path / "index.html", tmp_path / "assets" / "devices-1.js"
    page.write_text('<title>Console</title><script src="assets/devices-1.js"></script>')
    script.write_text("old()")
    client = _Client(tmp_path)
    assert "devices-1.js" in client.text("/console")
    script.unlink()
    (tmp_path / "assets" / "devices-2.js").write_text("new()")
    page.write_text('<title>Console</title><script src="assets/devices-2.js"></script>')
    assert client.text("/console/assets/devices-1.js") == "old()"
    assert client.get("/console/assets/devices-2.js").status_code == 404
    assert "devices-1.js" in client.text("/console/devices")


def test_what_was_not_built_says_how(tmp_path: Path) -> None:
    answer = _Client(tmp_path / "nothing").get("/console")
    assert (answer.status_code, b"has not been built" in answer.content) == (503, True)
