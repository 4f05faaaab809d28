"""Connections and flows of a document."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection as Database

from veldnet.connections import KINDS as TYPES
from veldnet.connections import kind_of
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.flows import ConnectionSecrets
from veldnet.inventory import flows
from veldnet.inventory.differences import Difference
from veldnet.inventory.flows import Connection, Flow, Known
from veldnet.keys import UNAVAILABLE, VaultError, labels

from .documents import SECRETS, ConnectionItem, FlowItem
from .kinds import Context, Here, Keys, Kind, Ready, by_name, members_of, unreadable

_HIDDEN = "(hidden)"
_FLOW_MEMBERS = ("active", "tags", "deviceProfileIds", "strategies", "ports", "driver", "transformation")
# Set by the server.
_OF_SERVER = ("ref", "name", "clear", "state", "creationTime", "lastUpdateTime", "lastUpdateUser")
_WORDS = {"true": True, "false": False}


# Connections.


def _connections(database: Database, context: Context) -> dict[str, Here]:
    found: dict[str, Here] = {}
    for each in flows.list_connections(database, context.scope, context.now_ms):
        if each.type is UNSET:
            reason = "" if each.state is UNSET else each.state.reason
            by_name(found, str(each.name), unreadable(str(reason)))
            continue
        members = {
            name: value
            for name in each.__struct_fields__
            if name not in _OF_SERVER and name not in SECRETS and (value := getattr(each, name)) is not UNSET
        }
        # Values of headers are secrets.
        members.pop("headers", None)
        members["options"] = {
            name: value for name, value in members.get("options", {}).items() if value != flows.HIDDEN
        }
        by_name(found, str(each.name), Here(str(each.ref), members))
    return found


def _wanted_connection(item: ConnectionItem) -> dict[str, Any]:
    wanted = members_of(item, "name", "headers", *SECRETS)
    if item.options is not UNSET and item.type is not UNSET:
        kind = kind_of(TYPES, item.type)
        hidden = {field.name for field in kind.fields if field.secret}
        given = _options(item)
        wanted["options"] = {name: value for name, value in given.items() if name not in hidden}
    return wanted


def _options(item: ConnectionItem) -> dict[str, Any]:
    """Options in the types that they have; a document has texts alone. Raises `InvalidField`."""
    if item.options is UNSET:
        return {}
    if item.type is UNSET:
        raise MissingField("type is mandatory with options")
    kind = kind_of(TYPES, item.type)
    found: dict[str, Any] = {}
    for name, value in item.options.items():
        field = kind.field(name)
        text = str(value).lower()
        if field is not None and field.type == "BOOLEAN" and text in _WORDS:
            found[name] = _WORDS[text]
        elif field is not None and field.type == "NUMBER" and text.lstrip("-").isdecimal() and len(text) < 20:
            found[name] = int(text)
        else:
            found[name] = value if isinstance(value, int | bool) else str(value)
    return found


async def _prepare_connection(keys: Keys, context: Context, item: ConnectionItem, here: Here | None) -> Ready:
    body = Connection(**members_of(item, "options"))
    if item.options is not UNSET:
        body.options = _options(item)
    known = None if here is None else await _opened(keys, context, here.ref)
    prepared = flows.prepare(body, known, allow_private=context.allow_private)
    before = ConnectionSecrets() if known is None else known.secrets
    changed = tuple(_hidden_differences(before, prepared.secrets))
    if prepared.secrets != ConnectionSecrets():
        octets = msgspec.json.encode(prepared.secrets)
        prepared = msgspec.structs.replace(prepared, sealed=await keys.vaults.seal(labels.CONNECTION, octets))
    return Ready((body, prepared), changed)


async def _opened(keys: Keys, context: Context, ref: str) -> Known:
    """A connection with its secrets; those that no key opens any more are to be given again."""
    known, sealed = await keys.store.read(lambda c: flows.sealed_secrets(c, context.scope, ref))
    if sealed is None:
        return known
    try:
        octets = await keys.vaults.unseal(labels.CONNECTION, sealed)
    except VaultError as error:
        # What only cannot be opened just now would be lost.
        if error.code in UNAVAILABLE:
            raise
        return known
    return msgspec.structs.replace(known, secrets=msgspec.json.decode(octets, type=ConnectionSecrets))


def _hidden_differences(before: ConnectionSecrets, wanted: ConnectionSecrets) -> list[Difference]:
    found = []
    for member, name in (("password", "password"), ("clientKey", "client_key")):
        if getattr(before, name) != getattr(wanted, name):
            found.append((member, getattr(before, name), getattr(wanted, name)))
    for holder in ("headers", "options"):
        there, now = getattr(before, holder), getattr(wanted, holder)
        found += [
            (f"{holder}.{name}", there.get(name), now.get(name))
            for name in {**there, **now}
            if there.get(name) != now.get(name)
        ]
    return [
        Difference(member, _HIDDEN if old else None, _HIDDEN if new else None) for member, old, new in found
    ]


def _write_connection(
    database: Database, context: Context, _item: ConnectionItem, here: Here | None, ready: Ready
) -> None:
    body, prepared = ready.made
    if here is None:
        flows.create_connection(database, context.scope, body, prepared, context.now_ms)
    else:
        flows.update_connection(database, context.scope, here.ref, body, prepared, context.now_ms)


# Flows.


def _flows(database: Database, context: Context) -> dict[str, Here]:
    names = {
        str(each.ref): str(each.name)
        for each in flows.list_connections(database, context.scope, context.now_ms)
    }
    found: dict[str, Here] = {}
    for each in flows.list_flows(database, context.scope):
        if each.problem is not UNSET:
            by_name(found, str(each.name), unreadable(each.problem))
            continue
        members = {name: getattr(each, name) for name in _FLOW_MEMBERS}
        members["connections"] = [names[ref] for ref in each.connectionRefs or () if ref in names]
        by_name(found, str(each.name), Here(str(each.ref), members))
    return found


def _wanted_flow(item: FlowItem) -> dict[str, Any]:
    return members_of(item, "name")


def _write_flow(
    database: Database, context: Context, item: FlowItem, here: Here | None, _ready: Ready
) -> None:
    body = Flow(name=item.name)
    for name in _FLOW_MEMBERS:
        setattr(body, name, getattr(item, name))
    if item.transformation == "":
        body.transformation, body.clear = UNSET, ["transformation"]
    if item.connections is not UNSET:
        body.connectionRefs = [_ref(database, context, name) for name in item.connections]
    if here is None:
        flows.create_flow(database, context.scope, body)
    else:
        flows.update_flow(database, context.scope, here.ref, body)


def _ref(database: Database, context: Context, name: str) -> str:
    known = _connections(database, context).get(name)
    if known is None:
        raise MissingField("there is no connection {name}; name it under connections", name=name[:80])
    if not known.ref:
        raise InvalidField("there are several connections {name}; rename all but one", name=name[:80])
    return known.ref


CONNECTIONS = Kind(_connections, _wanted_connection, _write_connection, _prepare_connection)
FLOWS = Kind(_flows, _wanted_flow, _write_flow)
