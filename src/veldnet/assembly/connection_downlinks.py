"""Downlinks that come over connections: each is queued at the node that serves its device, and acknowledged
to the broker after that."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from veldnet.assembly.flow_decoders import FlowDecoders
from veldnet.cluster import Call, ClusterRequests, OwnerCalls
from veldnet.connections import Connection, Incoming
from veldnet.domain.devices import DeviceRow
from veldnet.domain.flows import OF_DEVICE, downlink_topics, values_in
from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest
from veldnet.network.shell import UnknownDevice
from veldnet.routing import DIALECTS, Answer, BadDownlink, Instruction
from veldnet.store import StoreError

if TYPE_CHECKING:
    from veldnet.assembly.connecting import Connecting
    from veldnet.assembly.platform import Platform

log = structlog.get_logger(__name__)

TASK = "downlinks of connections"
_CALL = "connection_downlinks"
# Seconds after which one is tried again that could not be queued.
_AGAIN = 1.0


class ConnectionDownlinks:
    """Downlinks of a connection are taken in order."""

    def __init__(self, platform: Platform, connecting: Connecting, decoders: FlowDecoders) -> None:
        self._platform, self._connecting, self._decoders = platform, connecting, decoders
        # What has come over each connection and waits for what came before it.
        self._inboxes: dict[int, deque[Incoming]] = {}
        self._requests: ClusterRequests | None = None

    def answer(self, calls: OwnerCalls, requests: ClusterRequests) -> None:
        """Have downlinks come to the nodes that serve their devices."""
        self._requests = requests
        calls.offer(_CALL, Call(tuple[int, str, bytes], str, self._forwarded))

    def received(self, incoming: Incoming) -> None:
        """Take what has come over a connection."""
        ref = incoming.connection.ref
        inbox = self._inboxes.get(ref)
        if inbox is not None:
            inbox.append(incoming)
            return
        self._inboxes[ref] = deque([incoming])
        self._platform.supervisor.start(TASK, self._take(ref))

    async def _take(self, ref: int) -> None:
        """Have queued what has come over a connection, in order."""
        inbox = self._inboxes[ref]
        try:
            while inbox:
                incoming = inbox[0]
                try:
                    await self._queue_at_owner(ref, incoming.topic, incoming.body)
                except BadDownlink as error:
                    log.info("downlink_refused", connection=ref, topic=incoming.topic[:200], error=str(error))
                except StoreError as error:
                    log.warning("downlink_waits", connection=ref, error=str(error))
                    await asyncio.sleep(_AGAIN)
                    continue
                incoming.done()
                inbox.popleft()
        finally:
            # What is left has no acknowledgement, so that the broker sends it again.
            del self._inboxes[ref]

    async def _queue_at_owner(self, ref: int, topic: str, body: bytes) -> None:
        """Have the downlinks of a message queued by the node that serves the device; durable when this
        returns. Raises `BadDownlink`, `StoreError`."""
        connection = self._connecting.table.get(ref)
        if connection is None:
            raise BadDownlink("the connection was deleted")
        row, listed = await self._read(connection, topic, body)
        if self._requests is None:
            await self._queue(connection, row, listed)
            return
        try:
            words = await self._requests.ask(row.ref, _CALL, ref, topic, body)
        except UnknownDevice:
            raise BadDownlink("the device was deleted") from None
        if words:
            raise BadDownlink(words)

    async def _forwarded(self, ref: int, topic: str, body: bytes) -> str:
        """A message that has come, here or at another node, for a device that is served here; returns what is
        wrong with it."""
        connection = self._connecting.table.get(ref)
        if connection is None:
            raise StoreError("the connection is not known at this node yet")
        try:
            row, listed = await self._read(connection, topic, body)
        except BadDownlink as error:
            return str(error)
        await self._queue(connection, row, listed)
        return ""

    async def _read(
        self, connection: Connection, topic: str, body: bytes
    ) -> tuple[DeviceRow, list[Instruction]]:
        """The device that a message is for, and what is to be sent to it. Raises `BadDownlink`."""
        settings = connection.settings
        templates = downlink_topics(settings)
        found = [values_in(template, topic) for template in templates]
        named = next((each for each in found if each is not None), None)
        if named is None:
            # A broker that keeps a session may still have a subscription of before.
            raise BadDownlink(f"the topic is not of the form {templates[0]}")
        replaces = found[0] is None
        listed = DIALECTS[settings.dialect].downlinks(body, self._platform.clock(), replaces=replaces)
        dev_eui = _device_of(named, listed[0])
        rows = await self._platform.store.devices_by_dev_eui([dev_eui])
        if not rows or all(
            each.ref != connection.ref for _flow, each in self._connecting.table.serving(rows[0])
        ):
            raise BadDownlink(f"no device {dev_eui} sends over this connection")
        return rows[0], listed

    async def _queue(self, connection: Connection, row: DeviceRow, listed: list[Instruction]) -> None:
        """Queue downlinks of a device that is served here, and say what became of them."""
        now = self._platform.clock()
        for instruction in listed:
            words = await self._submit(row, instruction)
            await self._answer(connection, row, Answer(instruction, words, now))

    async def _submit(self, row: DeviceRow, instruction: Instruction) -> str | None:
        """Queue a downlink; returns why it was refused."""
        fport, payload = instruction.fport, instruction.payload
        if instruction.values is not None:
            try:
                fport, payload = await self._decoders.encode(row, instruction)
            except BadDownlink as error:
                return str(error)
        request = DownlinkRequest(
            fport=fport,
            payload=payload,
            fcnt=instruction.fcnt,
            confirmed=instruction.confirmed,
            flush=instruction.replace,
            expires_at=instruction.expires_at,
            correlation_id=instruction.correlation_id,
            priority=instruction.priority,
        )
        try:
            refusal = await self._platform.network.local_requests.submit(DevEui.parse(row.dev_eui), request)
        except UnknownDevice:
            return "the device was deleted"
        return None if refusal is None else f"{refusal.message} (code {refusal.code})"

    async def _answer(self, connection: Connection, row: DeviceRow, answer: Answer) -> None:
        """Say over the connection what became of a downlink, where its dialect has a message for it."""
        messages = self._connecting.messages
        facts = messages.facts(connection, row.profile_ref)
        event = DIALECTS[connection.settings.dialect].answered(answer, row, facts)
        if event is not None:
            await self._platform.deliveries.post(row, messages.answer(event, connection, row))


def _device_of(named: dict[str, str], instruction: Instruction) -> str:
    """The DevEUI that topic and message name; they must agree. Raises `BadDownlink`."""
    found = {named[name].removeprefix("eui-").upper() for name in OF_DEVICE if name in named}
    if instruction.dev_eui is not None:
        found.add(instruction.dev_eui.upper())
    if len(found) != 1:
        raise BadDownlink("topic and message name different devices" if found else "no device is named")
    return found.pop()
