"""What a handler returns, and how Starlette sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec
from starlette import responses

T = TypeVar("T")

_WITHOUT_BODY = frozenset({204, 304})


class Cookie(msgspec.Struct, frozen=True, kw_only=True):
    """A cookie that is set; `max_age` in seconds, 0 to remove it."""

    key: str
    value: str
    max_age: int
    path: str = "/"
    httponly: bool = True
    samesite: Literal["lax", "strict"] = "lax"
    secure: bool = False


class Response(Generic[T]):
    """An answer. Octets and text are sent as they are, anything else as JSON. Without `status_code` it is
    that of the operation."""

    def __init__(
        self,
        content: T,
        *,
        status_code: int | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        cookies: Iterable[Cookie] = (),
    ) -> None:
        self.content = content
        self.status_code = status_code
        self.media_type = media_type
        self.headers = dict(headers or {})
        self.cookies = tuple(cookies)

    def made(self) -> responses.Response:
        """As it is sent. Raises `TypeError` for content that is no JSON."""
        made = self._with_content(self.status_code or 200)
        for cookie in self.cookies:
            made.set_cookie(**msgspec.structs.asdict(cookie))
        return made

    def _with_content(self, status: int) -> responses.Response:
        if status in _WITHOUT_BODY:
            return responses.Response(None, status, self.headers)
        return responses.Response(self._body(), status, self.headers, self.media_type)

    def _body(self) -> bytes | str:
        if isinstance(self.content, bytes | str):
            # Also text that has a class of its own.
            return self.content
        return _json.encode(self.content)


class Redirect(Response[bytes]):
    """Leads to another address."""

    def __init__(self, address: str, *, status_code: int = 302, cookies: Iterable[Cookie] = ()) -> None:
        super().__init__(b"", status_code=status_code, cookies=cookies)
        self._address = address

    def _with_content(self, status: int) -> responses.Response:
        return responses.RedirectResponse(self._address, status, self.headers)


class Stream(Response[AsyncIterator[bytes]]):
    """An answer whose body comes piece by piece."""

    def _with_content(self, status: int) -> responses.Response:
        return responses.StreamingResponse(self.content, status, self.headers, self.media_type)


def _encoded(value: Any) -> Any:
    """What msgspec does not know: text of a kind of its own."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


_json = msgspec.json.Encoder(enc_hook=_encoded)
