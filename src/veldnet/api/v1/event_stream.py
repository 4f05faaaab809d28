"""Server-sent events of a live subscription: in batches, bounded, and over when the session is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request
from litestar.response import Stream

from veldnet.api.auth.bearer import from_browser
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.monitoring import Feed, Subscription, TooManyStreams
from veldnet.monitoring.logger import Whose

T = TypeVar("T")

# Seconds between signs of life, at which it is also checked that the session still is.
_BEAT = 15.0


class Events(msgspec.Struct, Generic[T], frozen=True):
    """What is sent: the name of the event, and what becomes of the items that arrived together."""

    name: str
    of: Callable[[list[T]], Awaitable[Sequence[Any]]]


def event_stream(
    request: Request[Any, Any, Any], services: Services, of: Whose, feed: Feed[T], events: Events[T]
) -> Stream:
    """The answer to a live subscription: events with a list, and `dropped` with how many the reader was too
    slow for."""
    try:
        subscription = feed.subscribe(of.subscriber_ref, of.operator_ref)
    except TooManyStreams:
        raise GatewayError(429, "Too many live streams are open; close one, or use the history") from None
    return Stream(
        _stream(request, services, feed, subscription, events),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(
    request: Request[Any, Any, Any],
    services: Services,
    feed: Feed[T],
    subscription: Subscription[T],
    events: Events[T],
) -> AsyncIterator[bytes]:
    cookie = request.cookies.get(COOKIE, "") if from_browser(request) else ""
    reported = 0
    clock = services.platform.clock
    checked = clock()
    try:
        yield b"retry: 2000\nevent: ready\ndata: {}\n\n"
        while not subscription.closed:
            arrived = await subscription.take(_BEAT)
            found = await events.of(arrived) if arrived else []
            if cookie and clock() - checked > _BEAT:
                checked = clock()
                if await services.sessions.session(cookie, use=False) is None:
                    yield b"event: expired\ndata: {}\n\n"
                    return
            if subscription.dropped > reported:
                reported = subscription.dropped
                yield f"event: dropped\ndata: {json.dumps({'dropped': reported})}\n\n".encode()
            if not found:
                yield b": alive\n\n"
                continue
            yield f"event: {events.name}\ndata: ".encode() + msgspec.json.encode(found) + b"\n\n"
    finally:
        feed.leave(subscription)
