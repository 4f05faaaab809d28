"""Live subscriptions: each receives what became durable and concerns it; without any, nothing is spent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class TooManyStreams(Exception):
    """All places are taken."""


class Subscription(Generic[T]):
    """One reader's items, a bounded number: the oldest are dropped, and counted, when they are not fetched in
    time."""

    def __init__(self, subscriber_ref: int | None, operator_ref: int, most: int) -> None:
        self.subscriber_ref = subscriber_ref
        self.operator_ref = operator_ref
        self.dropped = 0
        self.closed = False
        self._items: deque[T] = deque(maxlen=most)
        self._arrived = asyncio.Event()

    def put(self, item: T) -> None:
        if len(self._items) == self._items.maxlen:
            self.dropped += 1
        self._items.append(item)
        self._arrived.set()

    async def take(self, within: float) -> list[T]:
        """What has arrived; waits for the first at most `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        items = list(self._items)
        self._items.clear()
        return items

    def close(self) -> None:
        self.closed = True
        self._arrived.set()


class DistantSubscription(Subscription[T]):
    """One that a reader has at another node, to which items are sent."""

    def __init__(self, subscriber_ref: int | None, operator_ref: int, send: Callable[[T], None]) -> None:
        super().__init__(subscriber_ref, operator_ref, 1)
        self._send = send

    def put(self, item: T) -> None:
        self._send(item)


class Feed(Generic[T]):
    """Subscriptions to one kind of item, `streams` at most."""

    def __init__(self, *, streams: int, most: int) -> None:
        self._limit = streams
        self._most = most
        self._subscriptions: set[Subscription[T]] = set()
        # Those of readers here, by number, of which other nodes are told; and those of readers there.
        self.readers: dict[int, Subscription[T]] = {}
        self._distant: set[DistantSubscription[T]] = set()
        self._numbers = count(1)
        self.on_subscribed: Callable[[], None] = lambda: None
        # Operators of subscribers, for subscriptions to a whole network.
        self.operator_of: dict[int, int] = {}

    @property
    def streams(self) -> int:
        return len(self.readers)

    def subscribe(self, subscriber_ref: int | None, operator_ref: int) -> Subscription[T]:
        """Subscribe to what is a subscriber's, or with None all of an operator. Raises `TooManyStreams`."""
        if len(self.readers) >= self._limit:
            raise TooManyStreams
        subscription: Subscription[T] = Subscription(subscriber_ref, operator_ref, self._most)
        self._subscriptions.add(subscription)
        self.readers[next(self._numbers)] = subscription
        self.on_subscribed()
        return subscription

    def leave(self, subscription: Subscription[T]) -> None:
        self._subscriptions.discard(subscription)
        self.readers = {number: each for number, each in self.readers.items() if each is not subscription}

    def serve_distant(self, subscriptions: set[DistantSubscription[T]]) -> None:
        """Have readers at other nodes hear, and no others than these."""
        self._subscriptions -= self._distant
        self._distant = subscriptions
        self._subscriptions |= subscriptions

    def close(self) -> None:
        """The server stops: streams end."""
        for subscription in self.readers.values():
            subscription.close()

    def _of_subscriber(self, subscription: Subscription[T], subscriber_ref: int) -> bool:
        """Whether somebody may see what is a subscriber's."""
        if subscription.subscriber_ref is not None:
            return subscriber_ref == subscription.subscriber_ref
        return self.operator_of.get(subscriber_ref) == subscription.operator_ref
