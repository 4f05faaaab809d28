"""Pages of the documentation that are walked line by line."""

from __future__ import annotations

from pathlib import Path

from tests.walks import walk


def test_the_first_steps(tmp_path: Path) -> None:
    printed = walk("first-steps.md", tmp_path)
    assert "Hello" in printed
    assert "Request queued by LRC" in printed and '"DeliveryStatus":1' in printed
    assert "received cafe on port 9" in printed
    assert '"outcome":' in printed and '"decisions"' in printed


def test_the_installation(tmp_path: Path) -> None:
    printed = walk("install.md", tmp_path)
    assert printed.count("ready") == 2 and "restored" in printed
    assert "server_name lora.example.org;" in (tmp_path / "veldnet.conf").read_text()


def test_the_first_hour(tmp_path: Path) -> None:
    printed = walk("first-hour.md", tmp_path)
    assert '"payload_hex":"1505"' in printed and "No problems found." in printed
    assert "Connection status" in printed and "restored" in printed
    assert "Church tower" in (tmp_path / "restored.json").read_text()
