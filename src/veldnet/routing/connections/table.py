"""Flows and connections in memory, with their secrets opened, loaded again on change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection as Database
from sqlalchemy import select

from veldnet.connections import Connection
from veldnet.domain.devices import DeviceRow
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings, FlowSettings
from veldnet.keys import Vault, VaultError, labels
from veldnet.store import Store, readable
from veldnet.store.schema import connections, device_profiles, flow_connections, flows, subscribers
from veldnet.texts import Text

from .model import Flow

log = structlog.get_logger(__name__)

_settings = msgspec.json.Decoder(ConnectionSettings)
_secrets = msgspec.json.Decoder(ConnectionSecrets)
_flow_settings = msgspec.json.Decoder(FlowSettings)


class _Row(NamedTuple):
    ref: int
    subscriber_ref: int
    customer_id: str
    name: str
    active: bool
    settings: str
    sealed_secrets: bytes | None


class FlowTable:
    """All flows, by subscriber, and connections, by reference."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self.connections: dict[int, Connection] = {}
        self._flows: dict[int, tuple[Flow, ...]] = {}
        # Ids of device profiles, by their numbers.
        self.profile_ids: dict[int, str] = {}

    async def load(self) -> None:
        self.connections = await self._read_connections(None)
        await self.load_flows()

    async def load_flows(self) -> None:
        """Flows are few; all of them are read when one has changed, or a device profile."""
        await self._store.read(self._read_flows)

    async def reload_connection(self, ref: int) -> None:
        """Take up a change of one connection, or its removal."""
        found = (await self._read_connections(ref)).get(ref)
        if found is None:
            self.connections.pop(ref, None)
        else:
            self.connections[ref] = found

    def get(self, ref: int) -> Connection | None:
        return self.connections.get(ref)

    def serving(self, row: DeviceRow) -> list[tuple[Flow, Connection]]:
        """The flows that take messages of a device, and the connections they go over."""
        of_subscriber = self._flows.get(row.subscriber_ref)
        if of_subscriber is None:
            return []
        found = []
        for flow in of_subscriber:
            if not flow.chooses(row):
                continue
            for ref in flow.connections:
                connection = self.connections.get(ref)
                if connection is not None and connection.active:
                    found.append((flow, connection))
        return found

    def flow(self, ref: int, subscriber_ref: int) -> Flow | None:
        """A flow that is still there, and active."""
        listed = self._flows.get(subscriber_ref, ())
        return next((flow for flow in listed if flow.ref == ref), None)

    @property
    def used(self) -> Collection[int]:
        """The connections that active flows use."""
        return {ref for listed in self._flows.values() for flow in listed for ref in flow.connections}

    @property
    def names_profiles(self) -> bool:
        """Whether the ids of device profiles matter to a flow or its messages."""
        if any(flow.profiles is not None for listed in self._flows.values() for flow in listed):
            return True
        used = (self.connections.get(ref) for ref in self.used)
        return any(each is not None and each.settings.dialect == "CHIRPSTACK" for each in used)

    def _read_flows(self, database: Database) -> None:
        profiles: dict[int, str] = {}
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        for ref, profile_id in database.execute(select(device_profiles.c.ref, device_profiles.c.id)):
            profiles[ref] = profile_id
            numbers[profile_id].add(ref)
        used: defaultdict[int, list[int]] = defaultdict(list)
        links = select(flow_connections.c.flow_ref, flow_connections.c.connection_ref)
        for flow_ref, connection_ref in database.execute(links.order_by(flow_connections.c.connection_ref)):
            used[flow_ref].append(connection_ref)
        listed: defaultdict[int, list[Flow]] = defaultdict(list)
        query = select(flows.c.ref, flows.c.subscriber_ref, flows.c.settings).where(flows.c.active)

        def read(row: Any) -> Flow:
            settings = _flow_settings.decode(row.settings)
            chosen = frozenset[int]().union(*(numbers[each] for each in settings.device_profiles))
            profiles = chosen if settings.device_profiles else None
            return Flow(row.ref, row.subscriber_ref, settings, tuple(used[row.ref]), profiles)

        for flow in readable("flow", database.execute(query.order_by(flows.c.ref)), read):
            listed[flow.subscriber_ref].append(flow)
        self._flows = {subscriber_ref: tuple(each) for subscriber_ref, each in listed.items()}
        self.profile_ids = profiles

    async def _read_connections(self, ref: int | None) -> dict[int, Connection]:
        def query(database: Database) -> list[_Row]:
            columns: list[Any] = [
                subscribers.c.customer_id if name == "customer_id" else connections.c[name]
                for name in _Row._fields
            ]
            rows = select(*columns).join(subscribers, subscribers.c.ref == connections.c.subscriber_ref)
            if ref is not None:
                rows = rows.where(connections.c.ref == ref)
            return [_Row(*row) for row in database.execute(rows)]

        rows = await self._store.read(query)
        read = readable("connection", rows, lambda row: (row, _settings.decode(row.settings)))
        return {row.ref: await self._connection(row, settings) for row, settings in read}

    async def _connection(self, row: _Row, settings: ConnectionSettings) -> Connection:
        secrets, problem = ConnectionSecrets(), None
        if row.sealed_secrets is not None:
            try:
                opened = await self._vault.unseal(labels.CONNECTION, row.sealed_secrets)
                secrets = _secrets.decode(opened)
            except (VaultError, msgspec.DecodeError) as error:
                log.error("connection_secrets_unreadable", connection=row.ref, error=str(error))
                problem = Text("its password or keys cannot be read with the master key; set them again")
        return Connection(
            row.ref,
            row.subscriber_ref,
            row.customer_id,
            row.name,
            bool(row.active),
            settings,
            secrets,
            problem,
        )
