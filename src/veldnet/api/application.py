"""The HTTP application: operations, the console and the files of the API's page behind common headers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from veldnet import console
from veldnet.asgi import (
    ClientDisconnect,
    HTTPException,
    RawHeaders,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    answer,
    finished,
)
from veldnet.assembly.platform import Platform
from veldnet.settings import ApiSettings, ConsoleSettings, SettingsError

from .auth.bearer import LATEST
from .compression import compression
from .cross_origin import for_pages_of_others
from .docs_files import docs_file
from .errors import begin_request, response_of, transaction_of
from .probes import PROBES
from .routers import modules_of_operations, routers
from .routes import Routes
from .services import Services
from .serving import Operations

# Answers a request; None for what is somebody else's.
Handler = Callable[[Request], Awaitable[Response[bytes] | None]]

# An open page learns there that another one has taken its place.
_ASKED_BY_PAGES = ("/api/v1/", "/healthz")
# Nothing is loaded from any other host.
_CSP = b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_UNLESS_GIVEN = [(b"content-security-policy", _CSP), (b"cache-control", b"no-store")]
_SLASHES = re.compile("//+")
_HOST = re.compile(rb"[0-9A-Za-z!$&'()*+,;=\-._~:\[\]@%]*")
_OF_FILES = "GET, OPTIONS"


def headers_of_answers(settings: ApiSettings) -> Callable[[list[tuple[bytes, bytes]], Scope], None]:
    """What adds to the head of every answer what all have."""
    always = list(_ALWAYS)
    if settings.strict_transport_security:
        always.append((b"strict-transport-security", settings.strict_transport_security.encode("latin-1")))

    def add(headers: list[tuple[bytes, bytes]], scope: Scope) -> None:
        given = {name for name, _ in headers}
        headers += always
        headers += [header for header in _UNLESS_GIVEN if header[0] not in given]
        headers.append((b"x-request-id", transaction_of(scope).encode("latin-1")))
        headers.append((b"api-version", _served_version(scope)))
        if scope["path"].startswith(_ASKED_BY_PAGES):
            headers.append((b"console-build", console.build().encode("latin-1")))
        for name, value in scope["state"].get("quota", {}).items():
            headers.append((name.encode("latin-1"), value.encode("latin-1")))

    return add


def _served_version(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"api-version" and value == b"v1.1.1":
            return b"v1.1.1"
    return LATEST.encode("latin-1")


def _branding(settings: ConsoleSettings) -> console.Branding:
    try:
        return console.read_branding(settings.name, settings.logo, settings.colour)
    except console.BadBranding as error:
        raise SettingsError(f"settings: {error}") from None


class Application:
    """An application of ASGI. `files` are asked in their order before the operations."""

    def __init__(self, operations: Operations, files: tuple[Handler, ...], settings: ApiSettings) -> None:
        self._operations = operations
        self.files = files
        self._add_headers = headers_of_answers(settings)
        self._for_all = for_pages_of_others(self._serve)

    async def load_ahead(self) -> None:
        """Load what requests will ask for, little by little."""
        await self._operations.load_ahead(asked_for())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = _SLASHES.sub("/", "/" + scope["path"].strip("/"))
        scope.setdefault("state", {})
        accepted = Request(scope).headers.get("accept-encoding", "")

        def finish(status: int, headers: RawHeaders) -> Callable[[bytes, bool], bytes] | None:
            scope["state"]["begun"] = True
            encode = compression(scope, accepted, status, headers)
            self._add_headers(headers, scope)
            return encode

        await self._for_all(scope, receive, finished(finish, send))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            await answer(await self._answer(request), scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            if "begun" in scope["state"]:
                raise
            await answer(response_of(request, error), scope, receive, send)

    async def _answer(self, request: Request) -> Response[Any]:
        """Raises what `response_of` knows how to tell."""
        begin_request()
        if not _HOST.fullmatch(request.headers.get("host", "").encode("latin-1")):
            raise HTTPException(400, "Invalid host header")
        for files in self.files:
            found = await files(request)
            if found is not None:
                return _only_read(request, found)
        return await self._operations.answer(request)


def _only_read(request: Request, found: Response[bytes]) -> Response[bytes]:
    """A file, for who only reads it. Raises `HTTPException`."""
    if request.method == "GET":
        return found
    if request.method == "OPTIONS":
        return Response(b"", status_code=204, headers={"allow": _OF_FILES})
    raise HTTPException(405, headers={"allow": _OF_FILES})


def asked_for() -> Iterator[str]:
    """Modules that answer requests and are not there when a server begins to."""
    yield "veldnet.api.metrics"
    yield from modules_of_operations()
    yield "veldnet.api.description.openapi"


def create_application(platform: Platform) -> Application:
    """The application over a platform that is started."""
    settings = platform.settings
    services = Services(platform, _branding(settings.console))
    pages = console.Pages(settings.console.tiles, services.branding)
    operations = Operations(Routes((PROBES,)), lambda: Routes(routers()), services)
    return Application(operations, (pages.answer, docs_file), settings.api)
