"""What a fleet as code needs of the network and the settings."""

from __future__ import annotations

from functools import partial

from veldnet.domain.scope import Scope
from veldnet.inventory.fleets import Context, Network
from veldnet.inventory.imports import Rules
from veldnet.keys import Vaults
from veldnet.network.core import NetworkParameters
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.store import Store

from . import multicast
from .personalisation import open_session


def fleet_context(
    settings: Settings,
    parameters: NetworkParameters,
    stored: tuple[Store, Vaults],
    scope: Scope,
    now: float,
    *,
    of_operator: bool,
) -> Context:
    """`now` in seconds; `of_operator` where plans and device profiles may be written."""
    network = Network(
        parameters.channel_plans,
        multicast.allocator(AddressSpace(parameters.net_id)),
        partial(multicast.make_keys, *stored, scope.operator_ref),
    )
    rules = Rules(
        abp=settings.api.legacy_abp,
        open_session=lambda personalisation, profile: open_session(parameters, personalisation, profile, now),
    )
    return Context(
        scope,
        settings.routing.allow_private_destinations,
        round(now * 1000),
        rules,
        network,
        of_operator,
    )
