"""Conditional requests: ETag and If-Match (RFC 9110
§13.1.1)."""

from __future__ import annotations

import hashlib

import msgspec

from veldnet.asgi import Request
from veldnet.domain.errors import Changed


def etag_of(resource: msgspec.Struct) -> str:
    """A name for how a resource is now; what the network observes of it does not count."""
    members = msgspec.to_builtins(resource)
    for name in ("statistics", "commercialDetails", "rsaEncryptedASKey", "networkAddress", "classBState"):
        members.pop(name, None)
    return f'"{hashlib.sha256(msgspec.json.encode(members, order="sorted")).hexdigest()[:20]}"'


def check_match(request: Request, current: msgspec.Struct, what: str) -> None:
    """Raises `Changed` where the request names another state than the current one."""
    wanted = request.headers.get("if-match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag_of(current) not in [part.strip() for part in wanted.split(",")]:
        raise Changed(what)
