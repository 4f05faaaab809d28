"""The console's files. Every path below `/console/` that is no file is the one page, which looks at the
address itself."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from veldnet.asgi import Redirect, Request, Response

from .branding import Branding

STATIC = Path(__file__).parent / "static"
_NOT_BUILT = (
    "The console has not been built. In a clone of the repository, make run or "
    "python hatch_build.py builds it; an installed package brings it along."
)
# Immutable: the names of these files contain a digest of their contents.
_IMMUTABLE = "public, max-age=31536000, immutable"


def content_security_policy(tiles: str) -> str:
    """What the page may load: only what is ours, and pictures of a tile server if one is set."""
    host = urlsplit(tiles.replace("{s}", "*"))
    images = f" {host.scheme}://{host.netloc}" if host.netloc else ""
    return (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{images}; connect-src 'self'; font-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


@cache
def build(root: Path = STATIC) -> str:
    """A name for what was built; empty without a build. An open page compares it with its own."""
    page = root / "index.html"
    # The page names its scripts, whose names are digests of what they contain and load.
    return hashlib.sha256(page.read_bytes()).hexdigest()[:16] if page.exists() else ""


def _read(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in (root.rglob("*") if root.exists() else ())
        if path.is_file() and not path.name.startswith(".")
    }


class _Files:
    """The built files, read together when the first one is asked for, so that an open page finds its own ones
    also where an upgrade replaces them under a running server. There are few and they are small. Brotli forms
    come with the build, and browsers accept them over TLS. Others are compressed when first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._plain: dict[str, bytes] | None = None
        self._page = b""
        self._packed: dict[str, bytes] = {}
        self._branding: Branding | None = None

    async def read(self) -> dict[str, bytes]:
        """All files by their names."""
        if self._plain is None:
            plain = await asyncio.to_thread(_read, self._root)
            # Two may ask first: both have read the same.
            if self._plain is None:
                tag = f'<meta name="build" content="{build(self._root)}" />\n    <title>'.encode()
                self._page = plain.get("index.html", b"").replace(b"<title>", tag, 1)
                self._plain = plain
        return self._plain

    def present(self, plain: dict[str, bytes], branding: Branding) -> None:
        """Write name and colour into the page, where they have changed."""
        if branding != self._branding and self._page:
            self._branding = branding
            plain["index.html"] = branding.head(self._page)
            self._packed.pop("index.html", None)

    def response(
        self, plain: dict[str, bytes], request: Request, name: str, headers: dict[str, str]
    ) -> Response[bytes]:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        body, more = plain[name], {"vary": "accept-encoding"}
        accepted = request.headers.get("accept-encoding", "")
        if "br" in accepted.replace(" ", "").split(",") and f"{name}.br" in plain:
            body, more["content-encoding"] = plain[f"{name}.br"], "br"
        elif "gzip" in accepted:
            if name not in self._packed:
                self._packed[name] = gzip.compress(body, 9, mtime=0)
            body, more["content-encoding"] = self._packed[name], "gzip"
        return Response(body, media_type=kind, headers=headers | more)


class Pages:
    """What is served below `/console`, and the way there; `branding` is asked for each page."""

    def __init__(self, tiles: str, branding: Callable[[], Awaitable[Branding]], root: Path = STATIC) -> None:
        self._files = _Files(root)
        self._branding = branding
        self._headers = {"content-security-policy": content_security_policy(tiles)}

    async def answer(self, request: Request) -> Response[bytes] | None:
        """The answer to who reads; None where the path is somebody else's."""
        path = request.path
        if path == "/":
            return Redirect("/console/")
        if path != "/console" and not path.startswith("/console/"):
            return None
        if path == "/console/logo":
            return await self._logo()
        return await self._page(request, path.removeprefix("/console").removeprefix("/"))

    async def _logo(self) -> Response[bytes]:
        shown = await self._branding()
        if not shown.logo:
            return Response(b"no logo", status_code=404, media_type="text/plain")
        # By itself, outside the page, nothing in it may run or load either.
        policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
        return Response(
            shown.logo, media_type=shown.logo_type, headers=policy | {"cache-control": "max-age=60"}
        )

    async def _page(self, request: Request, name: str) -> Response[bytes]:
        files, headers = self._files, self._headers
        plain = await files.read()
        if name in plain and name != "index.html":
            kept = _IMMUTABLE if name.startswith("assets/") else "no-cache"
            return files.response(plain, request, name, headers | {"cache-control": kept})
        if name.startswith("assets/"):
            return Response(b"no such file", status_code=404, media_type="text/plain")
        if "index.html" not in plain:
            return Response(_NOT_BUILT.encode(), status_code=503, media_type="text/plain")
        files.present(plain, await self._branding())
        return files.response(plain, request, "index.html", headers | {"cache-control": "no-cache"})
