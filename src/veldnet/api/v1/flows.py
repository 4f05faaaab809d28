"""Flows and connections: messages of devices to applications."""

from __future__ import annotations

import contextlib
import time

import msgspec
from sqlalchemy import Connection as Database

from veldnet.api.errors import GatewayError, language_of
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.connections import KINDS, Field, FieldType, Kind, Shown
from veldnet.domain.errors import NotFound
from veldnet.domain.flows import ConnectionSecrets
from veldnet.domain.scope import Scope
from veldnet.inventory import flows
from veldnet.inventory.flows import Connection, Flow, Known, Prepared
from veldnet.keys import UNAVAILABLE, VaultError, labels
from veldnet.store import StoreError
from veldnet.texts import Language, in_language


class ConnectionTrial(msgspec.Struct):
    """What became of a test message: `address` is where it went (broker and topic, or URL), `answer` what was
    said there."""

    delivered: bool
    status: str
    error: str | None
    address: str | None
    answer: str | None
    ms: int


class KindField(msgspec.Struct):
    """A field of the form of a type of connection. `option` says that it is one of `options`; `shown` when it
    matters: `ALWAYS`, with an address of TLS (`SECURE`), or with `downlinks` (`DOWNLINKS`). Numbers are from
    `least` to `most`, texts have `most` characters."""

    name: str
    type: FieldType
    label: str
    help: str
    default: str | int | bool
    choices: list[str]
    required: bool
    option: bool
    secret: bool
    shown: Shown
    least: int
    most: int


class KindPreset(msgspec.Struct):
    """Settings for a cloud or product: an address with parts to replace, and values of fields by name."""

    id: str
    title: str
    help: str
    address: str
    values: dict[str, str | int | bool]


class ConnectionKind(msgspec.Struct):
    """A type of connection. Addresses begin with one of `schemes`; where it is one of `secureSchemes`, the
    server has a certificate."""

    type: str
    title: str
    schemes: list[str]
    secureSchemes: list[str]
    example: str
    downlinks: bool
    fields: list[KindField]
    presets: list[KindPreset]


@SUBSCRIBER.get("/connectionKinds", "listConnectionKinds", "Flows", "Types of connection.")
async def list_connection_kinds(request: Request) -> list[ConnectionKind]:
    """What the form of each type has, in the language of the caller."""
    language = language_of(request)
    return [_kind(kind, language) for kind in KINDS.values()]


def _kind(kind: Kind, language: Language) -> ConnectionKind:
    return ConnectionKind(
        kind.type,
        kind.title,
        list(kind.beginnings),
        list(kind.secure_beginnings),
        kind.example,
        kind.downlinks,
        [_field(field, language) for field in kind.fields],
        [
            KindPreset(each.id, each.title, in_language(each.help, language), each.address, dict(each.values))
            for each in kind.presets
        ],
    )


def _field(field: Field, language: Language) -> KindField:
    return KindField(
        field.name,
        field.type,
        in_language(field.label, language),
        in_language(field.help, language),
        field.default,
        list(field.choices),
        field.required,
        field.option,
        field.secret,
        field.shown,
        field.least,
        field.most,
    )


def _now(services: Services) -> int:
    return round(services.platform.clock() * 1000)


@SUBSCRIBER.get("/connections", "listConnections", "Flows", "Connections to applications.")
async def list_connections(request: Request, services: Services, scope: Scope) -> list[Connection]:
    """The subscriber's connections by name, and how they are."""
    now, language = _now(services), language_of(request)
    return await services.read(lambda c: flows.list_connections(c, scope, now, language))


@SUBSCRIBER.get("/connections/{connectionRef}", "getConnection", "Flows", "A connection.")
async def get_connection(
    connection_ref: str, request: Request, services: Services, scope: Scope
) -> Connection:
    now, language = _now(services), language_of(request)
    return await services.read(lambda c: flows.get_connection(c, scope, connection_ref, now, language))


@SUBSCRIBER.post("/connections", "createConnection", "Flows", "Create a connection.", status=201)
async def create_connection(services: Services, scope: Scope, body: Connection) -> Connection:
    """Nothing goes over it until a flow uses it."""
    prepared, now = await _sealed(services, _prepared(services, body, None)), _now(services)
    return await services.change(
        lambda c: flows.create_connection(c, scope, body, prepared, now),
        by=scope,
        action="connection.created",
        details={"name": str(body.name)},
    )


@SUBSCRIBER.put("/connections/{connectionRef}", "updateConnection", "Flows", "Change a connection.")
async def update_connection(
    connection_ref: str, services: Services, scope: Scope, body: Connection
) -> Connection:
    """Change what is given; messages that wait go as it is then."""
    known = await _opened(services, scope, connection_ref)
    prepared, now = await _sealed(services, _prepared(services, body, known)), _now(services)
    return await services.change(
        lambda c: flows.update_connection(c, scope, connection_ref, body, prepared, now),
        by=scope,
        action="connection.changed",
        what=f"connection {connection_ref}",
    )


@SUBSCRIBER.delete("/connections/{connectionRef}", "deleteConnection", "Flows", "Delete a connection.")
async def delete_connection(connection_ref: str, services: Services, scope: Scope) -> None:
    """Only where no flow uses it; messages that wait for it become undelivered."""
    await services.change(
        lambda c: flows.delete_connection(c, scope, connection_ref),
        by=scope,
        action="connection.deleted",
        what=f"connection {connection_ref}",
    )


@SUBSCRIBER.post(
    "/connections/{connectionRef}/trial", "tryConnection", "Flows", "Send a test message over a connection."
)
async def try_connection(
    connection_ref: str, request: Request, services: Services, scope: Scope
) -> ConnectionTrial:
    """Send a test message now, beside those that wait, and show what came of it."""
    ref = await services.read(lambda c: flows.connection_ref(c, scope, connection_ref))
    quota = services.trials.take(str(scope.subscriber_ref))
    if quota is not None and not quota.allowed:
        raise GatewayError(429, "Too many test deliveries; wait a minute")
    begun = time.monotonic()
    outcome = await services.platform.deliveries.try_connection(ref, scope.subscriber_ref)
    if outcome is None:
        raise NotFound("Connection", connection_ref)
    ms = round((time.monotonic() - begun) * 1000)
    # Who looks at the connection now sees what came of it. Where that cannot be written, a chore does, soon.
    with contextlib.suppress(StoreError):
        await services.platform.connecting.write()
    error = None if outcome.error is None else in_language(outcome.error, language_of(request))
    return ConnectionTrial(outcome.delivered, outcome.status, error, outcome.url, outcome.answer, ms)


def _prepared(services: Services, body: Connection, known: Known | None) -> Prepared:
    allowed = services.platform.settings.routing.allow_private_destinations
    return flows.prepare(body, known, allow_private=allowed)


async def _sealed(services: Services, prepared: Prepared) -> Prepared:
    if prepared.secrets == ConnectionSecrets():
        return prepared
    octets = msgspec.json.encode(prepared.secrets)
    sealed = await services.platform.vault.seal(labels.CONNECTION, octets)
    return msgspec.structs.replace(prepared, sealed=sealed)


async def _opened(services: Services, scope: Scope, ref: str) -> Known:
    """A connection with its secrets; those that no key opens any more are to be given again."""

    def read(database: Database) -> tuple[Known, bytes | None]:
        return flows.sealed_secrets(database, scope, ref)

    known, sealed = await services.read(read)
    if sealed is None:
        return known
    try:
        octets = await services.platform.vault.unseal(labels.CONNECTION, sealed)
        secrets = msgspec.json.decode(octets, type=ConnectionSecrets)
    except msgspec.MsgspecError:
        return known
    except VaultError as error:
        # What only cannot be opened just now would be lost.
        if error.code in UNAVAILABLE:
            raise
        return known
    return msgspec.structs.replace(known, secrets=secrets)


@SUBSCRIBER.get("/flows", "listFlows", "Flows", "Flows.")
async def list_flows(services: Services, scope: Scope) -> list[Flow]:
    """The subscriber's flows by name."""
    return await services.read(lambda c: flows.list_flows(c, scope))


@SUBSCRIBER.get("/flows/{flowRef}", "getFlow", "Flows", "A flow.")
async def get_flow(flow_ref: str, services: Services, scope: Scope) -> Flow:
    return await services.read(lambda c: flows.get_flow(c, scope, flow_ref))


@SUBSCRIBER.post("/flows", "createFlow", "Flows", "Create a flow.", status=201)
async def create_flow(services: Services, scope: Scope, body: Flow) -> Flow:
    """It takes the messages of frames that are heard from now on."""
    return await services.change(
        lambda c: flows.create_flow(c, scope, body),
        by=scope,
        action="flow.created",
        details={"name": str(body.name)},
    )


@SUBSCRIBER.put("/flows/{flowRef}", "updateFlow", "Flows", "Change a flow.")
async def update_flow(flow_ref: str, services: Services, scope: Scope, body: Flow) -> Flow:
    """Change what is given; a new transformation holds for messages that wait, too."""
    return await services.change(
        lambda c: flows.update_flow(c, scope, flow_ref, body),
        by=scope,
        action="flow.changed",
        what=f"flow {flow_ref}",
    )


@SUBSCRIBER.delete("/flows/{flowRef}", "deleteFlow", "Flows", "Delete a flow.")
async def delete_flow(flow_ref: str, services: Services, scope: Scope) -> None:
    """Messages that wait are delivered all the same, without its driver and transformation."""
    await services.change(
        lambda c: flows.delete_flow(c, scope, flow_ref),
        by=scope,
        action="flow.deleted",
        what=f"flow {flow_ref}",
    )
