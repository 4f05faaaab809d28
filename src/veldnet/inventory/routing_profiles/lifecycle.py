"""Routing profiles: created, shown, changed, removed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from veldnet.domain.errors import InUse, InvalidField, MissingField, NotFound, UnknownReference
from veldnet.domain.resources import ContentType, Route, RoutingProfile, Strategy
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.names import check_name
from veldnet.inventory.offers import HsmGroup
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.keys import GeneratedAsKey
from veldnet.store import Prepared as PreparedStatement
from veldnet.store import lock_row, readable
from veldnet.store.schema import (
    as_transport_keys,
    devices,
    multicast_groups,
    routes,
    routing_profiles,
    subscribers,
)
from veldnet.texts import Plural

from .checks import CheckedRoute
from .headers import SealedHeaders, write_headers
from .limits import check_destinations_of_devices


class MadeKey(msgspec.Struct, frozen=True):
    """A new AS transport key, and the HSM group whose vault has made it."""

    group: HsmGroup
    generated: GeneratedAsKey


class _Profile(msgspec.Struct, frozen=True):
    """A routing profile as it is stored, without its routes."""

    ref: int
    name: str
    is_default: bool
    is_dummy: bool


class _Route(msgspec.Struct, frozen=True):
    """A route as it is stored; `addresses` is a JSON list."""

    source_ports: str
    strategy: Strategy
    content_type: ContentType
    as_id: str | None
    max_deviation: int | None
    addresses: str


_COLUMNS = [routing_profiles.c[name] for name in _Profile.__struct_fields__]
_ROUTE_COLUMNS = [routes.c[name] for name in _Route.__struct_fields__]


# Made once: that takes longer than the answer.
_LISTED = (
    select(*_ROUTE_COLUMNS)
    .where(routes.c.routing_profile_ref == bindparam("profile"))
    .order_by(routes.c.position)
)
_OWN = select(*_COLUMNS).where(
    routing_profiles.c.ref == bindparam("profile"),
    routing_profiles.c.subscriber_ref == bindparam("subscriber"),
)


def _resource(connection: Connection, scope: Scope, row: _Profile) -> RoutingProfile:
    listed = connection.execute(_LISTED, {"profile": row.ref})
    problems: list[str] = []

    def damaged(route: _Route, problem: str) -> Route:
        problems.append(problem)
        return _route_resource(route, UNSET)

    read = readable("route", (_Route(*route) for route in listed), _readable_route, damaged)
    return RoutingProfile(
        id=profile_id(scope.customer_id, row.ref, row.is_dummy),
        ref=str(row.ref),
        name=row.name,
        default=bool(row.is_default),
        routes=list(read),
        problem=problems[0] if problems else UNSET,
    )


def _readable_route(row: _Route) -> Route:
    return _route_resource(row, msgspec.json.decode(row.addresses, type=list[str]))


def _route_resource(row: _Route, addresses: list[str] | UnsetType) -> Route:
    return Route(
        sourcePorts=row.source_ports,
        strategy=row.strategy,
        contentType=row.content_type,
        asId=UNSET if row.as_id is None else row.as_id,
        maxDeviation=UNSET if row.max_deviation is None else row.max_deviation,
        addresses=addresses,
    )


def profile_id(customer_id: str, ref: int, is_dummy: bool = False) -> str:
    """ThingPark's id of a routing profile."""
    return f"TWA_{customer_id}.{ref}" + (".dummy" if is_dummy else "")


def list_routing_profiles(
    connection: Connection, scope: Scope, routing_profile_id: str | None = None
) -> list[RoutingProfile]:
    rows = connection.execute(
        select(*_COLUMNS)
        .where(routing_profiles.c.subscriber_ref == scope.subscriber_ref)
        .order_by(routing_profiles.c.ref)
    ).all()
    wanted = [
        row
        for row in (_Profile(*each) for each in rows)
        if routing_profile_id is None
        or profile_id(scope.customer_id, row.ref, row.is_dummy) == routing_profile_id
    ]
    return [_resource(connection, scope, row) for row in wanted]


def count_routing_profiles(connection: Connection, scope: Scope) -> int:
    """The subscriber's profiles, without the one that delivers nowhere."""
    return int(_COUNT.scalar(connection, {"subscriber": scope.subscriber_ref}))


_COUNT = PreparedStatement(
    select(func.count()).where(
        routing_profiles.c.subscriber_ref == bindparam("subscriber"), ~routing_profiles.c.is_dummy
    )
)


def _own(connection: Connection, scope: Scope, ref: str) -> _Profile:
    number = ref_of(ref)
    row = connection.execute(_OWN, {"profile": number, "subscriber": scope.subscriber_ref}).first()
    if row is None:
        raise NotFound("RoutingProfile", ref)
    return _Profile(*row)


def get_routing_profile(connection: Connection, scope: Scope, ref: str) -> RoutingProfile:
    return _resource(connection, scope, _own(connection, scope, ref))


def find_by_id(connection: Connection, scope: Scope, identifier: str) -> int | None:
    """Reference of a routing profile of the subscriber by its `TWA_…` id."""
    prefix = f"TWA_{scope.customer_id}."
    ref = identifier.removeprefix(prefix).removesuffix(".dummy")
    if not identifier.startswith(prefix):
        return None
    row = connection.execute(
        select(routing_profiles.c.ref, routing_profiles.c.is_dummy).where(
            routing_profiles.c.ref == ref_of(ref), routing_profiles.c.subscriber_ref == scope.subscriber_ref
        )
    ).first()
    if row is None or profile_id(scope.customer_id, row.ref, row.is_dummy) != identifier:
        return None
    return int(row.ref)


def default_profile(connection: Connection, scope: Scope) -> int:
    """The subscriber's default routing profile."""
    ref = connection.execute(
        select(routing_profiles.c.ref).where(
            routing_profiles.c.subscriber_ref == scope.subscriber_ref, routing_profiles.c.is_default
        )
    ).scalar()
    if ref is None:
        raise UnknownReference("processingStrategyId DEFAULTRP needs a routing profile; create one first")
    return int(ref)


def dummy_profile(connection: Connection, scope: Scope) -> int:
    """The built-in empty profile behind the strategy NOAS, made when first needed."""
    dummy = select(routing_profiles.c.ref).where(
        routing_profiles.c.subscriber_ref == scope.subscriber_ref, routing_profiles.c.is_dummy
    )
    ref = connection.execute(dummy).scalar()
    if ref is None:
        lock_row(connection, subscribers, scope.subscriber_ref)
        ref = connection.execute(dummy).scalar()
    if ref is None:
        result = connection.execute(
            insert(routing_profiles).values(
                subscriber_ref=scope.subscriber_ref, name="NOAS", is_default=False, is_dummy=True
            )
        )
        ref = inserted_ref(result)
    return int(ref)


class Prepared(msgspec.Struct, frozen=True):
    """What of a routing profile is made before it is written: its routes, None where they stay, with the
    sealed key of each, a new AS key, and the headers of requests, None where they stay."""

    routes: Sequence[CheckedRoute] | None = None
    sealed_keys: Sequence[bytes | None] = ()
    made: MadeKey | None = None
    headers: SealedHeaders | None = None


def create_routing_profile(
    connection: Connection, scope: Scope, body: RoutingProfile, prepared: Prepared
) -> RoutingProfile:
    """Write a routing profile. The first one of a subscriber becomes its default."""
    if body.name is UNSET or not body.name.strip():
        raise MissingField("name is mandatory")
    made = prepared.made
    lock_row(connection, subscribers, scope.subscriber_ref)
    others = connection.execute(
        select(func.count()).where(
            routing_profiles.c.subscriber_ref == scope.subscriber_ref, ~routing_profiles.c.is_dummy
        )
    ).scalar_one()
    default = others == 0 or body.default is True
    if default:
        _clear_default(connection, scope)
    result = connection.execute(
        insert(routing_profiles).values(
            subscriber_ref=scope.subscriber_ref,
            name=check_name(body.name),
            is_default=default,
            is_dummy=False,
            hsm_group_ref=made.group.ref if made else None,
        )
    )
    ref = inserted_ref(result)
    _write_routes(connection, ref, prepared.routes or (), prepared.sealed_keys)
    _write_as_key(connection, ref, made)
    if prepared.headers is not None:
        write_headers(connection, ref, prepared.headers)
    changes.note(connection, "routing", ref)
    return _answer(connection, scope, ref, made)


def update_routing_profile(
    connection: Connection, scope: Scope, ref: str, body: RoutingProfile, prepared: Prepared
) -> RoutingProfile:
    """Change what is given."""
    checked, made = prepared.routes, prepared.made
    lock_row(connection, subscribers, scope.subscriber_ref)
    row = _own(connection, scope, ref)
    if row.is_dummy:
        now = _resource(connection, scope, row)
        changed = made is not None or any(
            getattr(body, name) not in (UNSET, getattr(now, name)) for name in ("name", "default", "routes")
        )
        if changed:
            raise InvalidField("the built-in profile NOAS cannot be changed")
        return now
    values: dict[str, object] = {}
    if body.name is not UNSET:
        values["name"] = check_name(body.name)
    if body.default is True and not row.is_default:
        _clear_default(connection, scope)
        values["is_default"] = True
    elif body.default is False and row.is_default:
        raise InvalidField("default cannot be set to false; set it to true on another routing profile")
    if made is not None:
        values["hsm_group_ref"] = made.group.ref
    if values:
        connection.execute(update(routing_profiles).where(routing_profiles.c.ref == row.ref).values(**values))
    if checked is not None:
        check_destinations_of_devices(connection, row.ref, checked)
        sealed_keys = _with_known_keys(connection, row.ref, checked, prepared.sealed_keys)
        connection.execute(delete(routes).where(routes.c.routing_profile_ref == row.ref))
        _write_routes(connection, row.ref, checked, sealed_keys)
    _write_as_key(connection, row.ref, made)
    if prepared.headers is not None:
        write_headers(connection, row.ref, prepared.headers)
    changes.note(connection, "routing", row.ref)
    return _answer(connection, scope, row.ref, made)


def _with_known_keys(
    connection: Connection, ref: int, checked: Sequence[CheckedRoute], sealed_keys: Sequence[bytes | None]
) -> list[bytes | None]:
    """Keys are never given back, so who reads a profile, changes it and writes it has none to send: a route
    without `asKey` keeps the key that its application server has had. Without an `asId` there is no
    signing."""
    known = {
        row.as_id: row.sealed_as_key
        for row in connection.execute(
            select(routes.c.as_id, routes.c.sealed_as_key).where(
                routes.c.routing_profile_ref == ref, routes.c.sealed_as_key.is_not(None)
            )
        )
    }
    return [
        sealed if sealed is not None or route.as_id is None else known.get(route.as_id)
        for route, sealed in zip(checked, sealed_keys, strict=True)
    ]


def _clear_default(connection: Connection, scope: Scope) -> None:
    connection.execute(
        update(routing_profiles)
        .where(routing_profiles.c.subscriber_ref == scope.subscriber_ref)
        .values(is_default=False)
    )


def _write_routes(
    connection: Connection, ref: int, checked: Sequence[CheckedRoute], sealed_keys: Sequence[bytes | None]
) -> None:
    for position, (route, sealed) in enumerate(zip(checked, sealed_keys, strict=True)):
        connection.execute(
            insert(routes).values(
                routing_profile_ref=ref,
                position=position,
                source_ports=route.source_ports,
                strategy=route.strategy,
                content_type=route.content_type,
                as_id=route.as_id,
                sealed_as_key=sealed,
                max_deviation=route.max_deviation,
                addresses=msgspec.json.encode(route.addresses).decode(),
            )
        )


def _write_as_key(connection: Connection, ref: int, made: MadeKey | None) -> None:
    """Put a new AS key in place of those before, whichever vault has sealed them."""
    if made is None:
        return
    connection.execute(delete(as_transport_keys).where(as_transport_keys.c.routing_profile_ref == ref))
    connection.execute(
        insert(as_transport_keys).values(
            routing_profile_ref=ref, vault=made.group.vault, sealed=made.generated.sealed
        )
    )


def _answer(connection: Connection, scope: Scope, ref: int, made: MadeKey | None) -> RoutingProfile:
    resource = get_routing_profile(connection, scope, str(ref))
    if made is not None:
        resource.rsaEncryptedASKey = made.generated.rsa_encrypted
    return resource


def all_addresses(connection: Connection) -> set[str]:
    """The addresses of all application servers of the installation."""
    listed = connection.execute(select(routes.c.addresses).distinct())
    read = readable("route", listed, lambda row: msgspec.json.decode(row.addresses, type=list[str]))
    return {address for addresses in read for address in addresses}


def delete_routing_profile(connection: Connection, scope: Scope, ref: str) -> None:
    """Remove a profile that no device uses; the default one only when it is the last."""
    row = _own(connection, scope, ref)
    using = connection.execute(
        select(func.count()).where(devices.c.routing_profile_ref == row.ref)
    ).scalar_one()
    if using:
        raise InUse(
            Plural(
                "routing profile {ref} is used by {count} device; give it another one first",
                "routing profile {ref} is used by {count} devices; give them another one first",
                ref=ref,
                count=using,
            )
        )
    groups = connection.execute(
        select(func.count()).where(multicast_groups.c.routing_profile_ref == row.ref)
    ).scalar_one()
    if groups:
        raise InUse(
            Plural(
                "routing profile {ref} is used by {count} multicast group; give it another one first",
                "routing profile {ref} is used by {count} multicast groups; give them another one first",
                ref=ref,
                count=groups,
            )
        )
    others = connection.execute(
        select(func.count()).where(
            routing_profiles.c.subscriber_ref == scope.subscriber_ref,
            routing_profiles.c.ref != row.ref,
            ~routing_profiles.c.is_dummy,
        )
    ).scalar_one()
    if row.is_default and others:
        raise InUse("routing profile {ref} is the default one; make another one the default first", ref=ref)
    connection.execute(delete(routing_profiles).where(routing_profiles.c.ref == row.ref))
    leftovers.of_routing_profile(connection, row.ref)
    changes.note(connection, "routing", row.ref)
