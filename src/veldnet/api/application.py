"""The HTTP application: routes and their common settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.exceptions import MethodNotAllowedException
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope
from swagger_ui_bundle import swagger_ui_path

from veldnet import console
from veldnet.assembly.platform import Platform
from veldnet.settings import ApiSettings, ConsoleSettings, SettingsError

from .auth.bearer import LATEST
from .compression import COMPRESSION, note_variants
from .errors import EXCEPTION_HANDLERS, begin_request, transaction_of
from .routers import routers
from .routes import Routes
from .services import Services
from .serving import operations_handler, refuse_method

# An open page learns there that another one has taken its place.
_ASKED_BY_PAGES = ("/api/v1/", "/healthz")
# Nothing is loaded from any other host.
_CSP = b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_UNLESS_GIVEN = [(b"content-security-policy", _CSP), (b"cache-control", b"no-store")]


def headers_of_answers(settings: ApiSettings) -> Callable[[Message, Scope], Awaitable[None]]:
    """Every answer passes there: the headers are appended as they go onto the wire."""
    always = list(_ALWAYS)
    if settings.strict_transport_security:
        always.append((b"strict-transport-security", settings.strict_transport_security.encode("latin-1")))

    async def before_send(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = list(message["headers"])
        given = {name for name, _ in headers}
        headers += always
        headers += [header for header in _UNLESS_GIVEN if header[0] not in given]
        headers.append((b"x-request-id", transaction_of(scope).encode("latin-1")))
        headers.append((b"api-version", _served_version(scope)))
        note_variants(headers, scope)
        if scope["path"].startswith(_ASKED_BY_PAGES):
            headers.append((b"console-build", console.build().encode("latin-1")))
        for name, value in scope.get("state", {}).get("quota", {}).items():
            headers.append((name.encode("latin-1"), value.encode("latin-1")))
        message["headers"] = headers

    return before_send


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


class _Application(Litestar):
    """Without what Litestar does for models of other libraries, which would load these."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_application(platform: Platform) -> Litestar:
    """The application over a platform that is started."""
    routes = Routes(routers())
    services = Services(platform, _branding(platform.settings.console))
    swagger_ui = create_static_files_router(
        "/docs/ui", directories=[Path(swagger_ui_path)], include_in_schema=False
    )
    return _Application(
        route_handlers=[
            operations_handler(routes, services),
            swagger_ui,
            *console.handlers(platform.settings.console.tiles, services.branding),
        ],
        exception_handlers={**EXCEPTION_HANDLERS, MethodNotAllowedException: refuse_method(routes)},
        before_request=begin_request,
        before_send=[headers_of_answers(platform.settings.api)],
        compression_config=COMPRESSION,
        cors_config=CORSConfig(
            allow_origins=["*"],
            allow_headers=["authorization", "content-type", "api-version", "x-request-id"],
            expose_headers=["api-version", "x-request-id", "quota-limit", "quota-used", "quota-reset-UTC"],
        ),
        openapi_config=None,
        logging_config=None,
        # Bodies are read by the handlers, each with its own limit.
        request_max_body_size=None,
        debug=False,
    )
