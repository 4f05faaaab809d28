"""Which operation serves a request."""

from __future__ import annotations

from typing import Any

import msgspec

from veldnet.asgi import HTTPException, Scope

from .description.operation import Operation
from .routers import DX, KPN, V1_BASE, Router
from .shown import shown_at

# Of a level of paths that takes any segment.
_ANY = ""


class Served(msgspec.Struct, frozen=True):
    """An operation on one of its router's paths."""

    router: Router
    operation: Operation
    path: str


class Found(msgspec.Struct, frozen=True):
    """What a request asks for: the methods that its path has, by their names on the wire, and the segments in
    the place of parameters."""

    methods: dict[str, Served]
    segments: tuple[str, ...]

    @property
    def allow(self) -> str:
        return ", ".join(sorted(self.methods.keys() | {"OPTIONS"}))

    def of(self, method: str) -> Served:
        """Raises `HTTPException` for a method that is none of the path's."""
        served = self.methods.get(method)
        if served is None:
            raise HTTPException(405, headers={"allow": self.allow})
        return served

    def parameters(self, served: Served) -> dict[str, str]:
        names = [part[1:-1] for part in served.path.split("/") if part.startswith("{")]
        return dict(zip(names, self.segments, strict=True))


class Routes:
    """The paths of routers. A path without parameters comes before those with; there, what stands in a path
    comes before a parameter."""

    def __init__(self, routers: tuple[Router, ...]) -> None:
        self.served = [
            Served(router, operation, base + operation.path)
            for router in routers
            for operation in operations_of(router)
            for base in router.bases
        ]
        self._plain: dict[str, dict[str, Served]] = {}
        self._root = _Level()
        for each in self.served:
            methods = self._methods(each.path)
            if methods.setdefault(each.operation.method.upper(), each) is not each:
                raise TypeError(f"{each.operation.method} {each.path} is served twice")

    def _methods(self, path: str) -> dict[str, Served]:
        if "{" not in path:
            return self._plain.setdefault(path, {})
        level = self._root
        for segment in path[1:].split("/"):
            name = _ANY if segment.startswith("{") else segment
            level = level.below.setdefault(name, _Level())
        return level.methods

    def shown(self, served: Served) -> list[Any] | None:
        """The types of what an operation's path shows, as `shown.py` says; None where its body may have any
        members: clients of other platforms send more than is known here."""
        if not served.path.startswith(f"{V1_BASE}/") or served.operation.body() in (None, dict[str, Any]):
            return None
        return shown_at(
            served.path,
            lambda path: [
                each.operation.answer()
                for each in self.served
                if each.path == path and each.operation.method == "get"
            ],
        )

    def has(self, path: str) -> bool:
        """Whether there is something at a path without parameters."""
        return path in self._plain

    def find(self, path: str) -> Found:
        """Raises `HTTPException` where there is nothing."""
        segments = [segment for segment in path.split("/") if segment]
        methods = self._plain.get("/" + "/".join(segments))
        if methods is not None:
            return Found(methods, ())
        level, taken = self._root, list[str]()
        for segment in segments:
            below = level.below.get(segment)
            if below is None:
                below = level.below.get(_ANY)
                if below is None:
                    raise HTTPException(404)
                taken.append(segment)
            level = below
        if not level.methods:
            raise HTTPException(404)
        return Found(level.methods, tuple(taken))


class _Level:
    """A segment of paths with parameters: what comes below, and the operations of paths that end here."""

    __slots__ = ("below", "methods")

    def __init__(self) -> None:
        self.below: dict[str, _Level] = {}
        self.methods: dict[str, Served] = {}


def operations_of(router: Router) -> list[Operation]:
    """The operations on a router's paths; on those of DX all of KPN's too."""
    if router is not DX:
        return router.operations
    own = {(operation.method, operation.path) for operation in DX.operations}
    return [*DX.operations, *(each for each in KPN.operations if (each.method, each.path) not in own)]


def compressed(served: Served) -> bool:
    """Whether the answers may be compressed (see `compression`)."""
    operation = served.operation
    reads = operation.method == "get" and operation.media != "text/event-stream"
    return served.router.compressed and reads


# In the scope, what `note_served` noted.
_FOUND = "veldnet.served"


def note_served(scope: Scope, found: Served | None) -> None:
    """Note in its scope which operation answers a request, if any does."""
    scope[_FOUND] = found


def served(scope: Scope) -> Served | None:
    """The operation that answers a request; None where there is none, or a file is asked for."""
    found: Served | None = scope.get(_FOUND)
    return found
