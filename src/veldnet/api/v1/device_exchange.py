"""Exchange key for encrypted root keys."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory.keys import exchange_keys
from veldnet.inventory.keys.exchange_keys import PublicExchangeKey
from veldnet.inventory.offers import find_hsm_group


@SUBSCRIBER.get(
    "/hsmGroups/{hsmGroupId}/publicExchangeKey",
    "getPublicExchangeKey",
    "DeviceSecurity",
    "RSA key for encrypting AppKeys for an HSM group, and its version.",
)
async def get_exchange_key(hsm_group_id: str, services: Services, scope: Scope) -> PublicExchangeKey:
    """The RSA key under which AppKeys may come to an HSM group."""
    return await services.read(lambda c: _exchange_key(c, scope, hsm_group_id))


def _exchange_key(connection: Connection, scope: Scope, hsm_group_id: str) -> PublicExchangeKey:
    group = find_hsm_group(connection, scope.operator_ref, hsm_group_id)
    return exchange_keys.newest(connection, group.vault, hsm_group_id, scope.subscriber_ref)
