"""Requests that reach an application in this process, and their answers: what httpx's own transport does,
without a second request and a second answer for each, and without looking for cookies where none are set."""

from __future__ import annotations

from asyncio import Event
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import httpx

Headers = list[tuple[bytes, bytes]]


class Runner(Protocol):
    """Who has the application, and the event loop that it lives in."""

    application: Any

    def run(self, work: Awaitable[httpx.Response]) -> httpx.Response: ...


class Transport(httpx.BaseTransport):
    """Hands requests to the application, and runs its server until it has answered."""

    def __init__(self, server: Runner) -> None:
        self._server = server
        self._application = server.application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._server.run(_Exchange(request).answer(self._application))


class _Exchange:
    """A request, and what has been heard of its answer."""

    def __init__(self, request: httpx.Request) -> None:
        assert isinstance(request.stream, httpx.SyncByteStream)
        self._request = request
        self._body = iter(request.stream)
        self._asked = False
        self._ended = Event()
        self._status: int | None = None
        self._headers: Headers = []
        self._parts: list[bytes] = []

    async def answer(self, application: Callable[..., Awaitable[None]]) -> httpx.Response:
        try:
            await application(self._scope(), self._receive, self._send)
        except Exception:
            # As a server answers.
            self._status = self._status or 500
            self._ended.set()
        assert self._ended.is_set() and self._status is not None
        body = httpx.ByteStream(b"".join(self._parts))
        return httpx.Response(self._status, headers=self._headers, stream=body)

    def _scope(self) -> dict[str, Any]:
        url = self._request.url
        path, _, query = url.raw_path.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": path,
            "query_string": query,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 123),
            "root_path": "",
        }

    async def _receive(self) -> dict[str, Any]:
        if self._asked:
            await self._ended.wait()
            return {"type": "http.disconnect"}
        part = next(self._body, None)
        self._asked = part is None
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert self._status is None
            self._status, self._headers = message["status"], message.get("headers", [])
        elif message["type"] == "http.response.body":
            assert not self._ended.is_set()
            if self._request.method != "HEAD":
                self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._ended.set()


class _Cookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


class Caller(httpx.Client):
    """An HTTP client of the application."""

    def __init__(self, server: Runner, base_url: str, **arguments: Any) -> None:
        self._kept = _Cookies()
        super().__init__(base_url=base_url, transport=Transport(server), **arguments)
        self._kept.update(self._cookies)
        self._base = base_url

    @property
    def cookies(self) -> httpx.Cookies:
        return self._kept

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._kept = _Cookies(cookies)

    def build_request(self, method: str, url: httpx.URL | str, **arguments: Any) -> httpx.Request:
        """A path is put behind the address of the server as it is, and read once."""
        if isinstance(url, str) and not url.startswith("http"):
            url = f"{self._base}/{url.lstrip('/')}"
        return super().build_request(method, url, **arguments)
