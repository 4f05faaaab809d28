"""Connections: created, shown, changed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection as Database
from sqlalchemy import delete, func, insert, select, update

from veldnet.connections import KINDS, MEMBERS, Kind, Option, kind_of
from veldnet.domain.errors import Conflict, InUse, InvalidField, MissingField, NotFound
from veldnet.domain.flows import DOWNLINK_TOPICS, TOPICS, ConnectionSecrets, ConnectionSettings
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment, readable
from veldnet.store.schema import (
    connection_states,
    connections,
    deliveries,
    flow_connections,
    flows,
    subscribers,
)
from veldnet.texts import Language, Plural, Text, in_language, stored_in

from .checks import check_connection
from .resources import HIDDEN, Connection, ConnectionState, Status

_MOST = 50
_COUNTED = 10_000
# Milliseconds after which what a node has said of a connection does not count any more.
_STALE = 60_000
# Members that are settings, by their names in the store.
_SETTINGS = {
    "type": "type",
    "dialect": "dialect",
    "address": "address",
    "applicationId": "application_id",
    "tenantId": "tenant_id",
    **MEMBERS,
}
_SECRETS = {"password": "password", "clientKey": "client_key"}
_decoder = msgspec.json.Decoder(ConnectionSettings)


class Prepared(msgspec.Struct, frozen=True):
    """A connection that has been checked; `sealed` are its secrets. `seen` is when the row was last changed
    that it is made of, None of a new one."""

    settings: ConnectionSettings
    secrets: ConnectionSecrets
    sealed: bytes | None = None
    seen: int | None = None


class Known(msgspec.Struct, frozen=True):
    """A connection as it is stored; without `settings` these cannot be read. `seen` is when it was last
    changed."""

    settings: ConnectionSettings | None
    secrets: ConnectionSecrets
    seen: int


def prepare(body: Connection, now: Known | None, *, allow_private: bool) -> Prepared:
    """What a connection is to be: what is given, in place of what it is now. Raises `InvalidField`."""
    members = {name: getattr(body, name) for name in _SETTINGS if getattr(body, name) is not UNSET}
    if now is None or now.settings is None:
        for name in ("name", "type", "address") if now is None else ("type", "address"):
            if getattr(body, name) is UNSET:
                raise MissingField("{name} is mandatory", name=name)
        known: dict[str, Any] = {}
        secrets = ConnectionSecrets() if now is None else now.secrets
    else:
        if members.get("type", now.settings.type) != now.settings.type:
            raise InvalidField("type cannot be changed; create another connection")
        known, secrets = msgspec.structs.asdict(now.settings), now.secrets
    cleared = body.clear or ()
    known |= {_SETTINGS[name]: "" for name in cleared if name in _SETTINGS}
    private = {_SECRETS[name]: "" for name in cleared if name in _SECRETS}
    secrets = msgspec.structs.replace(secrets, **private)
    known |= {_SETTINGS[name]: value for name, value in members.items()}
    secrets = _secrets(body, secrets)
    if body.options is not UNSET:
        kind = kind_of(KINDS, known["type"])
        known["options"], kept = _options(kind, body.options, known.get("options", {}), secrets.options)
        secrets = msgspec.structs.replace(secrets, options=kept)
    settings = msgspec.convert(known, ConnectionSettings)
    check_connection(settings, secrets, allow_private=allow_private)
    return Prepared(settings, secrets, None, None if now is None else now.seen)


def _options(
    kind: Kind, given: dict[str, Option], known: dict[str, Option], secrets: dict[str, str]
) -> tuple[dict[str, Option], dict[str, str]]:
    """Options as given, those that are secrets apart; an empty one loses its value. Raises `InvalidField`."""
    plain, hidden = dict(known), dict(secrets)
    for name, value in given.items():
        field = kind.field(name)
        if field is None or not field.option:
            raise InvalidField(
                "options: {type} has no {name}; there are {known}",
                type=kind.type,
                name=name[:40],
                known=", ".join(each.name for each in kind.fields if each.option) or "-",
            )
        kept: dict[str, Any] = hidden if field.secret else plain
        if value == "":
            kept.pop(name, None)
        elif not (field.secret and value == HIDDEN):
            kept[name] = value
    return plain, {name: str(value) for name, value in hidden.items()}


def _secrets(body: Connection, known: ConnectionSecrets) -> ConnectionSecrets:
    """Secrets as given; `*****` stands for the one that is there."""
    given: dict[str, Any] = {}
    for member, name in _SECRETS.items():
        value = getattr(body, member)
        if value is not UNSET and value != HIDDEN:
            given[name] = value
    if body.headers is not UNSET:
        for name, value in body.headers.items():
            if value == HIDDEN and name not in known.headers:
                raise InvalidField("headers: {name} has no value yet; give one", name=name[:40])
        given["headers"] = {
            name: known.headers[name] if value == HIDDEN else value for name, value in body.headers.items()
        }
    return msgspec.structs.replace(known, **given)


def sealed_secrets(database: Database, scope: Scope, ref: str) -> tuple[Known, bytes | None]:
    """A connection as it is stored; its secrets are still to be opened. Raises `NotFound`."""
    row = _own(database, scope, ref)
    settings = next(readable("connection", [row], lambda row: _decoder.decode(row.settings)), None)
    return Known(settings, ConnectionSecrets(), row.updated_at), row.sealed_secrets


def _own(database: Database, scope: Scope, ref: str) -> Any:
    own = (connections.c.ref == ref_of(ref)) & (connections.c.subscriber_ref == scope.subscriber_ref)
    row = database.execute(select(connections).where(own)).first()
    if row is None:
        raise NotFound("Connection", ref)
    return row


def connection_ref(database: Database, scope: Scope, ref: str) -> int:
    """The number of a subscriber's connection. Raises `NotFound`."""
    return int(_own(database, scope, ref).ref)


def list_connections(
    database: Database, scope: Scope, now_ms: int, language: Language = "en"
) -> list[Connection]:
    """The subscriber's connections by name."""
    own = connections.c.subscriber_ref == scope.subscriber_ref
    query = select(connections).where(own).order_by(connections.c.name, connections.c.ref)
    rows = database.execute(query).all()
    said: dict[int, list[Any]] = {row.ref: [] for row in rows}
    states = connection_states.c
    for state in database.execute(
        select(connection_states).join(connections, connections.c.ref == states.connection_ref).where(own)
    ):
        said[state.connection_ref].append(state)
    waiting = _count_all(database, scope.subscriber_ref) if rows else {}

    def shown(row: Any) -> Connection:
        how = _state(row, said[row.ref], waiting.get(row.ref, (0, 0)), now_ms)
        how.reason = stored_in(language, how.reason)
        return _shown(row, how, language)

    return [shown(row) for row in rows]


def get_connection(
    database: Database, scope: Scope, ref: str, now_ms: int, language: Language = "en"
) -> Connection:
    row = _own(database, scope, ref)
    of_it = connection_states.c.connection_ref == row.ref
    said = database.execute(select(connection_states).where(of_it)).all()
    counts = _count(database, row, 0), _count(database, row, 1)
    state = _state(row, said, counts, now_ms)
    state.reason = stored_in(language, state.reason)
    return _shown(row, state, language)


def _shown(row: Any, state: ConnectionState, language: Language) -> Connection:
    """With the reason, and without settings, where what is stored cannot be read."""

    def damaged(row: Any, problem: str) -> Connection:
        reason = Text("what is stored of the connection cannot be read: {problem}", problem=problem)
        state.status, state.reason = "ERROR", in_language(reason, language)
        return _named(row, state, {})

    return next(readable("connection", [row], lambda row: _named(row, state, _members(row)), damaged))


def _members(row: Any) -> dict[str, Any]:
    settings = _decoder.decode(row.settings)
    members: dict[str, Any] = {
        member: getattr(settings, name) for member, name in _SETTINGS.items() if getattr(settings, name) != ""
    }
    kind = KINDS.get(settings.type)
    fields = () if kind is None else kind.fields
    own = {field.name for field in fields}
    members = {name: value for name, value in members.items() if name in own or name not in MEMBERS}
    if "topic" in own:
        members.setdefault("topic", TOPICS[settings.dialect])
    if "downlinkTopic" in own:
        members.setdefault("downlinkTopic", DOWNLINK_TOPICS[settings.dialect])
    options = {each.name: each.default for each in fields if each.option and not each.secret}
    options = {name: value for name, value in (options | settings.options).items() if value != ""}
    hidden = _hidden(row.hidden)
    options |= hidden.pop("options", {})
    if options:
        members["options"] = options
    return members | hidden


def _named(row: Any, state: ConnectionState, members: dict[str, Any]) -> Connection:
    return Connection(
        ref=str(row.ref),
        name=row.name,
        active=bool(row.active),
        state=state,
        creationTime=timestamp(row.created_at),
        lastUpdateTime=timestamp(row.updated_at),
        lastUpdateUser=row.updated_by,
        **members,
    )


def _hidden(names: str) -> dict[str, Any]:
    """The secrets that are there, hidden; headers by their names."""
    found: dict[str, Any] = {}
    headers: dict[str, str] = {}
    options: dict[str, str] = {}
    for name in msgspec.json.decode(names, type=list[str]):
        if name in ("password", "clientKey"):
            found[name] = HIDDEN
        elif name.startswith("option "):
            options[name.removeprefix("option ")] = HIDDEN
        else:
            headers[name.removeprefix("header ")] = HIDDEN
    return found | ({"headers": headers} if headers else {}) | ({"options": options} if options else {})


def _secret_names(secrets: ConnectionSecrets) -> str:
    names = [f"header {name}" for name in secrets.headers]
    names += [f"option {name}" for name in secrets.options]
    if secrets.password:
        names.append("password")
    if secrets.client_key:
        names.append("clientKey")
    return msgspec.json.encode(names).decode()


def _state(row: Any, all_said: Sequence[Any], counts: tuple[int, int], now_ms: int) -> ConnectionState:
    """`all_said` is what nodes have said, `counts` are the messages that wait and those undelivered."""
    said = [each for each in all_said if each.node == "" or each.updated_at > now_ms - _STALE]
    status: Status = "WAITING"
    reason: str | None = None
    since: int | None = None
    if not row.active:
        status = "DEACTIVATED"
    elif said:
        # What works at one node and not at another does not work.
        worst = next((each for each in said if each.status == "ERROR"), said[0])
        status, reason, since = worst.status, worst.reason, worst.since
    last = max((each.delivered_at for each in said if each.delivered_at), default=None)
    pending, undelivered = counts
    return ConnectionState(
        status=status,
        reason=reason,
        since=None if since is None else timestamp(since),
        delivered=sum(each.delivered for each in said),
        failed=sum(each.failed for each in said),
        received=sum(each.received for each in said),
        lastDeliveryTime=None if last is None else timestamp(last),
        pending=pending,
        undelivered=undelivered,
    )


def _count_all(database: Database, subscriber_ref: int) -> dict[int, tuple[int, int]]:
    """Messages of a subscriber's connections that wait, and that are undelivered."""
    # The names of their queues begin with a hyphen; a dot is the next character.
    found = select(deliveries.c.queue, deliveries.c.state).where(
        deliveries.c.subscriber_ref == subscriber_ref, deliveries.c.queue >= "-", deliveries.c.queue < "."
    )
    inner = found.limit(_COUNTED).subquery()
    counted: dict[int, tuple[int, int]] = {}
    for queue, state, number in database.execute(
        select(inner.c.queue, inner.c.state, func.count()).group_by(inner.c.queue, inner.c.state)
    ):
        ref = int(queue[1:].partition(":")[0])
        waiting, undelivered = counted.get(ref, (0, 0))
        counted[ref] = (waiting, undelivered + number) if state else (waiting + number, undelivered)
    return counted


def _count(database: Database, row: Any, state: int) -> int:
    """Messages of a connection in a state of the ledger; its queues have its number below 0."""
    of_queue = (deliveries.c.queue >= f"-{row.ref}:") & (deliveries.c.queue < f"-{row.ref};")
    found = select(deliveries.c.id).where(
        deliveries.c.subscriber_ref == row.subscriber_ref, deliveries.c.state == state, of_queue
    )
    counted = select(func.count()).select_from(found.limit(_COUNTED).subquery())
    return int(database.execute(counted).scalar_one())


def create_connection(
    database: Database, scope: Scope, body: Connection, prepared: Prepared, now_ms: int
) -> Connection:
    assert isinstance(body.name, str)
    lock_row(database, subscribers, scope.subscriber_ref)
    own = select(func.count()).where(connections.c.subscriber_ref == scope.subscriber_ref)
    if database.execute(own).scalar_one() >= _MOST:
        raise InUse("a subscriber has at most {most} connections", most=_MOST)
    now = moment(database)
    result = database.execute(
        insert(connections).values(
            subscriber_ref=scope.subscriber_ref,
            name=check_name(body.name, most=100),
            active=body.active is not False,
            created_at=now,
            updated_at=now,
            updated_by=scope.display_name,
            **_stored(prepared),
        )
    )
    ref = inserted_ref(result)
    changes.note(database, "connection", ref)
    return get_connection(database, scope, str(ref), now_ms)


def _stored(prepared: Prepared) -> dict[str, Any]:
    return {
        "settings": msgspec.json.encode(prepared.settings).decode(),
        "sealed_secrets": prepared.sealed,
        "hidden": _secret_names(prepared.secrets),
    }


def update_connection(
    database: Database, scope: Scope, ref: str, body: Connection, prepared: Prepared, now_ms: int
) -> Connection:  # fmt: skip
    """Change what is given. Raises `Conflict` where it has changed since it was read."""
    row = _own(database, scope, ref)
    lock_row(database, connections, row.ref)
    row = _own(database, scope, ref)
    if row.updated_at != prepared.seen:
        raise Conflict("the connection was changed by somebody else at the same time; read it again")
    values = _stored(prepared)
    if body.name is not UNSET:
        values["name"] = check_name(body.name, most=100)
    if body.active is not UNSET:
        values["active"] = body.active
    # It says when it was changed, and so must not stay the same within a millisecond.
    values |= {"updated_at": max(moment(database), row.updated_at + 1), "updated_by": scope.display_name}
    database.execute(update(connections).where(connections.c.ref == row.ref).values(**values))
    database.execute(delete(connection_states).where(connection_states.c.connection_ref == row.ref))
    changes.note(database, "connection", row.ref)
    return get_connection(database, scope, ref, now_ms)


def delete_connection(database: Database, scope: Scope, ref: str) -> None:
    """Remove a connection that no flow uses; what waits for it becomes undelivered."""
    row = _own(database, scope, ref)
    using = database.execute(
        select(func.count())
        .select_from(flow_connections.join(flows, flows.c.ref == flow_connections.c.flow_ref))
        .where(flow_connections.c.connection_ref == row.ref)
    ).scalar_one()
    if using:
        raise InUse(
            Plural(
                "connection {ref} is used by {count} flow; give it another one first",
                "connection {ref} is used by {count} flows; give them another one first",
                ref=ref,
                count=using,
            )
        )
    database.execute(delete(connections).where(connections.c.ref == row.ref))
    leftovers.of_connection(database, row.ref)
    changes.note(database, "connection", row.ref)
