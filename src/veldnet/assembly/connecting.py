"""Flows and connections of a running process: their decoders, and how connections are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection as Database
from sqlalchemy import delete, select

from veldnet.assembly.connection_downlinks import ConnectionDownlinks
from veldnet.assembly.flow_decoders import FlowDecoders
from veldnet.connections import MakeTransport, Surroundings
from veldnet.domain.flows import ConnectionType
from veldnet.outgoing import Resolver
from veldnet.routing import TRANSPORTS, FlowMessages, FlowTable, MessageWriter, OpenConnections
from veldnet.store import StoreError, put
from veldnet.store.schema import connection_states, connections
from veldnet.texts import pack

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

log = structlog.get_logger(__name__)

# Milliseconds after which a node says again how its connections are.
_SAY_EVERY = 20_000


class Connecting:
    """Beside the ledger, which delivers."""

    def __init__(
        self,
        platform: Platform,
        writer: MessageWriter,
        transports: Mapping[ConnectionType, MakeTransport] = TRANSPORTS,
    ) -> None:
        routing = platform.settings.routing
        self._platform = platform
        self.table = FlowTable(platform.store, platform.vault)
        self.messages = FlowMessages(self.table, writer, platform.base_stations)
        self._decoders = FlowDecoders(platform)
        self.downlinks = ConnectionDownlinks(platform, self, self._decoders)
        around = Surroundings(
            routing.allow_private_destinations,
            Resolver(allow_private=routing.allow_private_destinations),
            platform.supervisor,
            platform.clock,
            self.downlinks.received,
            self._ready,
            routing.connect_timeout,
            routing.total_timeout,
            node=self._node,
            takes=self._takes,
        )
        self.open_connections = OpenConnections(self.table, around, self._decoders.decode, transports)
        if platform.cluster is not None:
            platform.cluster.partitions.node_changed(self.open_connections.takers_changed)
        self._said_at = 0

    @property
    def _node(self) -> str:
        return "" if self._platform.cluster is None else self._platform.cluster.name

    def _takes(self, ref: int) -> bool:
        """Whether this node takes what comes over a connection: of several one does, and another one as soon
        as that one is gone."""
        cluster = self._platform.cluster
        return cluster is None or cluster.partitions.mine(ref % cluster.partitions.partitions)

    async def start(self) -> None:
        """Load flows and connections, and forget what an earlier process has said of them."""
        node = self._node
        await self._platform.store.write(
            lambda c: c.execute(delete(connection_states).where(connection_states.c.node == node))
        )
        await self.table.load()
        self.open_connections.refresh()

    async def connection_changed(self, ref: int) -> None:
        await self.table.reload_connection(ref)
        self.open_connections.refresh()
        self._platform.deliveries.connection_changed(ref)

    async def flows_changed(self) -> None:
        self._decoders.forget()
        await self.table.load_flows()
        self.open_connections.refresh()

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
        known = self.open_connections.conditions.items()
        said = [(ref, each) for ref, each in known if each.changed or again]
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
                "reason": None if condition.reason is None else pack(condition.reason),
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


_SAID = ("status", "since", "delivered", "failed", "received", "delivered_at")
