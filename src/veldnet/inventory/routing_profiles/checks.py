"""Checks of a routing profile that need no other rows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET

from veldnet.domain.errors import InvalidField, MissingField, WeakKey
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.lorawan import AesKey, InvalidKey
from veldnet.outgoing import Address, AddressRefused, check_reachable, masked, parse_address

_AS_ID = re.compile(r"[0-9A-Za-z\-._]{1,128}")
_MAX_ROUTES = 20
_MAX_ADDRESSES = {"SEQUENTIAL": 5, "BLAST": 3}

# How the addresses of delivery transports are read, by their schemes. All others are URLs of HTTP.
_READERS: Mapping[str, Callable[[str], Address]] = {}


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
        raise InvalidField(
            "routes has {count} entries, at most {max_routes} are allowed",
            count=len(given),
            max_routes=_MAX_ROUTES,
        )
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
        raise InvalidField(
            "{where}.addresses must hold 1 to {limit} URLs for strategy {strategy}",
            where=where,
            limit=limit,
            strategy=strategy,
        )
    for address in addresses:
        read = _READERS.get(address.partition("://")[0].lower(), parse_address)
        check_address(address, f"{where}.addresses", allow_private=allow_private, read=read)
    max_deviation = None if route.maxDeviation is UNSET else route.maxDeviation
    if max_deviation is not None and not 0 <= max_deviation < 1 << 31:
        raise InvalidField("{where}.maxDeviation must be 0 or more seconds", where=where)
    as_id = None if route.asId is UNSET else route.asId
    if as_id is not None and not _AS_ID.fullmatch(as_id):
        raise InvalidField("{where}.asId may hold letters, digits, '-', '.' and '_' only", where=where)
    return CheckedRoute(
        "*" if route.sourcePorts is UNSET else check_ports(route.sourcePorts, where),
        strategy,
        "XML" if route.contentType is UNSET else route.contentType,
        as_id,
        None if route.asKey is UNSET else check_as_key(route.asKey, where, key_entropy),
        max_deviation,
        addresses,
    )


def check_address(
    address: str, where: str, *, allow_private: bool, read: Callable[[str], Address] = parse_address
) -> None:
    """Refuse an address that cannot be posted to, with a sentence that names what is wrong."""
    try:
        parsed = read(address)
    except AddressRefused as error:
        raise InvalidField(
            "{where}: {address!r} {error}", where=where, address=masked(address)[:80], error=error
        ) from None
    if allow_private:
        return
    try:
        check_reachable(parsed)
    except AddressRefused as error:
        raise InvalidField(
            "{where}: {address!r} {error}; the operator allows public addresses only",
            where=where,
            address=masked(address)[:80],
            error=error,
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
            raise InvalidField(
                "{where}.sourcePorts {text!r} must look like 7, 1,2,3, 10-20 or *",
                where=where,
                text=text[:80],
            )
        if dash and int(low) > int(high):
            raise InvalidField(
                "{where}.sourcePorts range {part} ends before it begins", where=where, part=part
            )
    return compact


def check_as_key(text: str, where: str, least: float) -> str:
    """32 hexadecimal digits that are not too regular."""
    try:
        AesKey.parse(text)
    except InvalidKey:
        raise InvalidField("{where}.asKey must be 32 hexadecimal digits", where=where) from None
    key = text.replace("-", "")
    counts = Counter(key.lower())
    entropy = -sum(n / 32 * math.log2(n / 32) for n in counts.values())
    # Sums of logarithms are not exact.
    if entropy < least - 1e-9:
        raise WeakKey(
            "{where}.asKey is too regular ({entropy:.1f} bits a digit, at least {least:g} are "
            "needed); use a random key",
            where=where,
            entropy=entropy,
            least=least,
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
