"""Health and metrics: what load balancers and Prometheus ask for, from the first moment on."""

from __future__ import annotations

from veldnet.asgi import Response

from .routers import PROBES
from .services import Services

__all__ = ["PROBES"]


@PROBES.get("/healthz")
async def healthz() -> Response[str]:
    """Alive."""
    return Response("ok", media_type="text/plain")


@PROBES.get("/readyz")
async def readyz(services: Services) -> Response[str]:
    """Ready once every port listens, and as long as what is received can be written."""
    problems = await services.platform.problems()
    return Response(
        "\n".join(problems) or "ready", media_type="text/plain", status_code=503 if problems else 200
    )


@PROBES.get("/metrics")
async def metrics(services: Services) -> Response[bytes]:
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
