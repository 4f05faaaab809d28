"""Pages of other origins may use the API with a token (CORS, https://fetch.spec.whatwg.org/). They get no
cookies: browsers send and show nothing with credentials unless a server allows it."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp


def for_pages_of_others(application: ASGIApp) -> ASGIApp:
    """The application, of which such pages may set some headers of requests and read some of answers."""
    return CORSMiddleware(
        application,
        allow_origins=["*"],
        allow_methods=["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        allow_headers=["api-version", "authorization", "content-type", "x-request-id"],
        expose_headers=["api-version", "quota-limit", "quota-reset-UTC", "quota-used", "x-request-id"],
    )
