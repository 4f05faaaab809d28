"""Query parameters, each read by its type; an error names the parameter and what would be right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request

from veldnet.diagnosis import LANGUAGES, Language, preferred_language
from veldnet.domain.errors import InvalidField

_MAX_PAGE = 1 << 31
# The year 2200.
_LATEST = 7_258_118_400_000


def text(request: Request[Any, Any, Any], name: str) -> str | None:
    """A parameter as text; empty counts as absent."""
    value = request.query_params.get(name)
    return value or None


def choice(request: Request[Any, Any, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = text(request, name)
    if value is not None and value not in allowed:
        raise InvalidField(f"{name} {value[:40]!r} must be one of {', '.join(allowed)}")
    return value


def flag(request: Request[Any, Any, Any], name: str, *, default: bool = False) -> bool:
    value = text(request, name)
    if value is None:
        return default
    if value.lower() not in ("true", "false"):
        raise InvalidField(f"{name} {value[:40]!r} must be true or false")
    return value.lower() == "true"


def moment(value: str, name: str) -> int:
    """Unix milliseconds of an ISO 8601 time; without an offset it is UTC."""
    try:
        # A + in a query arrives as a blank.
        parsed = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        raise InvalidField(f"{name} {value[:40]!r} must look like 2026-01-31T12:00:00Z") from None
    parsed = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    millis = int(parsed.timestamp() * 1000)
    if not 0 <= millis <= _LATEST:
        raise InvalidField(f"{name} {value[:40]!r} must lie between 1970 and 2200")
    return millis


def whole(request: Request[Any, Any, Any], name: str, *, least: int, most: int = _MAX_PAGE - 1) -> int | None:
    value = text(request, name)
    if value is None:
        return None
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else -1
    if not least <= number <= most:
        bounds = f"of at least {least}" if most == _MAX_PAGE - 1 else f"from {least} to {most}"
        raise InvalidField(f"{name} {value[:40]!r} must be a whole number {bounds}")
    return number


def language(request: Request[Any, Any, Any]) -> Language:
    """The parameter `language`; without it, what `Accept-Language` prefers of the languages there are."""
    for known in LANGUAGES:
        if choice(request, "language", LANGUAGES) == known:
            return known
    return preferred_language(request.headers.get("accept-language"))
