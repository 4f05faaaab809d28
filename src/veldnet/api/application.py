"""The HTTP application: every route and where it is mounted, and what holds for all of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Response, Router, get
from litestar.config.cors import CORSConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope
from swagger_ui_bundle import swagger_ui_path

from veldnet import console
from veldnet.assembly.platform import Platform

from .auth import oauth
from .auth.bearer import LATEST
from .description import openapi
from .description.kpn_operations import KPN, V1
from .errors import EXCEPTION_HANDLERS, begin_request, transaction_of
from .kpn import activation, catalogues, devices, monitoring, routing_profiles
from .metrics import Metrics
from .services import Services
from .tunnel import submit_v1, submit_v2
from .v1 import (
    alarms,
    decoders,
    deliveries,
    device_exchange,
    device_import,
    device_search,
    device_session,
    downlink_history,
    downlinks,
    frames,
    imports,
    logger,
    operator,
    overview,
    projects,
    security_context,
    sign_in,
)
from .v1 import monitoring as v1_monitoring

_DX_BASES = ("/thingpark/dx/core/{version:str}/api", "/core/{version:str}/api")
# Nothing is loaded from any other host.
_CSP = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


def _catalogue_handlers() -> list[Any]:
    return [
        catalogues.list_connectivity_plans,
        catalogues.list_device_profiles,
        catalogues.list_hsm_groups,
        routing_profiles.list_routing_profiles,
        routing_profiles.create_routing_profile,
        routing_profiles.get_routing_profile,
        routing_profiles.update_routing_profile,
        routing_profiles.delete_routing_profile,
        *monitoring.HANDLERS,
    ]


@get("/healthz", media_type=MediaType.TEXT)
async def healthz() -> str:
    """Alive."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT)
async def readyz(services: Services) -> Response[str]:
    """Ready once every port listens, and as long as what is received can be written."""
    problems = await services.platform.problems()
    return Response("\n".join(problems) or "ready", status_code=503 if problems else 200)


@get("/metrics")
async def metrics(services: Services, metrics: Metrics) -> Response[bytes]:
    return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@cache
def _description() -> bytes:
    return msgspec.json.encode(openapi.describe())


@get("/openapi.json")
async def openapi_json() -> Response[bytes]:
    return Response(_description(), media_type=MediaType.JSON)


_DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Veldnet API</title>
<link rel="stylesheet" href="/docs/ui/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/ui/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_DOCS_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null});\n"""


@get("/docs", media_type=MediaType.HTML)
async def docs() -> str:
    return _DOCS_PAGE


@get("/docs/start.js", media_type="text/javascript")
async def docs_start() -> str:
    return _DOCS_START


async def _before_send(message: Message, scope: Scope) -> None:
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message=message)
    state = scope.get("state", {})
    headers["x-request-id"] = transaction_of(scope)
    headers["api-version"] = _served_version(scope)
    headers["strict-transport-security"] = "max-age=31536000; includeSubDomains; preload"
    headers["x-content-type-options"] = "nosniff"
    headers["referrer-policy"] = "no-referrer"
    headers["content-security-policy"] = headers.get("content-security-policy", _CSP)
    headers["cache-control"] = headers.get("cache-control", "no-store")
    for name, value in state.get("quota", {}).items():
        headers[name] = value


def _served_version(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"api-version" and value == b"v1.1.1":
            return "v1.1.1"
    return LATEST


def create_application(platform: Platform) -> Litestar:
    """The application over a platform that is started."""
    services = Services(platform)
    collected = Metrics(platform)
    kpn = Router(
        KPN,
        route_handlers=[activation.activate, *devices.handlers("minimal"), *_catalogue_handlers()],
    )
    dx = [
        Router(base, route_handlers=[*devices.handlers("configuration"), *_catalogue_handlers()])
        for base in _DX_BASES
    ]
    v1 = Router(
        V1,
        route_handlers=[
            *sign_in.HANDLERS,
            *projects.HANDLERS,
            *overview.HANDLERS,
            *device_search.HANDLERS,
            *imports.HANDLERS,
            *logger.HANDLERS,
            *frames.HANDLERS,
            *alarms.HANDLERS,
            *decoders.HANDLERS,
            *downlink_history.HANDLERS,
            *downlinks.HANDLERS,
            *deliveries.HANDLERS,
            security_context.reset,
            *device_session.HANDLERS,
            *v1_monitoring.HANDLERS,
            *device_exchange.HANDLERS,
            *device_import.HANDLERS,
            Router("/operator", route_handlers=[*operator.HANDLERS]),
        ],
    )
    interface = create_static_files_router(
        "/docs/ui", directories=[Path(swagger_ui_path)], include_in_schema=False
    )
    return Litestar(
        route_handlers=[
            kpn,
            *dx,
            v1,
            *oauth.HANDLERS,
            submit_v1,
            submit_v2,
            security_context.oss_reset,
            healthz,
            readyz,
            metrics,
            openapi_json,
            docs,
            docs_start,
            interface,
            *console.handlers(platform.settings.console.tiles),
        ],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "metrics": Provide(lambda: collected, sync_to_thread=False),
        },
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=begin_request,
        before_send=[_before_send],
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
