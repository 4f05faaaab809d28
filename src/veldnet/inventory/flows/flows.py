"""Flows: created, shown, changed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection as Database
from sqlalchemy import delete, func, insert, select, update

from veldnet.domain.errors import InUse, InvalidField, MissingField, NotFound, UnknownReference
from veldnet.domain.flows import FlowSettings
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment, readable
from veldnet.store.schema import connections, device_profiles, flow_connections, flows, subscribers

from .checks import check_ports, check_tags, check_transformation
from .resources import Flow

_MOST = 50
_MOST_CONNECTIONS = 10
_MOST_PROFILES = 100
_decoder = msgspec.json.Decoder(FlowSettings)


def list_flows(database: Database, scope: Scope) -> list[Flow]:
    """The subscriber's flows by name."""
    own = flows.c.subscriber_ref == scope.subscriber_ref
    rows = database.execute(select(flows).where(own).order_by(flows.c.name, flows.c.ref)).all()
    used: dict[int, list[str]] = {}
    for flow_ref, connection_ref in database.execute(
        select(flow_connections.c.flow_ref, flow_connections.c.connection_ref)
        .join(flows, flows.c.ref == flow_connections.c.flow_ref)
        .where(own)
        .order_by(flow_connections.c.connection_ref)
    ):
        used.setdefault(flow_ref, []).append(str(connection_ref))
    return [_shown(row, used.get(row.ref, [])) for row in rows]


def _own(database: Database, scope: Scope, ref: str) -> Any:
    own = (flows.c.ref == ref_of(ref)) & (flows.c.subscriber_ref == scope.subscriber_ref)
    row = database.execute(select(flows).where(own)).first()
    if row is None:
        raise NotFound("Flow", ref)
    return row


def get_flow(database: Database, scope: Scope, ref: str) -> Flow:
    row = _own(database, scope, ref)
    used = database.execute(
        select(flow_connections.c.connection_ref)
        .where(flow_connections.c.flow_ref == row.ref)
        .order_by(flow_connections.c.connection_ref)
    ).scalars()
    return _shown(row, [str(each) for each in used])


def _shown(row: Any, connection_refs: list[str]) -> Flow:
    flow = Flow(
        ref=str(row.ref),
        name=row.name,
        active=bool(row.active),
        connectionRefs=connection_refs,
        creationTime=timestamp(row.created_at),
        lastUpdateTime=timestamp(row.updated_at),
        lastUpdateUser=row.updated_by,
    )
    return next(readable("flow", [row], lambda row: _with_settings(flow, row), partial(_damaged, flow)))


def _with_settings(flow: Flow, row: Any) -> Flow:
    settings = _decoder.decode(row.settings)
    flow.tags = list(settings.tags)
    flow.deviceProfileIds = list(settings.device_profiles)
    flow.strategies = list(settings.strategies)
    flow.ports = settings.ports
    flow.driver = settings.driver
    flow.transformation = settings.transformation or None
    return flow


def _damaged(flow: Flow, _row: Any, problem: str) -> Flow:
    flow.problem = problem
    return flow


def create_flow(database: Database, scope: Scope, body: Flow) -> Flow:
    for name in ("name", "connectionRefs"):
        if getattr(body, name) is UNSET:
            raise MissingField("{name} is mandatory", name=name)
    lock_row(database, subscribers, scope.subscriber_ref)
    own = select(func.count()).where(flows.c.subscriber_ref == scope.subscriber_ref)
    if database.execute(own).scalar_one() >= _MOST:
        raise InUse("a subscriber has at most {most} flows", most=_MOST)
    now = moment(database)
    assert isinstance(body.name, str)
    result = database.execute(
        insert(flows).values(
            subscriber_ref=scope.subscriber_ref,
            name=check_name(body.name, most=100),
            active=body.active is not False,
            settings=_settings(database, scope, body, FlowSettings()),
            created_at=now,
            updated_at=now,
            updated_by=scope.display_name,
        )
    )
    ref = inserted_ref(result)
    assert isinstance(body.connectionRefs, list)
    _use(database, scope, ref, body.connectionRefs)
    changes.note(database, "flow", ref)
    return get_flow(database, scope, str(ref))


def update_flow(database: Database, scope: Scope, ref: str, body: Flow) -> Flow:
    """Change what is given."""
    row = _own(database, scope, ref)
    lock_row(database, flows, row.ref)
    row = _own(database, scope, ref)
    values: dict[str, Any] = {"settings": _settings(database, scope, body, _known(row, body))}
    if body.name is not UNSET:
        values["name"] = check_name(body.name, most=100)
    if body.active is not UNSET:
        values["active"] = body.active
    values |= {"updated_at": moment(database), "updated_by": scope.display_name}
    database.execute(update(flows).where(flows.c.ref == row.ref).values(**values))
    if body.connectionRefs is not UNSET:
        _use(database, scope, row.ref, body.connectionRefs)
    changes.note(database, "flow", row.ref)
    return get_flow(database, scope, ref)


def _known(row: Any, body: Flow) -> FlowSettings:
    """The settings that a flow has. Where they cannot be read, those of a new one; what chooses its devices
    must be given then, or it would take messages of all."""
    for found in readable("flow", [row], lambda row: _decoder.decode(row.settings)):
        return found
    for name in ("tags", "deviceProfileIds", "strategies"):
        if getattr(body, name) is UNSET:
            raise MissingField("{name} is mandatory: what is stored of the flow cannot be read", name=name)
    return FlowSettings()


def _choosing(database: Database, operator_ref: int, profile_id: str) -> list[tuple[int, FlowSettings]]:
    """The flows of an operator's subscribers that choose a device profile, by number."""
    own = select(subscribers.c.ref).where(subscribers.c.operator_ref == operator_ref)
    # Most flows name no profile, so they are not even read.
    written = flows.c.settings.contains(msgspec.json.encode(profile_id).decode(), autoescape=True)
    rows = select(flows.c.ref, flows.c.settings).where(flows.c.subscriber_ref.in_(own), written)
    read = readable(
        "flow",
        database.execute(rows.order_by(flows.c.ref)),
        lambda row: (row.ref, _decoder.decode(row.settings)),
    )
    return [(ref, settings) for ref, settings in read if profile_id in settings.device_profiles]


def count_choosing(database: Database, operator_ref: int, profile_id: str) -> int:
    """How many flows choose a device profile."""
    return len(_choosing(database, operator_ref, profile_id))


def follow_profile(database: Database, operator_ref: int, old: str, new: str) -> None:
    """Have the flows that choose a device profile choose another one in its place, to which its devices
    move."""
    for ref, settings in _choosing(database, operator_ref, old):
        named = dict.fromkeys(new if each == old else each for each in settings.device_profiles)
        followed = msgspec.structs.replace(settings, device_profiles=tuple(named))
        values = {"settings": msgspec.json.encode(followed).decode(), "updated_at": moment(database)}
        database.execute(update(flows).where(flows.c.ref == ref).values(**values))
        changes.note(database, "flow", ref)


def delete_flow(database: Database, scope: Scope, ref: str) -> None:
    """Remove a flow; what waits goes on over its connections."""
    row = _own(database, scope, ref)
    database.execute(delete(flows).where(flows.c.ref == row.ref))
    changes.note(database, "flow", row.ref)


def _settings(database: Database, scope: Scope, body: Flow, now: FlowSettings) -> str:
    given: dict[str, Any] = {}
    if body.tags is not UNSET:
        given["tags"] = check_tags(body.tags)
    if body.deviceProfileIds is not UNSET:
        given["device_profiles"] = _profiles(database, scope, body.deviceProfileIds, now)
    if body.strategies is not UNSET:
        given["strategies"] = tuple(dict.fromkeys(body.strategies))
    if body.ports is not UNSET:
        given["ports"] = check_ports(body.ports)
    if body.driver is not UNSET:
        given["driver"] = body.driver
    if body.clear:
        given["transformation"] = ""
    if body.transformation is not UNSET:
        given["transformation"] = check_transformation(body.transformation or "")
    return msgspec.json.encode(msgspec.structs.replace(now, **given)).decode()


def _profiles(database: Database, scope: Scope, ids: Sequence[str], now: FlowSettings) -> tuple[str, ...]:
    """What a flow names already may stay, though it is gone: earlier versions deleted profiles that flows
    chose."""
    if len(ids) > _MOST_PROFILES:
        raise InvalidField(
            "{name} holds {count} values; at most {most} are taken",
            name="deviceProfileIds",
            count=len(ids),
            most=_MOST_PROFILES,
        )
    wanted = tuple(dict.fromkeys(ids))
    known = set(
        database.execute(
            select(device_profiles.c.id).where(
                device_profiles.c.operator_ref == scope.operator_ref, device_profiles.c.id.in_(wanted)
            )
        ).scalars()
    )
    for profile_id in wanted:
        if profile_id not in known and profile_id not in now.device_profiles:
            raise UnknownReference(
                "deviceProfileIds: {profile_id} is unknown; see GET /deviceProfiles",
                profile_id=profile_id[:80],
            )
    return wanted


def _use(database: Database, scope: Scope, ref: int, connection_refs: Sequence[str]) -> None:
    """Have a flow deliver over these connections of its subscriber, and no others."""
    wanted = list(dict.fromkeys(connection_refs))
    if not 1 <= len(wanted) <= _MOST_CONNECTIONS:
        raise InvalidField("connectionRefs must name 1 to {most} connections", most=_MOST_CONNECTIONS)
    own = connections.c.subscriber_ref == scope.subscriber_ref
    numbers = []
    for each in wanted:
        found = database.execute(
            select(connections.c.ref).where(own, connections.c.ref == ref_of(each))
        ).scalar()
        if found is None:
            raise UnknownReference("connectionRefs: {ref} is unknown; see GET /connections", ref=each[:80])
        numbers.append(found)
    database.execute(delete(flow_connections).where(flow_connections.c.flow_ref == ref))
    rows = [{"flow_ref": ref, "connection_ref": number} for number in numbers]
    database.execute(insert(flow_connections), rows)
