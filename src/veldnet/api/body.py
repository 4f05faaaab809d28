"""Request bodies: bounded, decoded, and checked against a resource with errors that name the member."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar import Request

from veldnet.inventory.errors import BadRequest, InvalidField

T = TypeVar("T", bound=msgspec.Struct)

MAX_DEPTH = 64


async def read_body(request: Request[Any, Any, Any], limit: int) -> bytes:
    """The body, at most `limit` bytes of it. Raises `BadRequest` for more."""
    too_big = BadRequest(f"the body is larger than {limit} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_big
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_big
        parts.append(part)
    return b"".join(parts)


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object that is not nested too deeply for what follows. Raises `BadRequest`."""
    too_deep = BadRequest(f"the body is nested more than {MAX_DEPTH} levels deep")
    try:
        decoded = msgspec.json.decode(raw)
    except RecursionError:
        raise too_deep from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(decoded, dict):
        raise BadRequest("the body must be a JSON object")
    level: list[Any] = [decoded]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return decoded
    raise too_deep


async def read_resource(request: Request[Any, Any, Any], kind: type[T], limit: int) -> T:
    """The JSON body as a resource. Members that are null or empty text count as absent, as clients that
    fill forms send them. Raises `BadRequest` and `InvalidField`."""
    decoded = json_object(await read_body(request, limit))
    present = {name: value for name, value in decoded.items() if value is not None and value != ""}
    try:
        return msgspec.convert(present, kind)
    except msgspec.ValidationError as error:
        raise InvalidField(_in_words(str(error))) from None


def _in_words(problem: str) -> str:
    """`Expected `str`, got `int` - at `$.name`` with the member first."""
    text, _dash, path = problem.rpartition(" - at `")
    if not text:
        return problem
    return f"{path.rstrip('`').removeprefix('$').removeprefix('.')}: {text}"
