"""What a handler returns, and what it is on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from http.cookies import SimpleCookie
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import msgspec

T = TypeVar("T")

RawHeaders = list[tuple[bytes, bytes]]

# Of an address that a redirection leads to: what has a meaning there, and escapes that it has already.
_KEPT = "/#%[]=:;$&()+,!?*@'~"
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

    def header(self) -> str:
        """The value of `Set-Cookie`."""
        made: SimpleCookie = SimpleCookie({self.key: self.value})
        morsel = made[self.key]
        morsel["max-age"] = self.max_age
        morsel["path"] = self.path
        morsel["httponly"] = self.httponly
        morsel["samesite"] = self.samesite
        morsel["secure"] = self.secure
        return morsel.OutputString()


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

    def body(self) -> bytes:
        """The content as it is sent. Raises `TypeError` for what is no JSON."""
        content = self.content
        if isinstance(content, bytes):
            return content
        if isinstance(content, str):
            return content.encode()
        if content is None and self.media_type.startswith("text/"):
            return b""
        return _json.encode(content)

    @property
    def status(self) -> int:
        return self.status_code or 200

    def head(self, body: bytes | None) -> RawHeaders:
        """Its headers; `body` is not known of a stream."""
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.status not in _WITHOUT_BODY:
            kind = self.media_type
            if kind.startswith("text/") and "charset" not in kind:
                kind += "; charset=utf-8"
            headers.append((b"content-type", kind.encode("latin-1")))
            if body is not None:
                headers.append((b"content-length", str(len(body)).encode()))
        headers += [(b"set-cookie", cookie.header().encode("latin-1")) for cookie in self.cookies]
        return headers

    @property
    def has_body(self) -> bool:
        """Whether answers with its status have one."""
        return self.status not in _WITHOUT_BODY


class Redirect(Response[bytes]):
    """Leads to another address."""

    def __init__(self, address: str, *, status_code: int = 302, cookies: Iterable[Cookie] = ()) -> None:
        super().__init__(
            b"",
            status_code=status_code,
            media_type="text/plain",
            headers={"location": quote(address, safe=_KEPT)},
            cookies=cookies,
        )


class Stream(Response[AsyncIterator[bytes]]):
    """An answer whose body comes piece by piece."""


def _encoded(value: Any) -> Any:
    """What msgspec does not know: text of a kind of its own."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


_json = msgspec.json.Encoder(enc_hook=_encoded)
