"""What the description says of one operation."""

from __future__ import annotations

from typing import Any

import msgspec

KPN = "/data/lora/thingpark"
V1 = "/api/v1"
TOKEN_URL = "/oauth/client_credential/accesstoken?grant_type=client_credentials"  # noqa: S105


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter."""

    name: str
    text: str
    schema: dict[str, Any]


class Operation(msgspec.Struct, frozen=True):
    """One operation; `result` is a struct, a list of one, or None for an empty answer."""

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    status: int
    result: Any = None
    body: Any = None
    query: tuple[Parameter, ...] = ()
    # What body and answer are where they are not JSON.
    media: str | None = None
    # Only for who is signed in to the console, not for holders of a token.
    session_only: bool = False
    # Whether If-Match counts.
    conditional: bool = False


STRING: dict[str, Any] = {"type": "string"}
