"""Operations as routes of the application: what a handler takes is found, its answer sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.types import Method

from .body import Upload, json_object, read_body, read_resource
from .description.operation import Operation, snake
from .errors import on_http_exception
from .query import parameters_of
from .routes import Routes, option
from .services import Services

Endpoint = Callable[[Request[Any, Any, Any]], Awaitable[Response[Any]]]
# A path that any of them has, so that this asks for all of them; other methods are refused before.
_METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
# What stands beside files that Litestar serves there is named, as it looks no further where these begin.
_PATHS = ["/{path:path}", "/docs", "/docs/{path:path}"]


def operations_handler(routes: Routes, services: Services) -> HTTPRouteHandler:
    """The handler of all operations. What one takes is found out when it is first asked for."""
    endpoints: dict[tuple[str, str], Endpoint] = {}

    async def answer(request: Request[Any, Any, Any]) -> Response[Any]:
        scope: Any = request.scope
        found = routes.find(scope["path"])
        if scope["method"] == "OPTIONS" and "OPTIONS" not in found.methods:
            return Response(None, status_code=204, headers={"allow": found.allow}, media_type="text/plain")
        served = found.of(scope["method"])
        scope["path_params"] = found.parameters(served)
        key = served.operation.method, served.path
        endpoint = endpoints.get(key)
        if endpoint is None:
            endpoint = endpoints[key] = _endpoint(served.operation, services)
        return await endpoint(request)

    # Types and not their names, which Litestar would have to find.
    answer.__annotations__ = {"request": Request[Any, Any, Any], "return": Response[Any]}
    # The status is that of the response, always.
    return HTTPRouteHandler(
        _PATHS, http_method=_METHODS, opt=option(routes), status_code=200, include_in_schema=False
    )(answer)


def refuse_method(routes: Routes) -> Callable[[Request[Any, Any, Any], HTTPException], Response[Any]]:
    """The answer to a method that no operation has, which Litestar refuses before it asks for one."""

    def refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        with suppress(NotFoundException):
            error.headers = {"allow": routes.find(request.scope["path"]).allow}
        return on_http_exception(request, error)

    return refused


def _endpoint(operation: Operation, services: Services) -> Endpoint:
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
