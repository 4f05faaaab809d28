"""The console's files. Every path below `/console/` that is no file is the one page, which looks at the
address itself."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.response import Redirect

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


class _Files:
    """The built files. Each form is read when it is first asked for, and kept: there are few and they are
    small. Brotli forms come with the build, and browsers accept them over TLS. Others are compressed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, bytes] = {}
        self._packed: dict[str, bytes] = {}
        self._branding: Branding | None = None

    @cached_property
    def _names(self) -> frozenset[str]:
        root = self._root
        return frozenset(
            str(path.relative_to(root))
            for path in (root.rglob("*") if root.exists() else ())
            if path.is_file() and not path.name.startswith(".")
        )

    @cached_property
    def _page(self) -> bytes:
        tag = f'<meta name="build" content="{build(self._root)}" />\n    <title>'.encode()
        return (self._root / "index.html").read_bytes().replace(b"<title>", tag, 1)

    def present(self, branding: Branding) -> None:
        """Write name and colour into the page, where they have changed."""
        if branding != self._branding and "index.html" in self:
            self._branding = branding
            self._read["index.html"] = branding.head(self._page)
            self._packed.pop("index.html", None)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    async def _plain(self, name: str) -> bytes:
        if name not in self._read:
            self._read[name] = await asyncio.to_thread((self._root / name).read_bytes)
        return self._read[name]

    async def response(
        self, request: Request[Any, Any, Any], name: str, headers: dict[str, str]
    ) -> Response[bytes]:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        more = {"vary": "accept-encoding"}
        accepted = request.headers.get("accept-encoding", "")
        if "br" in accepted.replace(" ", "").split(",") and f"{name}.br" in self:
            body, more["content-encoding"] = await self._plain(f"{name}.br"), "br"
        elif "gzip" in accepted:
            if name not in self._packed:
                self._packed[name] = gzip.compress(await self._plain(name), 9, mtime=0)
            body, more["content-encoding"] = self._packed[name], "gzip"
        else:
            body = await self._plain(name)
        return Response(body, media_type=kind, headers=headers | more)


def handlers(tiles: str, branding: Callable[[], Awaitable[Branding]], root: Path = STATIC) -> list[Any]:
    """The routes below `/console`; `branding` is asked for each page."""
    files = _Files(root)
    headers = {"content-security-policy": content_security_policy(tiles)}

    @get("/", include_in_schema=False)
    async def lead() -> Redirect:
        return Redirect("/console/")

    @get("/console/logo", include_in_schema=False)
    async def logo() -> Response[bytes]:
        shown = await branding()
        if not shown.logo:
            return Response(b"no logo", status_code=404, media_type="text/plain")
        # By itself, outside the page, nothing in it may run or load either.
        policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
        return Response(
            shown.logo, media_type=shown.logo_type, headers=policy | {"cache-control": "max-age=60"}
        )

    @get(["/console", "/console/{path:path}"], include_in_schema=False)
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        name = request.url.path.removeprefix("/console").removeprefix("/")
        if name in files and name != "index.html":
            kept = _IMMUTABLE if name.startswith("assets/") else "no-cache"
            return await files.response(request, name, headers | {"cache-control": kept})
        if name.startswith("assets/"):
            return Response(b"no such file", status_code=404, media_type="text/plain")
        if "index.html" not in files:
            return Response(_NOT_BUILT.encode(), status_code=503, media_type="text/plain")
        files.present(await branding())
        return await files.response(request, "index.html", headers | {"cache-control": "no-cache"})

    return [lead, logo, page]
