"""Routing profiles of a document, with the keys of their application servers."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, select

from veldnet.domain.resources import Route, RoutingProfile
from veldnet.inventory import routing_profiles
from veldnet.inventory.differences import Difference
from veldnet.inventory.routing_profiles import Prepared
from veldnet.keys import VaultError, labels
from veldnet.store.schema import routes

from .documents import RoutingItem
from .kinds import Context, Here, Keys, Kind, Ready, by_name, members_of, unreadable

_HIDDEN = "(hidden)"


def _routings(connection: Connection, context: Context) -> dict[str, Here]:
    found: dict[str, Here] = {}
    for each in routing_profiles.list_routing_profiles(connection, context.scope):
        if each.problem is not UNSET:
            by_name(found, str(each.name), unreadable(each.problem))
            continue
        listed = [] if each.routes is UNSET else [_route(route) for route in each.routes]
        members = {"default": each.default, "routes": listed, "id": each.id}
        by_name(found, str(each.name), Here(str(each.ref), members))
    return found


def _route(route: Route) -> dict[str, Any]:
    """A route as a document has it; keys are not shown."""
    return {
        "sourcePorts": route.sourcePorts,
        "strategy": route.strategy,
        "contentType": route.contentType,
        "asId": None if route.asId is UNSET else route.asId,
        "maxDeviation": None if route.maxDeviation is UNSET else route.maxDeviation,
        "addresses": list(route.addresses or ()),
    }


def _wanted(item: RoutingItem) -> dict[str, Any]:
    wanted = members_of(item, "name")
    if item.routes is not UNSET:
        wanted["routes"] = [
            {name: getattr(route, name) for name in route.__struct_fields__ if name != "asKey"}
            for route in item.routes
        ]
    return wanted


async def _prepare(keys: Keys, context: Context, item: RoutingItem, here: Here | None) -> Ready:
    if item.routes is UNSET:
        return Ready(Prepared())
    given = [
        Route(
            **{
                name: value
                for name, value in msgspec.structs.asdict(route).items()
                if value not in (None, [])
            }
        )
        for route in item.routes
    ]
    checked = routing_profiles.check_routes(given, allow_private=context.allow_private)
    known = {} if here is None else await _known_keys(keys, here.ref)
    sealed: list[bytes | None] = []
    changed = []
    for index, route in enumerate(checked):
        key = None if route.as_key is None else route.as_key
        if key is not None and key != known.get(route.as_id):
            before = _HIDDEN if route.as_id in known else None
            changed.append(Difference(f"routes[{index}].asKey", before, _HIDDEN))
        sealed.append(
            None if key is None else await keys.vaults.seal(labels.tunnel_key(route.as_id), key.encode())
        )
    return Ready(Prepared(checked, sealed), tuple(changed))


async def _known_keys(keys: Keys, ref: str) -> dict[str | None, str]:
    """The keys of application servers by their ids; those that no vault opens any more are missing."""
    query = select(routes.c.as_id, routes.c.sealed_as_key).where(
        routes.c.routing_profile_ref == int(ref), routes.c.sealed_as_key.is_not(None)
    )
    found: dict[str | None, str] = {}
    for row in await keys.store.read(lambda c: c.execute(query).all()):
        try:
            octets = await keys.vaults.unseal(labels.tunnel_key(row.as_id), row.sealed_as_key)
        except VaultError:
            continue
        found[row.as_id] = octets.decode()
    return found


def _write(
    connection: Connection, context: Context, item: RoutingItem, here: Here | None, ready: Ready
) -> None:
    body = RoutingProfile(name=item.name, default=item.default)
    if here is None:
        routing_profiles.create_routing_profile(connection, context.scope, body, ready.made)
    else:
        routing_profiles.update_routing_profile(connection, context.scope, here.ref, body, ready.made)


ROUTING_PROFILES = Kind(_routings, _wanted, _write, _prepare)
