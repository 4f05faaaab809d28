"""Headers that customers add to HTTP requests."""

from __future__ import annotations

import re
from collections.abc import Mapping

from veldnet.domain.errors import InvalidField

_MOST_HEADERS = 20
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# Set for each request.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


def check_headers(headers: Mapping[str, str], member: str = "headers") -> None:
    """Raises `InvalidField` that begins with the name of the member."""
    if len(headers) > _MOST_HEADERS:
        raise InvalidField(
            "{name} holds {count} values; at most {most} are taken",
            name=member,
            count=len(headers),
            most=_MOST_HEADERS,
        )
    for name, value in headers.items():
        if _HEADER.fullmatch(name) is None or name.lower() in _OWN_HEADERS:
            raise InvalidField(
                "{member}: {name!r} is no name of a header that can be set", member=member, name=name[:40]
            )
        if not 1 <= len(value) <= 2000 or not value.isprintable() or not value.isascii():
            raise InvalidField(
                "{member}: the value of {name} must be printable ASCII", member=member, name=name
            )
