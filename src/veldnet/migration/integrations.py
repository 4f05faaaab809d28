"""Integrations of another network server as a flow, with a connection for each address."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection as Database

from veldnet.domain.flows import ConnectionSecrets
from veldnet.inventory import flows
from veldnet.inventory.flows import Flow, Prepared
from veldnet.keys import Vaults, labels

from .model import Integration
from .report import Entry
from .target import Target


async def prepare_connections(
    integration: Integration, vaults: Vaults | None, *, allow_private: bool
) -> list[Prepared]:
    """The connections, checked and with their secrets sealed. Raises a `Refusal`."""
    made = []
    for body in integration.connections:
        prepared = flows.prepare(body, None, allow_private=allow_private)
        if vaults is not None and prepared.secrets != ConnectionSecrets():
            sealed = await vaults.seal(labels.CONNECTION, msgspec.json.encode(prepared.secrets))
            prepared = msgspec.structs.replace(prepared, sealed=sealed)
        made.append(prepared)
    return made


def write_flow(
    database: Database, target: Target, integration: Integration, prepared: list[Prepared], now_ms: int
) -> Entry:
    """Raises a `Refusal`."""
    name, scope = integration.name, target.scope
    if name in {each.name for each in flows.list_flows(database, scope)}:
        return Entry("flow", name, name, "exists")
    refs = [
        str(flows.create_connection(database, scope, body, each, now_ms).ref)
        for body, each in zip(integration.connections, prepared, strict=True)
    ]
    for ref in refs:
        target.made(database, "connection", ref)
    made = flows.create_flow(database, scope, Flow(name=name, tags=[integration.tag], connectionRefs=refs))
    target.made(database, "flow", str(made.ref))
    return Entry("flow", name, name, "moved", integration.remarks)
