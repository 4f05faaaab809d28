"""Pages of other origins may use the API with a token (CORS, https://fetch.spec.whatwg.org/). They get no
cookies: browsers send and show nothing with credentials unless a server allows it."""

from __future__ import annotations

from veldnet.asgi import Request, Response

# Headers of requests that pages of other origins may set, besides those that they always may.
_ALLOWED = ("api-version", "authorization", "content-type", "x-request-id")
_ALWAYS_ALLOWED = ("accept", "accept-language", "content-language")
# Headers of answers that they may read.
_EXPOSED = ("api-version", "quota-limit", "quota-reset-UTC", "quota-used", "x-request-id")
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
# Seconds for which browsers need not ask again.
_MAX_AGE = 600

# Of every answer to a request of another origin.
CROSS_ORIGIN = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", ", ".join(_EXPOSED).encode()),
]


def preflight(request: Request) -> Response[str]:
    """The answer to a browser that asks whether a page may make a request."""
    asked = request.headers.get("access-control-request-headers", "").lower().split(",")
    unknown = {name.strip() for name in asked} - {"", *_ALLOWED, *_ALWAYS_ALLOWED}
    if unknown:
        return Response("Disallowed CORS headers", status_code=400, media_type="text/plain")
    headers = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": ", ".join((*_ALLOWED, *_ALWAYS_ALLOWED)),
        "access-control-max-age": str(_MAX_AGE),
    }
    return Response("", status_code=204, media_type="text/plain", headers=headers)
