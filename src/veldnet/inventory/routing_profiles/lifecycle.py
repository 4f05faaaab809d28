"""Routing profiles: where a device's messages go, who signs them, and the AS transport key."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from veldnet.domain.documents import decode_plan
from veldnet.domain.errors import (
    InUse,
    InvalidField,
    MissingField,
    NotFound,
    TooManyDestinations,
    UnknownReference,
    WeakKey,
)
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.accounts import leftovers
from veldnet.inventory.names import check_name
from veldnet.inventory.offers.catalogues import HsmGroup
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.keys import GeneratedAsKey
from veldnet.lorawan import AesKey, InvalidKey
from veldnet.outgoing import AddressRefused, check_reachable, masked, parse_address
from veldnet.store.schema import (
    as_transport_keys,
    connectivity_plans,
    devices,
    routes,
    routing_profiles,
)

_AS_ID = re.compile(r"[0-9A-Za-z\-._]{1,128}")
_MAX_ROUTES = 20
_MAX_ADDRESSES = {"SEQUENTIAL": 5, "BLAST": 3}


class CheckedRoute(msgspec.Struct, frozen=True):
    """A route whose members have been checked. `as_key` is hexadecimal, in the case it
    came in."""

    source_ports: str
    strategy: str
    content_type: str
    as_id: str | None
    as_key: str | None
    max_deviation: int | None
    addresses: tuple[str, ...]


def check_routes(
    given: Sequence[Route], *, allow_private: bool = True, key_entropy: float = 0.0
) -> tuple[CheckedRoute, ...]:
    """Check every member of every route; addresses must be public without `allow_private`, keys need
    `key_entropy` bits a digit. Raises a `BadRequest` that names the member."""
    if len(given) > _MAX_ROUTES:
        raise InvalidField(f"routes has {len(given)} entries, at most {_MAX_ROUTES} are allowed")
    checked = tuple(
        _check_route(route, f"routes[{index}]", allow_private, key_entropy)
        for index, route in enumerate(given)
    )
    for group in {route.as_id for route in checked}:
        ports = [route.source_ports for route in checked if route.as_id == group]
        if "*" in ports[:-1]:
            raise InvalidField("routes: sourcePorts * takes all remaining ports, so its route must be last")
    return checked


def _check_route(route: Route, where: str, allow_private: bool, key_entropy: float) -> CheckedRoute:
    strategy = "SEQUENTIAL" if route.strategy is UNSET else route.strategy
    addresses = () if route.addresses is UNSET else tuple(route.addresses)
    limit = _MAX_ADDRESSES[strategy]
    if not 1 <= len(addresses) <= limit:
        raise InvalidField(f"{where}.addresses must hold 1 to {limit} URLs for strategy {strategy}")
    for address in addresses:
        check_address(address, f"{where}.addresses", allow_private=allow_private)
    max_deviation = None if route.maxDeviation is UNSET else route.maxDeviation
    if max_deviation is not None and not 0 <= max_deviation < 1 << 31:
        raise InvalidField(f"{where}.maxDeviation must be 0 or more seconds")
    as_id = None if route.asId is UNSET else route.asId
    if as_id is not None and not _AS_ID.fullmatch(as_id):
        raise InvalidField(f"{where}.asId may hold letters, digits, '-', '.' and '_' only")
    return CheckedRoute(
        "*" if route.sourcePorts is UNSET else check_ports(route.sourcePorts, where),
        strategy,
        "XML" if route.contentType is UNSET else route.contentType,
        as_id,
        None if route.asKey is UNSET else check_as_key(route.asKey, where, key_entropy),
        max_deviation,
        addresses,
    )


def check_address(address: str, where: str, *, allow_private: bool) -> None:
    """Refuse an address that cannot be posted to, with a sentence that names what is wrong."""
    try:
        parsed = parse_address(address)
    except AddressRefused as error:
        raise InvalidField(f"{where}: {masked(address)[:80]!r} {error}") from None
    if allow_private:
        return
    try:
        check_reachable(parsed)
    except AddressRefused as error:
        raise InvalidField(
            f"{where}: {masked(address)[:80]!r} {error}; the operator allows public addresses only"
        ) from None


def check_ports(text: str, where: str) -> str:
    """`*`, or ports and ranges between 1 and 255 separated by commas."""
    compact = text.replace(" ", "")
    if compact == "*":
        return compact
    for part in compact.split(","):
        low, dash, high = part.partition("-")
        bounds = [low, high] if dash else [low]
        if not all(bound.isascii() and bound.isdigit() and 0 <= int(bound[:4]) <= 255 for bound in bounds):
            raise InvalidField(f"{where}.sourcePorts {text[:80]!r} must look like 7, 1,2,3, 10-20 or *")
        if dash and int(low) > int(high):
            raise InvalidField(f"{where}.sourcePorts range {part} ends before it begins")
    return compact


def check_as_key(text: str, where: str, least: float) -> str:
    """32 hexadecimal digits that are not too regular."""
    try:
        AesKey.parse(text)
    except InvalidKey:
        raise InvalidField(f"{where}.asKey must be 32 hexadecimal digits") from None
    key = text.replace("-", "")
    counts = Counter(key.lower())
    entropy = -sum(n / 32 * math.log2(n / 32) for n in counts.values())
    # Sums of logarithms are not exact.
    if entropy < least - 1e-9:
        raise WeakKey(
            f"{where}.asKey is too regular ({entropy:.1f} bits a digit, at least {least:g} are needed); use "
            "a random key"
        )
    return key


class KeyRequest(msgspec.Struct, frozen=True):
    """What is needed to generate an AS transport key."""

    hsm_group_id: str
    rsa_public_key: str


def key_request(body: RoutingProfile) -> KeyRequest | None:
    """The wish for a new key in a request: `rsaPublicKey` and `hsmGroupId` go together."""
    if body.rsaPublicKey is UNSET and body.hsmGroupId is UNSET:
        return None
    if body.rsaPublicKey is UNSET:
        raise MissingField("hsmGroupId needs rsaPublicKey, with which the AS key is encrypted for you")
    if body.hsmGroupId is UNSET:
        raise MissingField("rsaPublicKey needs hsmGroupId, whose HSM generates the AS key")
    return KeyRequest(body.hsmGroupId, body.rsaPublicKey)


class MadeKey(msgspec.Struct, frozen=True):
    """A new AS transport key, and the HSM group whose vault has made it."""

    group: HsmGroup
    generated: GeneratedAsKey


_COLUMNS = (
    routing_profiles.c.ref,
    routing_profiles.c.name,
    routing_profiles.c.is_default,
    routing_profiles.c.is_dummy,
)


def _resource(connection: Connection, scope: Scope, row: Row[*tuple[Any, ...]]) -> RoutingProfile:
    listed = connection.execute(
        select(routes).where(routes.c.routing_profile_ref == row.ref).order_by(routes.c.position)
    )
    return RoutingProfile(
        id=profile_id(scope.customer_id, row.ref, row.is_dummy),
        ref=str(row.ref),
        name=row.name,
        default=bool(row.is_default),
        routes=[_route_resource(route) for route in listed],
    )


def _route_resource(row: Row[*tuple[Any, ...]]) -> Route:
    return Route(
        sourcePorts=row.source_ports,
        strategy=row.strategy,
        contentType=row.content_type,
        asId=UNSET if row.as_id is None else row.as_id,
        maxDeviation=UNSET if row.max_deviation is None else row.max_deviation,
        addresses=msgspec.json.decode(row.addresses, type=list[str]),
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
    return [
        _resource(connection, scope, row)
        for row in rows
        if routing_profile_id is None
        or profile_id(scope.customer_id, row.ref, row.is_dummy) == routing_profile_id
    ]


def _own(connection: Connection, scope: Scope, ref: str) -> Row[*tuple[Any, ...]]:
    number = ref_of(ref)
    row = connection.execute(
        select(*_COLUMNS).where(
            routing_profiles.c.ref == number, routing_profiles.c.subscriber_ref == scope.subscriber_ref
        )
    ).first()
    if row is None:
        raise NotFound("RoutingProfile", ref)
    return row


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
    ref = connection.execute(
        select(routing_profiles.c.ref).where(
            routing_profiles.c.subscriber_ref == scope.subscriber_ref, routing_profiles.c.is_dummy
        )
    ).scalar()
    if ref is None:
        result = connection.execute(
            insert(routing_profiles).values(
                subscriber_ref=scope.subscriber_ref, name="NOAS", is_default=False, is_dummy=True
            )
        )
        ref = inserted_ref(result)
    return int(ref)


def create_routing_profile(
    connection: Connection,
    scope: Scope,
    body: RoutingProfile,
    checked: Sequence[CheckedRoute],
    sealed_keys: Sequence[bytes | None],
    made: MadeKey | None,
) -> RoutingProfile:
    """Write a routing profile. The first one of a subscriber becomes its default."""
    if body.name is UNSET or not body.name.strip():
        raise MissingField("name is mandatory")
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
    _write_routes(connection, ref, checked, sealed_keys)
    _write_as_key(connection, ref, made)
    changes.note(connection, "routing", ref)
    return _answer(connection, scope, ref, made)


def update_routing_profile(
    connection: Connection,
    scope: Scope,
    ref: str,
    body: RoutingProfile,
    checked: Sequence[CheckedRoute] | None,
    sealed_keys: Sequence[bytes | None],
    made: MadeKey | None,
) -> RoutingProfile:
    """Change what is given; `checked` None keeps the routes."""
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
        _check_destinations_of_devices(connection, row.ref, checked)
        sealed_keys = _with_known_keys(connection, row.ref, checked, sealed_keys)
        connection.execute(delete(routes).where(routes.c.routing_profile_ref == row.ref))
        _write_routes(connection, row.ref, checked, sealed_keys)
    _write_as_key(connection, row.ref, made)
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


def delete_routing_profile(connection: Connection, scope: Scope, ref: str) -> None:
    """Remove a profile that no device uses; the default one only when it is the last."""
    row = _own(connection, scope, ref)
    using = connection.execute(
        select(func.count()).where(devices.c.routing_profile_ref == row.ref)
    ).scalar_one()
    if using:
        raise InUse(f"routing profile {ref} is used by {using} device(s); give them another one first")
    others = connection.execute(
        select(func.count()).where(
            routing_profiles.c.subscriber_ref == scope.subscriber_ref,
            routing_profiles.c.ref != row.ref,
            ~routing_profiles.c.is_dummy,
        )
    ).scalar_one()
    if row.is_default and others:
        raise InUse(f"routing profile {ref} is the default one; make another one the default first")
    connection.execute(delete(routing_profiles).where(routing_profiles.c.ref == row.ref))
    leftovers.of_routing_profile(connection, row.ref)
    changes.note(connection, "routing", row.ref)


def destinations(checked: Sequence[CheckedRoute] | Sequence[Row[*tuple[Any, ...]]]) -> int:
    """Application servers among routes: routes of one asId are one server."""
    return len({route.as_id for route in checked})


def check_destinations(connection: Connection, plan_ref: int | None, routing_profile_ref: int | None) -> None:
    """A plan limits how many application servers a device may have."""
    if plan_ref is None or routing_profile_ref is None:
        return
    rows = connection.execute(
        select(routes.c.as_id).where(routes.c.routing_profile_ref == routing_profile_ref)
    ).all()
    _check_limit(connection, plan_ref, destinations(rows))


def _check_limit(connection: Connection, plan_ref: int, count: int) -> None:
    plan = connection.execute(
        select(connectivity_plans.c.id, connectivity_plans.c.settings).where(
            connectivity_plans.c.ref == plan_ref
        )
    ).one()
    limit = decode_plan(plan.settings).maxDestinationPerRoute
    if count > limit:
        raise TooManyDestinations(
            f"the routing profile has {count} application servers, connectivity plan {plan.id} allows {limit}"
        )


def _check_destinations_of_devices(
    connection: Connection, routing_profile_ref: int, checked: Sequence[CheckedRoute]
) -> None:
    plans = connection.execute(
        select(devices.c.plan_ref)
        .where(devices.c.routing_profile_ref == routing_profile_ref, devices.c.plan_ref.is_not(None))
        .distinct()
    )
    for (plan_ref,) in plans.all():
        _check_limit(connection, plan_ref, destinations(checked))
