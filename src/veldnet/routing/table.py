"""Routing profiles in memory, with their keys decrypted, reloaded on change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import msgspec
import structlog
from sqlalchemy import Connection, select

from veldnet.keys import Vault, VaultError, labels
from veldnet.store import Store
from veldnet.store.schema import routes, routing_profiles, subscribers
from veldnet.texts import Text

from .ports import parse_ports

log = structlog.get_logger(__name__)

_STRATEGIES = ("SEQUENTIAL", "BLAST")
_CONTENT_TYPES = ("JSON", "XML")
# Characters of the reason why a route cannot be read.
_LONGEST_REASON = 200


class Route(msgspec.Struct, frozen=True):
    """One route. `ports` None stands for all; `index` counts from 1 within the profile. With `damage` it
    cannot be read, for that reason: its messages wait, and no route behind it gets them."""

    index: int
    ports: frozenset[int] | None
    blast: bool
    content_type: str
    as_id: str | None
    as_key: str | None
    max_deviation: int
    addresses: tuple[str, ...]
    damage: str = ""

    def __repr__(self) -> str:
        return f"Route({self.index}, as_id={self.as_id!r})"

    @property
    def signed(self) -> bool:
        """Signing is active only with both an AS id and an AS key; one that cannot be read may be there."""
        return self.as_id is not None and (self.as_key is not None or bool(self.damage))


class Profile(msgspec.Struct, frozen=True):
    """A routing profile: the application servers, each with its routes in order."""

    ref: int
    customer_id: str
    servers: tuple[tuple[str | None, tuple[Route, ...]], ...]
    # Whose it is; what belongs to another is never sent over it.
    subscriber_ref: int = 0
    # Of each request to the application servers.
    headers: Mapping[str, str] = {}
    # Why these cannot be read: then nothing is sent.
    damage: str = ""

    def __repr__(self) -> str:
        return f"Profile({self.ref})"

    def route_of(self, as_id: str | None, fport: int | None) -> Route | None:
        """The route of a server for uplinks on a port, or for other reports (`fport` None): the first."""
        for server, listed in self.servers:
            if server == as_id:
                return first_match(listed, fport)
        return None

    def belongs_to(self, subscriber_ref: int) -> bool:
        """Whether it is a subscriber's. Its number alone says nothing: it may have been given again."""
        return self.subscriber_ref == subscriber_ref

    @property
    def all_routes(self) -> tuple[Route, ...]:
        return tuple(route for _server, listed in self.servers for route in listed)

    @property
    def damaged(self) -> bool:
        return bool(self.damage) or any(route.damage for route in self.all_routes)

    def problem_of(self, route: Route) -> Text | None:
        """Why nothing can be sent over a route; None where it can."""
        damage = route.damage or self.damage
        if not damage:
            return None
        return Text(
            "route {number} of the routing profile cannot be read: {reason}",
            number=route.index,
            reason=damage,
        )

    @property
    def problem(self) -> Text | None:
        """Why nothing can be sent over the first route of which that is so."""
        return next(filter(None, map(self.problem_of, self.all_routes)), None)


def first_match(listed: tuple[Route, ...], fport: int | None) -> Route | None:
    """First match wins; reports that are no uplinks take the first route."""
    if fport is None:
        return listed[0]
    return next((route for route in listed if route.ports is None or fport in route.ports), None)


class _ProfileRow(NamedTuple):
    ref: int
    subscriber_ref: int
    customer_id: str
    sealed_headers: bytes | None


class _RouteRow(NamedTuple):
    routing_profile_ref: int
    position: int
    source_ports: str
    strategy: str
    content_type: str
    as_id: str | None
    sealed_as_key: bytes | None
    max_deviation: int | None
    addresses: str


class Profiles(Protocol):
    """Routing profiles by reference."""

    def get(self, ref: int | None) -> Profile | None: ...


def _nobody(_ref: int) -> None:
    """Nobody wants to know."""


class RoutingTable:
    """All routing profiles by reference."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._profiles: dict[int, Profile] = {}
        # Told of each profile that has changed, or is gone.
        self.on_change: Callable[[int], None] = _nobody

    def get(self, ref: int | None) -> Profile | None:
        return None if ref is None else self._profiles.get(ref)

    @property
    def all(self) -> list[Profile]:
        return list(self._profiles.values())

    async def load(self) -> None:
        self._profiles = await self._read(None)

    async def reload(self, ref: int) -> None:
        """Take up a change of one profile, or its removal."""
        profile = (await self._read(ref)).get(ref)
        if profile is None:
            self._profiles.pop(ref, None)
        else:
            self._profiles[ref] = profile
        self.on_change(ref)

    async def reload_damaged(self) -> None:
        """Take up what could not be read and perhaps can now: the vault may have been away."""
        for ref in [profile.ref for profile in self._profiles.values() if profile.damaged]:
            await self.reload(ref)

    async def _read(self, ref: int | None) -> dict[int, Profile]:
        def query(connection: Connection) -> tuple[list[_ProfileRow], list[_RouteRow]]:
            profiles = select(
                routing_profiles.c.ref,
                routing_profiles.c.subscriber_ref,
                subscribers.c.customer_id,
                routing_profiles.c.sealed_headers,
            ).join(subscribers, subscribers.c.ref == routing_profiles.c.subscriber_ref)
            listed = select(*(routes.c[name] for name in _RouteRow._fields)).order_by(
                routes.c.routing_profile_ref, routes.c.position
            )
            if ref is not None:
                profiles = profiles.where(routing_profiles.c.ref == ref)
                listed = listed.where(routes.c.routing_profile_ref == ref)
            return (
                [_ProfileRow(*row) for row in connection.execute(profiles)],
                [_RouteRow(*row) for row in connection.execute(listed)],
            )

        profile_rows, route_rows = await self._store.read(query)
        grouped: dict[int, dict[str | None, list[Route]]] = defaultdict(dict)
        for row in route_rows:
            route = await self._route(row)
            grouped[row.routing_profile_ref].setdefault(route.as_id, []).append(route)
        return {
            row.ref: Profile(
                row.ref,
                row.customer_id,
                tuple((server, tuple(listed)) for server, listed in grouped[row.ref].items()),
                row.subscriber_ref,
                *await self._headers(row),
            )
            for row in profile_rows
        }

    async def _headers(self, row: _ProfileRow) -> tuple[Mapping[str, str], str]:
        """The headers of a profile, and why they cannot be read."""
        if row.sealed_headers is None:
            return {}, ""
        try:
            octets = await self._vault.unseal(labels.ROUTING_HEADERS, row.sealed_headers)
            return msgspec.json.decode(octets, type=dict[str, str]), ""
        except (VaultError, msgspec.MsgspecError, ValueError) as error:
            log.error("routing_headers_unreadable", routing_profile=row.ref, error=str(error))
            return {}, f"headers: {error}"

    async def _route(self, row: _RouteRow) -> Route:
        try:
            return _checked(row, await self._key(row))
        except (VaultError, msgspec.MsgspecError, ValueError, TypeError) as error:
            log.error(
                "route_unreadable",
                routing_profile=row.routing_profile_ref,
                route=row.position + 1,
                error=str(error),
            )
            as_id = None if row.as_id is None else str(row.as_id)
            content_type = row.content_type if row.content_type in _CONTENT_TYPES else _CONTENT_TYPES[0]
            return Route(
                row.position + 1, None, False, content_type, as_id, None, 0, (), str(error)[:_LONGEST_REASON]
            )

    async def _key(self, row: _RouteRow) -> str | None:
        """Raises `VaultError` and `ValueError`."""
        if row.sealed_as_key is None:
            return None
        return (await self._vault.unseal(labels.tunnel_key(row.as_id), row.sealed_as_key)).decode()


def _checked(row: _RouteRow, key: str | None) -> Route:
    """The route of a row. Raises `ValueError`, `TypeError` and `MsgspecError` where it cannot be read."""
    for name, value, known in (
        ("strategy", row.strategy, _STRATEGIES),
        ("contentType", row.content_type, _CONTENT_TYPES),
    ):
        if value not in known:
            raise ValueError(f"{name} {value!r} is none")
    return Route(
        row.position + 1,
        parse_ports(row.source_ports),
        row.strategy == "BLAST",
        row.content_type,
        row.as_id,
        key,
        msgspec.convert(row.max_deviation or 0, int),
        tuple(msgspec.json.decode(row.addresses, type=list[str])),
    )
