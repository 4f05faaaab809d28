"""Flows and connections of a running process: their decoders, downlinks, and how connections are."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import Connection as Database
from sqlalchemy import delete, select

from veldnet.decoders import CayenneError, Decoded, Function, decode_cayenne
from veldnet.domain.devices import DeviceRow
from veldnet.domain.flows import DOWNLINK_TOPICS, OF_DEVICE, values_in
from veldnet.inventory import decoders
from veldnet.inventory.decoders import Program
from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest
from veldnet.network.shell import UnknownDevice
from veldnet.outgoing import Resolver
from veldnet.routing import (
    DIALECTS,
    Answer,
    BadDownlink,
    Connectors,
    Decoding,
    FlowMessages,
    FlowNote,
    FlowTable,
    Incoming,
    Instruction,
    MessageWriter,
    Surroundings,
)
from veldnet.store import StoreError, put
from veldnet.store.schema import connection_states, connections

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

log = structlog.get_logger(__name__)

TASK = "downlinks of connections"
# Seconds for which a decoder is not read again.
_PROGRAM_FOR = 5.0
_MOST_PROGRAMS = 1_000
# Milliseconds after which a node says again how its connections are.
_SAY_EVERY = 20_000
_MOST_OCTETS = 250


class Connecting:
    """Beside the ledger, which delivers."""

    def __init__(self, platform: Platform, writer: MessageWriter) -> None:
        routing = platform.settings.routing
        self._platform = platform
        self.table = FlowTable(platform.store, platform.vault)
        self.messages = FlowMessages(self.table, writer, platform.base_stations)
        around = Surroundings(
            routing.allow_private_destinations,
            Resolver(allow_private=routing.allow_private_destinations),
            platform.supervisor,
            platform.clock,
            self._received,
            self._ready,
            routing.connect_timeout,
            routing.total_timeout,
        )
        self.connectors = Connectors(self.table, around, self._decode)
        self._programs: dict[tuple[int, int], tuple[float, Program | None]] = {}
        # What has come over each connection and waits for what came before it.
        self._inboxes: dict[int, deque[Incoming]] = {}
        self._said_at = 0

    @property
    def _node(self) -> str:
        return "" if self._platform.cluster is None else self._platform.cluster.name

    async def start(self) -> None:
        """Load flows and connections, and forget what an earlier process has said of them."""
        node = self._node
        await self._platform.store.write(
            lambda c: c.execute(delete(connection_states).where(connection_states.c.node == node))
        )
        await self.table.load()
        await self.connectors.refresh()

    async def connection_changed(self, ref: int) -> None:
        await self.table.reload_connection(ref)
        await self.connectors.refresh()
        self._ready(ref)

    async def flows_changed(self) -> None:
        self._programs.clear()
        await self.table.load_flows()
        await self.connectors.refresh()

    async def profiles_changed(self) -> None:
        """Device profiles, among other rules: some flows name them, and messages of a dialect."""
        if self.table.names_profiles:
            await self.table.load_flows()

    def _ready(self, ref: int) -> None:
        self._platform.deliveries.connection_ready(ref)

    # How connections are.

    async def write(self) -> None:
        """Write how connections are, where that has changed. Raises `StoreError`."""
        now, node = round(self._platform.clock() * 1000), self._node
        again = bool(node) and now - self._said_at >= _SAY_EVERY
        said = [(ref, each) for ref, each in self.connectors.conditions.items() if each.changed or again]
        if not said:
            return
        for _ref, condition in said:
            condition.changed = False
        rows = [
            {
                "connection_ref": ref,
                "node": node,
                "updated_at": now,
                **{name: getattr(condition, name) for name in _SAID},
            }
            for ref, condition in said
        ]

        def write(database: Database) -> None:
            there = set(database.execute(select(connections.c.ref)).scalars())
            for row in rows:
                if row["connection_ref"] in there:
                    put(database, connection_states, row)

        try:
            await self._platform.store.write(write)
        except StoreError:
            for _ref, condition in said:
                condition.changed = True
            raise
        self._said_at = now

    # Decoders.

    async def _program(self, subscriber_ref: int, profile_ref: int) -> Program | None:
        key, now = (subscriber_ref, profile_ref), time.monotonic()
        known = self._programs.get(key)
        if known is not None and known[0] > now:
            return known[1]
        found = await self._platform.store.read(lambda c: decoders.programs(c, subscriber_ref, {profile_ref}))
        if len(self._programs) >= _MOST_PROGRAMS:
            self._programs.clear()
        program = found.get(profile_ref)
        self._programs[key] = now + _PROGRAM_FOR, program
        return program

    async def _run(
        self, subscriber_ref: int, program: Program, function: Function, given: dict[str, Any]
    ) -> Decoded:
        (answer,) = await self._platform.decoders.run(
            subscriber_ref, program.source, function, [given], patient=True
        )
        return answer

    async def _decode(self, subscriber_ref: int, note: FlowNote) -> Decoding | None:
        assert note.payload is not None
        program = await self._program(subscriber_ref, note.profile_ref)
        if program is None:
            return None
        if program.kind != "JAVASCRIPT":
            try:
                return Decoding(decode_cayenne(note.payload).values)
            except CayenneError as error:
                return Decoding(error=str(error))
        given = {
            "bytes": list(note.payload),
            "fPort": note.fport or 0,
            "recvTime": note.time,
            "variables": {},
        }
        answer = await self._run(subscriber_ref, program, "decodeUplink", given)
        if answer.value is None:
            return Decoding(error=str(answer.error))
        result = msgspec.json.decode(answer.value)
        if not isinstance(result, dict) or result.get("errors"):
            return Decoding(error=_words(result))
        warnings = result.get("warnings") or []
        listed = warnings if isinstance(warnings, list) else [warnings]
        return Decoding(result.get("data"), tuple(str(each)[:500] for each in listed[:20]))

    # Downlinks.

    def _received(self, incoming: Incoming) -> None:
        ref = incoming.connection.ref
        inbox = self._inboxes.get(ref)
        if inbox is not None:
            inbox.append(incoming)
            return
        self._inboxes[ref] = deque([incoming])
        self._platform.supervisor.start(TASK, self._take(ref))

    async def _take(self, ref: int) -> None:
        """Submit what has come over a connection, in order."""
        inbox = self._inboxes[ref]
        try:
            while inbox:
                incoming = inbox[0]
                try:
                    await self._submit_all(incoming)
                except BadDownlink as error:
                    log.info("downlink_refused", connection=ref, topic=incoming.topic[:200], error=str(error))
                except StoreError as error:
                    log.warning("downlink_waits", connection=ref, error=str(error))
                    await asyncio.sleep(1.0)
                    continue
                incoming.done()
                inbox.popleft()
        finally:
            # What is left has no acknowledgement, so that the broker sends it again.
            del self._inboxes[ref]

    async def _submit_all(self, incoming: Incoming) -> None:
        connection = incoming.connection
        settings = connection.settings
        template = settings.downlink_topic or DOWNLINK_TOPICS[settings.dialect]
        named = values_in(template, incoming.topic)
        if named is None:
            # A broker that keeps a session may still have a subscription of before.
            raise BadDownlink(f"the topic is not of the form {template}")
        now = self._platform.clock()
        listed = DIALECTS[settings.dialect].downlinks(incoming.body, now)
        dev_eui = _device_of(named, listed[0])
        rows = await self._platform.store.devices_by_dev_eui([dev_eui])
        served = rows and any(each is connection for _flow, each in self.table.serving(rows[0]))
        if not served:
            raise BadDownlink(f"no device {dev_eui} sends over this connection")
        row = rows[0]
        if row.partition not in self._platform.network.devices.owned:
            # The node that serves it is connected, too.
            return
        for instruction in listed:
            words = await self._submit(row, instruction)
            await self._answer(incoming, row, Answer(instruction, words, now))

    async def _submit(self, row: DeviceRow, instruction: Instruction) -> str | None:
        """Queue a downlink; returns why it was refused."""
        fport, payload = instruction.fport, instruction.payload
        if instruction.values is not None:
            try:
                fport, payload = await self._encoded(row, instruction)
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
            refusal = await self._platform.network.requests.submit(DevEui.parse(row.dev_eui), request)
        except UnknownDevice:
            return "the device was deleted"
        return None if refusal is None else f"{refusal.message} (code {refusal.code})"

    async def _encoded(self, row: DeviceRow, instruction: Instruction) -> tuple[int | None, bytes]:
        """Port and octets that the decoder of the profile makes of an object. Raises `BadDownlink`."""
        program = await self._program(row.subscriber_ref, row.profile_ref)
        if program is None or program.kind != "JAVASCRIPT":
            raise BadDownlink("the device profile has no decoder with encodeDownlink; give octets")
        given = {"data": instruction.values}
        answer = await self._run(row.subscriber_ref, program, "encodeDownlink", given)
        if answer.value is None:
            raise BadDownlink(f"encodeDownlink failed: {answer.error}")
        made = msgspec.json.decode(answer.value)
        octets = made.get("bytes") if isinstance(made, dict) else None
        if not isinstance(octets, list) or len(octets) > _MOST_OCTETS or made.get("errors"):
            raise BadDownlink(f"encodeDownlink failed: {_words(made)}")
        try:
            return instruction.fport or int(made.get("fPort") or 1), bytes(octets)
        except (TypeError, ValueError):
            raise BadDownlink("encodeDownlink returned no octets") from None

    async def _answer(self, incoming: Incoming, row: DeviceRow, answer: Answer) -> None:
        """Say over the connection what became of a downlink, where its dialect has a message for it."""
        connection = incoming.connection
        facts = self.messages.facts(connection, row.profile_ref)
        event = DIALECTS[connection.settings.dialect].answered(answer, row, facts)
        if event is not None:
            await self._platform.deliveries.post(row, self.messages.answer(event, connection, row))


_SAID = ("status", "reason", "since", "delivered", "failed", "received", "delivered_at")


def _device_of(named: dict[str, str], instruction: Instruction) -> str:
    """The DevEUI that topic and message name; they must agree. Raises `BadDownlink`."""
    found = {named[name].removeprefix("eui-").upper() for name in OF_DEVICE if name in named}
    if instruction.dev_eui is not None:
        found.add(instruction.dev_eui.upper())
    if len(found) != 1:
        raise BadDownlink("topic and message name different devices" if found else "no device is named")
    return found.pop()


def _words(result: Any) -> str:
    """What a decoder says is wrong."""
    errors = result.get("errors") if isinstance(result, dict) else None
    if not errors:
        return "it returned no result"
    listed = errors if isinstance(errors, list) else [errors]
    return "; ".join(str(each)[:200] for each in listed[:5])
