"""Operations as routes of the application: what a handler takes is found, its answer sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler, delete, get, post, put

from .body import Upload, json_object, read_body, read_resource
from .compression import COMPRESSED
from .description.operation import Operation, snake
from .query import parameters_of
from .routers import DX, KPN, Router
from .services import Services

_METHODS = {"get": get, "post": post, "put": put, "delete": delete}
Source = Callable[[Request[Any, Any, Any]], Any]


def route_handlers(routers: tuple[Router, ...], services: Services) -> list[HTTPRouteHandler]:
    """A route for each operation of the routers."""
    return [
        _METHODS[operation.method](
            [_route(base + operation.path) for base in router.bases],
            opt={"router": router.name, "operation": operation} | _compressed(router, operation),
            # The status is that of the response, always.
            status_code=200,
            include_in_schema=False,
        )(_endpoint(operation, services))
        for router in routers
        for operation in operations_of(router)
    ]


def operations_of(router: Router) -> list[Operation]:
    """The operations on a router's paths; on those of DX all of KPN's too."""
    if router is not DX:
        return router.operations
    own = {(operation.method, operation.path) for operation in DX.operations}
    return [*DX.operations, *(each for each in KPN.operations if (each.method, each.path) not in own)]


def _compressed(router: Router, operation: Operation) -> dict[str, bool]:
    reads = operation.method == "get" and operation.media != "text/event-stream"
    return {COMPRESSED: True} if router.compressed and reads else {}


def _route(path: str) -> str:
    return path.replace("}", ":str}")


def _endpoint(operation: Operation, services: Services) -> Callable[..., Awaitable[Response[Any]]]:
    inputs = operation.inputs()
    access, handler = operation.access, operation.handler
    names = [(snake(name), name) for name in operation.path_parameters]
    query = parameters_of(inputs["query"]) if "query" in inputs else None
    body = _body_reader(inputs["body"], operation, services) if "body" in inputs else None
    shared = {"services": services} if "services" in inputs else {}

    async def endpoint(request: Request[Any, Any, Any]) -> Response[Any]:
        arguments: dict[str, Any] = dict(shared)
        if access.check is not None:
            caller = await access.check(request, services, operation.read_only)
            if access.caller in inputs:
                arguments[access.caller] = caller
        if "request" in inputs:
            arguments["request"] = request
        for argument, name in names:
            arguments[argument] = request.path_params[name]
        if query is not None:
            arguments["query"] = query.read(request)
        if body is not None:
            arguments["body"] = await body(request)
        answer = await handler(**arguments)
        if not isinstance(answer, Response):
            return Response(answer, status_code=operation.status)
        if answer.status_code is None:
            answer.status_code = operation.status
        return answer

    # Types and not their names, which Litestar would compile once more for each route.
    endpoint.__annotations__ = {"request": Request[Any, Any, Any], "return": Response[Any]}
    return endpoint


def _body_reader(
    kind: Any, operation: Operation, services: Services
) -> Callable[[Request[Any, Any, Any]], Awaitable[Any]]:
    own = operation.max_body
    limit = own(services) if callable(own) else services.settings.max_body if own is None else own

    async def octets(request: Request[Any, Any, Any]) -> bytes:
        return await read_body(request, limit)

    async def members(request: Request[Any, Any, Any]) -> dict[str, Any]:
        return json_object(await read_body(request, limit))

    async def resource(request: Request[Any, Any, Any]) -> Any:
        return await read_resource(request, kind, limit)

    async def upload(request: Request[Any, Any, Any]) -> Upload:
        return Upload(request, limit)

    if kind is bytes:
        return octets
    if kind is Upload:
        return upload
    return members if kind == dict[str, Any] else resource
