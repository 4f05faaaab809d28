"""The operator's name, logo and colour, checked before every visitor gets them."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import msgspec

from veldnet.texts import Text

MOST_LOGO = 200_000
_LEAST_CONTRAST = 4.5
_KINDS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.S), "image/webp"),
)
# What could run, or fetch something from elsewhere.
_ACTIVE = re.compile(
    rb"<!doctype|<!entity|<\?xml-stylesheet"
    rb"|<\s*(?:\w+:)?(?:script|foreignobject|iframe|embed|object|handler|listener|set|animate)\b"
    rb"|\son\w+\s*=|javascript:|@import|url\s*\(\s*['\"]?(?!#)|href\s*=\s*['\"](?!#|data:image/(?:png|jpeg))",
    re.I,
)


class BadBranding(Exception):
    """A name, logo or colour that cannot be shown; the message says what would be right."""

    def __init__(self, form: str, /, **values: Any) -> None:
        super().__init__(Text(form, **values))


class Branding(msgspec.Struct, frozen=True):
    """`logo` is a picture and `logo_type` its media type; both are empty for the built-in one."""

    name: str = "Veldnet"
    colour: str = ""
    logo: bytes = b""
    logo_type: str = ""

    def head(self, page: bytes) -> bytes:
        """The page with name and colour where the console finds them before it asks for anything."""
        content = html.escape(
            msgspec.json.encode({"name": self.name, "colour": self.colour, "logo": bool(self.logo)}).decode()
        )
        title = f"<title>{html.escape(self.name)}</title>"
        tag = f'<meta name="branding" content="{content}" />\n    {title}'
        return re.sub(rb"<title>[^<]*</title>", lambda _found: tag.encode(), page, count=1)


def contrast_with_white(colour: str) -> float:
    """WCAG's contrast of white text on `#rrggbb`."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def read_branding(name: str, logo: str, colour: str) -> Branding:
    """The branding of the settings. Raises `BadBranding`."""
    check_colour(colour, "console.colour")
    if not logo:
        return Branding(name, colour)
    of = f"console.logo {logo}"
    try:
        with Path(logo).open("rb") as file:
            picture = file.read(MOST_LOGO + 1)
    except OSError as error:
        raise BadBranding("{of}: {problem}", of=of, problem=error.strerror) from None
    return Branding(name, colour, picture, kind_of_logo(picture, of))


def check_colour(colour: str, of: str) -> None:
    """Refuse what is no colour, or one on which white text cannot be read. Raises `BadBranding`."""
    if not colour:
        return
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise BadBranding("{of} {colour!r} must look like #1a7f37", of=of, colour=colour[:20])
    if contrast_with_white(colour) < _LEAST_CONTRAST:
        raise BadBranding(
            "{of} {colour}: white text on it has a contrast of {contrast:.1f}; choose a darker one, with "
            "{least:g} or more",
            of=of,
            colour=colour,
            contrast=contrast_with_white(colour),
            least=_LEAST_CONTRAST,
        )


def kind_of_logo(picture: bytes, of: str) -> str:
    """The media type of a logo that does nothing but show. Raises `BadBranding`."""
    if len(picture) > MOST_LOGO:
        raise BadBranding("{of} has more than {most} KB; make it smaller", of=of, most=MOST_LOGO // 1000)
    for begin, kind in _KINDS:
        if begin.match(picture):
            return kind
    text = picture.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith((b"<svg", b"<?xml")) or b"<svg" not in text:
        raise BadBranding("{of} is not PNG, JPEG, WebP or SVG", of=of)
    if b"\x00" in text or _ACTIVE.search(text):
        raise BadBranding(
            "{of} holds a script, an event handler, an entity or a link to elsewhere; save it as plain SVG",
            of=of,
        )
    return "image/svg+xml"
