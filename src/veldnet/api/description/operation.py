"""One operation of the API: its description and its handler."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from veldnet.api.body import Upload
from veldnet.api.services import Services
from veldnet.asgi import Request, Response, Stream

Handler = Callable[..., Awaitable[Any]]


class Access(msgspec.Struct, frozen=True):
    """Who may call an operation. `check` finds the caller or raises; handlers get it as the parameter
    `caller` of the type `kind`. Its last argument says that a request changes nothing, though it is no
    GET."""

    caller: str
    kind: Any
    check: Callable[[Request, Services, bool], Awaitable[Any]] | None
    # Where it is not what the description says for all.
    security: tuple[str, ...] | None = None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. Without an id it is served and not described."""

    method: str
    path: str
    id: str
    tag: str
    summary: str
    handler: Handler
    access: Access
    status: int = 200
    # What body and answer are where they are not JSON.
    media: str | None = None
    # The answer where the handler's type does not give it.
    result: Any = None
    # Whether If-Match counts.
    conditional: bool = False
    # Whether it changes nothing, though it is no GET.
    read_only: bool = False
    # What else it may be refused with, by status.
    refusals: tuple[int, ...] = ()
    # Octets of a body at most, where it is not the setting.
    max_body: int | Callable[[Services], int] | None = None

    @property
    def path_parameters(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def inputs(self) -> dict[str, Any]:
        """The types of the handler's parameters. Raises `TypeError` where one has no source, or a parameter
        of the path has no taker."""
        hints = _types(self.handler)
        taken = {name: hints[name] for name in inspect.signature(self.handler).parameters}
        where = f"{self.method} {self.path} ({self.handler.__qualname__})"
        sources = {"request", "services", "query", "body", *map(snake, self.path_parameters)}
        unknown = taken.keys() - sources - {self.access.caller}
        if unknown:
            raise TypeError(f"{where}: nothing gives {', '.join(sorted(unknown))}")
        ignored = {snake(name) for name in self.path_parameters} - taken.keys()
        if ignored:
            raise TypeError(f"{where}: the handler does not take {', '.join(sorted(ignored))} of the path")
        if self.access.caller in taken and taken[self.access.caller] != self.access.kind:
            raise TypeError(f"{where}: {self.access.caller} must be {self.access.kind}")
        return taken

    def body(self) -> Any:
        """The type of the JSON in requests, None without."""
        kind = self.inputs().get("body")
        return None if kind in (bytes, Upload) else kind

    @property
    def takes_octets(self) -> bool:
        return self.inputs().get("body") in (bytes, Upload)

    def answer(self) -> Any:
        """The type of the answer's JSON, None without."""
        if self.result is not None or self.media is not None:
            return self.result
        found = _types(self.handler).get("return")
        if found is Stream or found is Response:
            return None
        if get_origin(found) is Response:
            (found,) = get_args(found)
        return None if found is type(None) else found


@cache
def _types(handler: Handler) -> dict[str, Any]:
    """Read once: each of them is a text to compile."""
    return get_type_hints(handler)


def snake(name: str) -> str:
    """`deviceRef` as Python names it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
