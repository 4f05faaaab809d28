"""Questions and orders that need what a certain node has in memory or at its sockets, asked from any
other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from veldnet.domain import errors
from veldnet.domain.errors import Refusal
from veldnet.texts import Text, pack, unpack

from .bus import Bus, NodeAway, RequestRefused
from .owner_calls import Call

SUBJECT = "node-calls"
# Seconds that an answer is waited for, from one node and from each of all.
ANSWER_WITHIN = 10.0
ALL_WITHIN = 2.0


class _Request(msgspec.Struct, frozen=True, array_like=True):
    name: str
    arguments: msgspec.Raw


class _Reply(msgspec.Struct, frozen=True, array_like=True):
    """An answer, or the id and the packed words of a refusal."""

    answer: msgspec.Raw = msgspec.Raw(b"\xc0")
    error_id: str = ""
    words: str = ""


_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(_Request)
_replies = msgspec.msgpack.Decoder(_Reply)


def _kinds(of: type[Refusal]) -> Iterator[type[Refusal]]:
    for kind in of.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _refusal(error_id: str, words: str) -> Refusal:
    """A refusal as the other node has raised it."""
    kind = next((each for each in _kinds(errors.Refusal) if each.error_id == error_id), errors.Conflict)
    refusal = kind.__new__(kind)
    found = unpack(words)
    Refusal.__init__(refusal, found if isinstance(found, Text) else Text(found))
    return refusal


class NodeCalls:
    """What this node does for others, and has them do. `living` are the names of all nodes."""

    def __init__(self, bus: Bus, living: Callable[[], Iterable[str]]) -> None:
        self.bus = bus
        self._living = living
        self._calls: dict[str, Call] = {}
        bus.answer(SUBJECT, self._asked)

    @property
    def node(self) -> str:
        return self.bus.node

    @property
    def others(self) -> frozenset[str]:
        """The living nodes but this one."""
        return frozenset(self._living()) - {self.bus.node}

    def offer(self, name: str, call: Call) -> None:
        """Let something be asked from other nodes."""
        self._calls[name] = call

    async def ask(self, node: str, name: str, *arguments: Any, within: float = ANSWER_WITHIN) -> Any:
        """Ask another node. Raises `NodeAway` where it does not answer, `RequestRefused` where it cannot, and
        the `Refusal` that it raises."""
        request = _encode(_Request(name, msgspec.Raw(_encode(arguments))))
        octets = await self.bus.request(node, SUBJECT, request, within)
        try:
            reply = _replies.decode(octets)
            if not reply.error_id:
                return msgspec.msgpack.decode(reply.answer, type=self._calls[name].answer)
        except msgspec.DecodeError as error:
            raise RequestRefused(f"node {node} has answered what cannot be read: {error}") from None
        raise _refusal(reply.error_id, reply.words)

    async def ask_all(self, name: str, *arguments: Any) -> dict[str, Any]:
        """Ask all other nodes; the answers of those that answer soon, by their names."""
        nodes = sorted(self.others)
        answers = await asyncio.gather(
            *(self.ask(node, name, *arguments, within=ALL_WITHIN) for node in nodes), return_exceptions=True
        )
        found = {}
        for node, answer in zip(nodes, answers, strict=True):
            if not isinstance(answer, BaseException):
                found[node] = answer
            elif not isinstance(answer, NodeAway | RequestRefused):
                raise answer
        return found

    async def _asked(self, _node: str, payload: bytes) -> bytes:
        request = _requests.decode(payload)
        call = self._calls.get(request.name)
        if call is None:
            raise RequestRefused(f"this node does not know the call {request.name}")
        arguments = msgspec.msgpack.decode(request.arguments, type=call.arguments)
        try:
            answer = await call.function(*arguments)
        except Refusal as refusal:
            return _encode(_Reply(error_id=refusal.error_id, words=pack(refusal.text)))
        return _encode(_Reply(msgspec.Raw(_encode(answer))))
