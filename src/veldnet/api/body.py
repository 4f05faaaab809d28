"""Request bodies: bounded, decoded, and checked against a resource with errors that name the member."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.validation import malformed_text
from veldnet.inventory.offers import refusal_text

from .unknown_members import refuse_unknown

T = TypeVar("T", bound=msgspec.Struct)

MAX_DEPTH = 64


class Upload:
    """A body of at most `limit` bytes that its reader takes as it comes."""

    def __init__(self, request: Request, limit: int) -> None:
        self._request = request
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Raises `BadRequest` for more, before anything is read where the request says so."""
        too_big = BadRequest("the body is larger than {limit} bytes", limit=self._limit)
        announced = self._request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._limit:
            raise too_big
        size = 0
        async for part in self._request.stream():
            size += len(part)
            if size > self._limit:
                raise too_big
            yield part


async def read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes of it. Raises `BadRequest` for more."""
    return b"".join([part async for part in Upload(request, limit)])


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object that is not nested too deeply for what follows. Raises `BadRequest`."""
    too_deep = BadRequest("the body is nested more than {max_depth} levels deep", max_depth=MAX_DEPTH)
    try:
        decoded = msgspec.json.decode(raw)
    except RecursionError:
        raise too_deep from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest("the body is not JSON: {error}", error=malformed_text(str(error))) from None
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


async def read_resource(
    request: Request,
    kind: type[T],
    limit: int,
    shown: Sequence[Any] | None = None,
) -> T:
    """The JSON body as a resource. Members that neither it has nor one of the types `shown` are refused, if
    these are given. Raises `BadRequest` and `InvalidField`."""
    members = json_object(await read_body(request, limit))
    if shown is not None:
        refuse_unknown(members, kind, shown)
    return to_resource(members, kind)


def to_resource(members: dict[str, Any], kind: type[T], where: str = "") -> T:
    """Members as a resource. Those that are null or empty text count as absent, as clients that fill forms
    send them; numbers and booleans may come as text, as clients that read CSV send them. Raises
    `InvalidField`."""
    try:
        found = msgspec.convert(_present(members), kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidField(refusal_text(str(error), kind, where)) from None
    _refuse_endless(found, where.removesuffix(": "))
    return found


def _present(value: Any) -> Any:
    """The value without members that are null or empty text."""
    if isinstance(value, dict):
        return {name: _present(inner) for name, inner in value.items() if inner is not None and inner != ""}
    return [_present(inner) for inner in value] if isinstance(value, list) else value


def _refuse_endless(value: Any, where: str) -> None:
    """JSON has no such numbers, but text can name them."""
    if isinstance(value, msgspec.Struct):
        inner: Iterable[tuple[str, Any]] = (
            (f"{where}.{name}".lstrip("."), getattr(value, name)) for name in value.__struct_fields__
        )
    elif isinstance(value, list | tuple):
        inner = ((f"{where}[{index}]", each) for index, each in enumerate(value))
    elif isinstance(value, dict):
        inner = ((f"{where}.{name}", each) for name, each in value.items())
    else:
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidField("{where}: {value} is not a number", where=where, value=value)
        return
    for name, each in inner:
        _refuse_endless(each, name)
