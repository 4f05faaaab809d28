"""Live feeds over all nodes: a reader at one hears what becomes durable at another.

A node tells the others every few seconds who reads what, and is sent only what concerns these."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from veldnet.cluster import Bus
from veldnet.monitoring.subscriptions import DistantSubscription, Feed

WANTED, ITEMS = "feed-wanted", "feed-items"
TELL_EVERY = 2.0
# Seconds for which readers of a node that says nothing more are served.
_FORGET = 7.0


class Kind(NamedTuple):
    """A feed, and the type of its items."""

    feed: Feed[Any]
    item: type[Any]


class _Reader(msgspec.Struct, frozen=True, array_like=True):
    feed: str
    number: int
    subscriber_ref: int | None
    operator_ref: int


class _Item(msgspec.Struct, frozen=True, array_like=True):
    feed: str
    number: int
    item: msgspec.Raw


_readers = msgspec.msgpack.Decoder(list[_Reader])
_items = msgspec.msgpack.Decoder(_Item)


class _Node(NamedTuple):
    until: float
    readers: list[_Reader]


class SharedFeeds:
    """`kinds` by a name that all nodes have for them."""

    def __init__(self, bus: Bus, kinds: Mapping[str, Kind]) -> None:
        self._bus = bus
        self._kinds = kinds
        self._decoders = {name: msgspec.msgpack.Decoder(kind.item) for name, kind in kinds.items()}
        self._nodes: dict[str, _Node] = {}
        self._told = False
        bus.on(WANTED, self._wanted)
        bus.on(ITEMS, self._arrived)
        for kind in kinds.values():
            kind.feed.on_subscribed = self._tell

    async def tell(self) -> None:
        """Tell the others who reads here, and forget the readers of those that are gone."""
        self._tell()
        now = asyncio.get_running_loop().time()
        gone = [node for node, known in self._nodes.items() if known.until < now]
        for node in gone:
            del self._nodes[node]
        if gone:
            self._serve()

    def _tell(self) -> None:
        readers = [
            _Reader(name, number, each.subscriber_ref, each.operator_ref)
            for name, kind in self._kinds.items()
            for number, each in kind.feed.readers.items()
        ]
        # Once more after the last has left.
        if readers or self._told:
            self._bus.announce(WANTED, msgspec.msgpack.encode(readers))
        self._told = bool(readers)

    def _wanted(self, node: str, payload: bytes) -> None:
        known, readers = self._nodes.get(node), _readers.decode(payload)
        self._nodes[node] = _Node(asyncio.get_running_loop().time() + _FORGET, readers)
        if known is None or known.readers != readers:
            self._serve()

    def _serve(self) -> None:
        for name, kind in self._kinds.items():
            kind.feed.serve_distant(
                {
                    DistantSubscription(
                        reader.subscriber_ref,
                        reader.operator_ref,
                        partial(self._send, node, name, reader.number),
                    )
                    for node, known in self._nodes.items()
                    for reader in known.readers
                    if reader.feed == name
                }
            )

    def _send(self, node: str, feed: str, number: int, item: Any) -> None:
        message = _Item(feed, number, msgspec.Raw(msgspec.msgpack.encode(item)))
        self._bus.send(node, ITEMS, msgspec.msgpack.encode(message))

    def _arrived(self, _node: str, payload: bytes) -> None:
        message = _items.decode(payload)
        kind = self._kinds.get(message.feed)
        reader = None if kind is None else kind.feed.readers.get(message.number)
        if reader is not None:
            reader.put(self._decoders[message.feed].decode(message.item))
