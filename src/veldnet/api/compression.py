"""Compressed answers: gzip, for those who ask for it.

What may be compressed is a list: reading operations of routers that say so. The compressed length of an
answer that holds a secret beside text that somebody else chose tells whether the two are alike (BREACH). So
what carries tokens, keys or the page's token against forged requests stays as it is: everything that signs in
or concerns sessions, and every change, for secrets are shown once, by the request that made them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from litestar.config.compression import CompressionConfig
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import HTTPResponseStartEvent, Message, Receive, Scope, Send

from .routes import compressed, served

# Below, a packet of the network holds the answer as it is.
_LEAST = 1024
# The event loop compresses, so it must be quick.
_LEVEL = 1
_WITHOUT = re.compile(r"q\s*=\s*0(\.0*)?\s*", re.IGNORECASE)


# Clients send a handful of different ones; others are read each time.
@lru_cache(maxsize=64)
def accepts_gzip(header: str) -> bool:
    """Whether Accept-Encoding names gzip, or everything, and does not refuse it (RFC 9110 §12.5.3)."""
    said = {}
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        said[name.strip()] = not _WITHOUT.fullmatch(parameters.strip())
    return said.get("gzip", said.get("x-gzip", said.get("*", False)))


def compressible(scope: Scope) -> bool:
    """Whether the answers of the operation depend on Accept-Encoding."""
    found = served(scope)
    return found is not None and compressed(found)


def note_variants(headers: list[tuple[bytes, bytes]], scope: Scope) -> None:
    """Tell caches, also where this answer is as it is."""
    if compressible(scope) and not any(
        name == b"vary" and b"accept-encoding" in value.lower() for name, value in headers
    ):
        headers.append((b"vary", b"Accept-Encoding"))


class _Compression(CompressionMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if compressible(scope) and accepts_gzip(Headers.from_scope(scope).get("accept-encoding", "")):
            send = self._gzip(scope, send)
        await self.app(scope, receive, send)

    def _gzip(self, scope: Scope, send: Send) -> Send:
        """Decides with the head of the answer, so that a small one costs nothing."""
        chosen = send

        async def sending(message: Message) -> None:
            nonlocal chosen
            if message["type"] == "http.response.start" and _worth(message):
                chosen = self.create_compression_send_wrapper(send, "gzip", scope)
            await chosen(message)

        return sending


def _worth(start: HTTPResponseStartEvent) -> bool:
    """An ETag would have to differ for each encoding, and If-Match compares it with the state of the object:
    such answers, of one object each, stay as they are."""
    headers = MutableScopeHeaders.from_message(start)
    length = headers.get("content-length")
    return (
        start["status"] == 200
        and "etag" not in headers
        and "content-encoding" not in headers
        and (length is None or int(length) >= _LEAST)
    )


COMPRESSION = CompressionConfig(
    backend="gzip", minimum_size=_LEAST, gzip_compress_level=_LEVEL, middleware_class=_Compression
)
