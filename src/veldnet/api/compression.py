"""Compressed answers: gzip, for those who ask for it.

What may be compressed is a list: reading operations of routers that say so. The compressed length of an
answer that holds a secret beside text that somebody else chose tells whether the two are alike (BREACH). So
what carries tokens, keys or the page's token against forged requests stays as it is: everything that signs in
or concerns sessions, and every change, for secrets are shown once, by the request that made them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache

from veldnet.asgi import Scope

from .routes import compressed, served

# Below, a packet of the network holds the answer as it is.
_LEAST = 1024
# The event loop compresses, so it must be quick.
_LEVEL = 1
# Of zlib: a stream with the head and the end of gzip.
_GZIP = 16 + zlib.MAX_WBITS
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


def compression(
    scope: Scope, accepted: str, status: int, headers: list[tuple[bytes, bytes]]
) -> Callable[[bytes, bool], bytes] | None:
    """What compresses the parts of an answer with this head, where it is worth while. The head says so then,
    and tells caches also where this answer is as it is. `accepted` is what the client says of encodings."""
    found = served(scope)
    if found is None or not compressed(found):
        return None
    headers.append((b"vary", b"Accept-Encoding"))
    if not accepts_gzip(accepted) or not _worth(status, dict(headers)):
        return None
    headers.append((b"content-encoding", b"gzip"))
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)

    def encode(part: bytes, last: bool) -> bytes:
        # Readers of a stream wait for what is there.
        return compressor.compress(part) + compressor.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)

    return encode


def _worth(status: int, headers: dict[bytes, bytes]) -> bool:
    """An ETag would have to differ for each encoding, and If-Match compares it with the state of the object:
    such answers, of one object each, stay as they are."""
    length = headers.get(b"content-length")
    return (
        status == 200
        and b"etag" not in headers
        and b"content-encoding" not in headers
        and (length is None or int(length) >= _LEAST)
    )
