"""Operations answer requests: what a handler takes is found, what it returns becomes the answer."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from veldnet.asgi import Request, Response

from .body import Upload, json_object, read_body, read_resource
from .description.operation import Operation, snake
from .query import parameters_of
from .routes import Routes, Served, note_served
from .services import Services

Endpoint = Callable[[Request], Awaitable[Response[Any]]]


class Operations:
    """All operations. `first` are there from the beginning, on paths without parameters. To load the others
    takes a third as long as all else of a start, so they come by `load_ahead`, or by `load` and in a thread
    for whoever asks before that. What an operation takes is found out when it is first asked for."""

    def __init__(self, first: Routes, load: Callable[[], Routes], services: Services) -> None:
        self._first = first
        self._load = load
        self._all: Routes | None = None
        self._loading = asyncio.Lock()
        self._services = services
        self._endpoints: dict[tuple[str, str], Endpoint] = {}

    async def answer(self, request: Request) -> Response[Any]:
        """Raises `HTTPException`, and what checks and handlers raise."""
        scope, method = request.scope, request.method
        routes = self._first if self._first.has(request.path) else await self._loaded()
        found = routes.find(request.path)
        note_served(scope, found.methods.get(method))
        if method == "OPTIONS" and "OPTIONS" not in found.methods:
            return Response(None, status_code=204, headers={"allow": found.allow}, media_type="text/plain")
        served = found.of(method)
        scope["path_params"] = found.parameters(served)
        key = served.operation.method, served.path
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            endpoint = self._endpoints[key] = _endpoint(served, routes, self._services)
        return await endpoint(request)

    async def load_ahead(self, modules: Iterator[str]) -> None:
        """Load `modules`, and then what has not been asked for, while the server serves already. A package
        that is replaced under a running server has no operations left to load that fit it."""
        while (name := await asyncio.to_thread(next, modules, None)) is not None:
            await asyncio.to_thread(_load_gently, name)
        await self._loaded()

    async def _loaded(self) -> Routes:
        if self._all is None:
            async with self._loading:
                if self._all is None:
                    self._all = await asyncio.to_thread(self._load)
        return self._all


def _load_gently(module: str) -> None:
    """Load it, and rest as long: who serves frames has at least half of the time between."""
    begun = time.thread_time()
    importlib.import_module(module)
    time.sleep(time.thread_time() - begun)


def _endpoint(served: Served, routes: Routes, services: Services) -> Endpoint:
    operation = served.operation
    inputs = operation.inputs()
    access, handler = operation.access, operation.handler
    names = [(snake(name), name) for name in operation.path_parameters]
    query = parameters_of(inputs["query"]) if "query" in inputs else None
    body = None
    if "body" in inputs:
        body = _body_reader(inputs["body"], operation, services, routes.shown(served))
    shared = {"services": services} if "services" in inputs else {}

    async def endpoint(request: Request) -> Response[Any]:
        arguments: dict[str, Any] = dict(shared)
        if access.check is not None:
            caller = await access.check(request, services, operation.read_only)
            if access.caller in inputs:
                arguments[access.caller] = caller
        if "request" in inputs:
            arguments["request"] = request
        for argument, name in names:
            arguments[argument] = request.scope["path_params"][name]
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
    kind: Any, operation: Operation, services: Services, shown: Sequence[Any] | None
) -> Callable[[Request], Awaitable[Any]]:
    own = operation.max_body
    limit = own(services) if callable(own) else services.settings.max_body if own is None else own

    async def octets(request: Request) -> bytes:
        return await read_body(request, limit)

    async def members(request: Request) -> dict[str, Any]:
        return json_object(await read_body(request, limit))

    async def resource(request: Request) -> Any:
        return await read_resource(request, kind, limit, shown)

    async def upload(request: Request) -> Upload:
        return Upload(request, limit)

    if kind is bytes:
        return octets
    if kind is Upload:
        return upload
    return members if kind == dict[str, Any] else resource
