"""Questions and orders that need a device's state in memory: asked at the owner of its partition, whichever
node was called."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from veldnet.network.shell import UnknownDevice
from veldnet.store import NotServed, StoreError, Unanswered

from .bus import Bus, NodeAway, NotThere, RequestRefused
from .ownership import PartitionMap

SUBJECT = "device-calls"
# Seconds that a call waits for somebody to own its partition, and for the answer of the owner. Others take
# over within the first from an owner that was killed.
OWNER_WITHIN = 5.0
ANSWER_WITHIN = 10.0

_DONE, _UNKNOWN_DEVICE, _STORE_FAILED, _NOT_OWNER = range(4)


class Call(NamedTuple):
    """What can be asked: the types of its arguments and of its answer, and who does it at the owner."""

    arguments: Any
    answer: Any
    function: Callable[..., Awaitable[Any]]


class _Request(msgspec.Struct, frozen=True, array_like=True):
    name: str
    partition: int
    arguments: msgspec.Raw


class _Reply(msgspec.Struct, frozen=True, array_like=True):
    status: int
    words: str = ""
    answer: msgspec.Raw = msgspec.Raw(b"\xc0")


_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(_Request)
_replies = msgspec.msgpack.Decoder(_Reply)


class OwnerCalls:
    """What this node does for others, and has them do. With the partition here a call is direct."""

    def __init__(self, bus: Bus, partitions: PartitionMap) -> None:
        self._bus = bus
        self._partitions = partitions
        self._calls: dict[str, Call] = {}
        self._decoders: dict[str, tuple[msgspec.msgpack.Decoder[Any], msgspec.msgpack.Decoder[Any]]] = {}
        self._changed = asyncio.Event()
        # What is waited for from which node, to be told when it is gone.
        self._open: dict[asyncio.Future[None], str] = {}
        bus.answer(SUBJECT, self._asked)
        partitions.node_changed(self._owners_changed)

    def offer(self, name: str, call: Call) -> None:
        """Let something be asked, here and from other nodes."""
        self._calls[name] = call
        decoders = (msgspec.msgpack.Decoder(call.arguments), msgspec.msgpack.Decoder(call.answer))
        self._decoders[name] = decoders

    def _owners_changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def forget_node(self, node: str) -> None:
        """A node is gone: it answers nothing any more."""
        for gone in [gone for gone, asked in self._open.items() if asked == node and not gone.done()]:
            gone.set_result(None)

    async def ask(self, partition: int, name: str, *arguments: Any) -> Any:
        """Ask the owner. Raises what it raises: `UnknownDevice`, `StoreError`; `NotServed` where there is
        none, `Unanswered` where it may have done what was asked."""
        call = self._calls[name]
        deadline = asyncio.get_running_loop().time() + OWNER_WITHIN
        why = "no node serves the device just now"
        try:
            async with asyncio.timeout_at(deadline) as patience:
                while True:
                    changed = self._changed
                    if self._partitions.mine(partition):
                        patience.reschedule(None)
                        return await call.function(*arguments)
                    owner = self._partitions.owner(partition)
                    if owner is not None and owner != self._bus.node:
                        patience.reschedule(None)
                        reply = await self._ask(owner, partition, name, arguments)
                        if reply.status != _NOT_OWNER:
                            return self._taken(name, reply)
                        why = reply.words or why
                        patience.reschedule(deadline)
                    await changed.wait()
        except TimeoutError:
            raise NotServed(why) from None

    async def _ask(self, owner: str, partition: int, name: str, arguments: Sequence[Any]) -> _Reply:
        request = _encode(_Request(name, partition, msgspec.Raw(_encode(arguments))))
        try:
            return _replies.decode(await self._answer(owner, request))
        except NotThere as error:
            # It has not got the request; another one will serve the device soon.
            return _Reply(_NOT_OWNER, str(error))
        except NodeAway as error:
            raise Unanswered(str(error)) from None
        except (RequestRefused, msgspec.DecodeError) as error:
            raise Unanswered(f"node {owner} could not answer: {error}") from None

    async def _answer(self, owner: str, request: bytes) -> bytes:
        answer = asyncio.ensure_future(self._bus.request(owner, SUBJECT, request, ANSWER_WITHIN))
        gone = asyncio.get_running_loop().create_future()
        self._open[gone] = owner
        try:
            await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise NodeAway(f"node {owner} is gone, and has not answered")
            return answer.result()
        finally:
            del self._open[gone]
            gone.cancel()
            answer.cancel()

    def _taken(self, name: str, reply: _Reply) -> Any:
        if reply.status == _UNKNOWN_DEVICE:
            raise UnknownDevice(reply.words)
        if reply.status == _STORE_FAILED:
            raise StoreError(reply.words)
        return self._decoders[name][1].decode(reply.answer)

    async def _asked(self, _node: str, payload: bytes) -> bytes:
        request = _requests.decode(payload)
        call = self._calls.get(request.name)
        if call is None:
            raise RequestRefused(f"this node does not know the call {request.name}")
        if not self._partitions.mine(request.partition):
            return _encode(_Reply(_NOT_OWNER))
        arguments = self._decoders[request.name][0].decode(request.arguments)
        try:
            answer = await call.function(*arguments)
        except UnknownDevice as error:
            return _encode(_Reply(_UNKNOWN_DEVICE, str(error)))
        except NotServed:
            return _encode(_Reply(_NOT_OWNER))
        except StoreError as error:
            return _encode(_Reply(_STORE_FAILED, str(error)))
        return _encode(_Reply(_DONE, answer=msgspec.Raw(_encode(answer))))
