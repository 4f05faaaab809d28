"""Headers that requests to application servers carry, as ThingPark's OSS and DX give them."""

from __future__ import annotations

from collections.abc import Mapping

from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField
from veldnet.domain.scope import Scope
from veldnet.inventory import routing_profiles
from veldnet.inventory.flows import HIDDEN
from veldnet.inventory.routing_profiles import SealedHeaders


async def given_headers(
    services: Services, scope: Scope, ref: str | None, given: Mapping[str, str] | None, member: str
) -> SealedHeaders | None:
    """Headers of a body in the place of those of a routing profile, None for a new one; a hidden value stays.
    None where the body has none. Raises `InvalidField` that names the member, and `VaultError`."""
    if given is None:
        return None
    vaults = services.platform.vault
    before: dict[str, str] = {}
    if ref is not None and HIDDEN in given.values():
        sealed = await services.read(lambda c: routing_profiles.sealed_headers(c, scope, int(ref)))
        before = await routing_profiles.open_headers(vaults, sealed)
    for name, value in given.items():
        if value == HIDDEN and name not in before:
            raise InvalidField("{member}: {name} has no value yet; give one", member=member, name=name[:40])
    headers = {name: before[name] if value == HIDDEN else value for name, value in given.items()}
    return await routing_profiles.seal_headers(vaults, headers, member)
