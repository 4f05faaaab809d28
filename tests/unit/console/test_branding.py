"""Names, logos and colours that may be shown to every visitor, and those that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.console import BadBranding, Branding, read_branding

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/>%s</svg>'


def test_a_logo_and_a_colour_are_taken(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_bytes(SVG % b'<a href="#x"><use href="#x"/></a>')
    found = read_branding("Polderlink", str(logo), "#7a1f5c")
    assert (found.logo_type, found.logo) == ("image/svg+xml", logo.read_bytes())
    for begin, kind in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg")):
        logo.write_bytes(begin + b"0" * 20)
        assert read_branding("P", str(logo), "").logo_type == kind


@pytest.mark.parametrize(
    "inner",
    [
        b"<script>alert(1)</script>",
        b"<svg:script/>",
        b'<g onload="alert(1)"/>',
        b"<foreignObject/>",
        b'<image href="https://evil.example/x.png"/>',
        b'<a xlink:href="javascript:alert(1)"/>',
        b"<style>@import 'x'</style>",
        b'<g style="fill:url(https://evil.example)"/>',
        b"<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    ],
)
def test_a_logo_that_could_do_something_is_refused(tmp_path: Path, inner: bytes) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_bytes(SVG % inner)
    with pytest.raises(BadBranding, match="plain SVG"):
        read_branding("P", str(logo), "")


def test_what_is_no_picture_is_too_large_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    with pytest.raises(BadBranding, match="No such file"):
        read_branding("P", str(logo), "")
    logo.write_bytes(b"<html>")
    with pytest.raises(BadBranding, match="is not PNG"):
        read_branding("P", str(logo), "")
    logo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 200_000)
    with pytest.raises(BadBranding, match="200 KB"):
        read_branding("P", str(logo), "")


def test_a_colour_on_which_white_cannot_be_read_is_refused() -> None:
    assert read_branding("P", "", "#767676").colour == "#767676"
    with pytest.raises(BadBranding, match="has a contrast of"):
        read_branding("P", "", "#777777")
    with pytest.raises(BadBranding, match="darker"):
        read_branding("P", "", "#ffee00")


def test_a_name_cannot_leave_its_place_in_the_page() -> None:
    page = Branding('A"><b>&').head(b"<head><title>Veldnet</title></head>").decode()
    assert "<b>" not in page and page.count("<meta") == 1
    assert "<title>A&quot;&gt;&lt;b&gt;&amp;</title>" in page
