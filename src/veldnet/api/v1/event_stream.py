"""Server-sent events of a live subscription: in batches, bounded, and over when the session or token is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from veldnet.api.auth.bearer import from_browser
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.asgi import Request, Stream
from veldnet.monitoring import Feed, Subscription, TooManyStreams
from veldnet.monitoring.logger import Whose

T = TypeVar("T")

# Seconds between signs of life, and after which it is looked again whether the reader may still read.
BEAT, LOOK_EVERY = 15.0, 1.0
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Events(msgspec.Struct, Generic[T], frozen=True):
    """What is sent: the name of the event, and what becomes of the items that arrived together."""

    name: str
    of: Callable[[list[T]], Awaitable[Sequence[Any]]]


class Turns:
    """Whether something is due that comes round every so many seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self.taken()

    def taken(self) -> None:
        self._last = asyncio.get_running_loop().time()

    @property
    def due(self) -> bool:
        """Whether it is due; then it counts as taken."""
        due = asyncio.get_running_loop().time() - self._last >= self._every
        if due:
            self.taken()
        return due


class Admission:
    """Whether a reader may go on: its session or its token lasts, with the rights it had."""

    def __init__(self, request: Request, services: Services) -> None:
        self._services = services
        self._cookie = request.cookies.get(COOKIE, "") if from_browser(request) else ""
        self._token = request.headers.get("authorization", "").partition(" ")[2].strip()
        self._turns = Turns(LOOK_EVERY)
        self._first: Any = None

    async def holds(self) -> bool:
        if not self._turns.due:
            return True
        rights = await self._rights()
        if self._first is None:
            self._first = rights
        return rights is not None and rights == self._first

    async def _rights(self) -> Any:
        if self._cookie:
            session = await self._services.sessions.session(self._cookie, use=False)
            return None if session is None else (session.scope, session.operator)
        bearer = await self._services.tokens.bearer(self._token)
        return None if bearer is None else (bearer.scope, bearer.operator)


def subscribed(feed: Feed[T], of: Whose) -> Subscription[T]:
    """Raises `GatewayError` where all places are taken."""
    try:
        return feed.subscribe(of.subscriber_ref, of.operator_ref)
    except TooManyStreams:
        raise GatewayError(429, "Too many live streams are open; close one, or use the history") from None


def event_stream(request: Request, services: Services, of: Whose, feed: Feed[T], events: Events[T]) -> Stream:
    """The answer to a live subscription: events with a list, and `dropped` with how many the reader was too
    slow for."""
    subscription = subscribed(feed, of)
    return Stream(
        _stream(Admission(request, services), feed, subscription, events),
        media_type="text/event-stream",
        headers=HEADERS,
    )


async def _stream(
    admission: Admission, feed: Feed[T], subscription: Subscription[T], events: Events[T]
) -> AsyncIterator[bytes]:
    reported = 0
    beat = Turns(BEAT)
    try:
        yield b"retry: 2000\nevent: ready\ndata: {}\n\n"
        while not subscription.closed:
            arrived = await subscription.take(LOOK_EVERY)
            if not await admission.holds():
                yield b"event: expired\ndata: {}\n\n"
                return
            found = await events.of(arrived) if arrived else []
            if subscription.dropped > reported:
                reported = subscription.dropped
                yield f"event: dropped\ndata: {json.dumps({'dropped': reported})}\n\n".encode()
            if found:
                beat.taken()
                yield f"event: {events.name}\ndata: ".encode() + msgspec.json.encode(found) + b"\n\n"
            elif beat.due:
                yield b": alive\n\n"
    finally:
        feed.leave(subscription)
