"""A request as the server hands it over, of which each part is read when it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """The client has closed the connection before the body was there: nobody waits for an answer."""


class Headers(Mapping[str, str]):
    """Headers by their names in any case; of those that come several times, the first."""

    __slots__ = ("_values",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        values: dict[str, str] = {}
        for name, value in raw:
            values.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class QueryParameters(Mapping[str, str]):
    """Parameters by their names; of those that come several times, the first."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all_of(self, name: str) -> list[str]:
        """All values of a parameter."""
        return self._values.get(name, [])


class Request:
    """`scope` is that of ASGI, `receive` gives the body."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive

    @property
    def method(self) -> str:
        """In capitals."""
        method: str = self.scope["method"]
        return method

    @property
    def path(self) -> str:
        """Without escapes, and without slashes at its end or one behind the other."""
        path: str = self.scope["path"]
        return path

    @property
    def scheme(self) -> str:
        """That of the client, as far as a trusted proxy tells of it."""
        scheme: str = self.scope["scheme"]
        return scheme

    @property
    def client_host(self) -> str:
        """The address of the client; empty where it is not known."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def state(self) -> dict[str, Any]:
        """What is noted of the request while it is answered."""
        state: dict[str, Any] = self.scope.setdefault("state", {})
        return state

    @cached_property
    def headers(self) -> Headers:
        return Headers(self.scope["headers"])

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """Those that the client sends, by their names."""
        return _cookies(self.headers.get("cookie", ""))

    @property
    def query_string(self) -> str:
        """As it was sent, with its escapes."""
        query: bytes = self.scope["query_string"]
        return query.decode("latin-1")

    @cached_property
    def query_params(self) -> QueryParameters:
        return QueryParameters(parse_qsl(self.query_string, keep_blank_values=True))

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes; only once. Raises `ClientGone`."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body: bytes = message.get("body", b"")
            if body:
                yield body
            more = message.get("more_body", False)


# A browser sends the same with each request.
@lru_cache(maxsize=256)
def _cookies(header: str) -> Mapping[str, str]:
    found = {}
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "", name
        name, value = name.strip(), value.strip()
        if name or value:
            found[name] = unquote(_unquoted(value))
    return found


def _unquoted(value: str) -> str:
    """Without the quotation marks that `http.cookies` writes around some characters, and what it escapes."""
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
