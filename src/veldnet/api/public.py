"""Public operations: the description of the API."""

from __future__ import annotations

from functools import cache
from html import escape

import msgspec

from veldnet.asgi import Response

from .routers import PUBLIC
from .services import Services

_DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>%s API</title>
<link rel="stylesheet" href="/docs/ui/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/ui/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_DOCS_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null});\n"""


@cache
def _description() -> bytes:
    # Not needed before somebody asks for it.
    from .description import openapi

    return msgspec.json.encode(openapi.describe())


@PUBLIC.get("/openapi.json")
async def openapi_json() -> Response[bytes]:
    return Response(_description())


@PUBLIC.get("/docs")
async def docs(services: Services) -> Response[str]:
    name = escape((await services.branding()).name)
    return Response(_DOCS_PAGE % name, media_type="text/html")


@PUBLIC.get("/docs/start.js")
async def docs_start() -> Response[str]:
    return Response(_DOCS_START, media_type="text/javascript")
