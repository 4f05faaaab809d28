"""The session key of a group whose keys a vault has made, for its customer."""

from __future__ import annotations

from sqlalchemy import Connection, select

from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.keys import GroupKeyOrder, McKey
from veldnet.lorawan import DevEui
from veldnet.store.schema import as_transport_keys, multicast_groups

from .view import own_group


def session_key_order(connection: Connection, scope: Scope, ref: str) -> tuple[str, GroupKeyOrder]:
    """The vault of a group, and what to ask it for. Raises `NotFound`, `BadRequest`."""
    group = own_group(connection, scope, ref)
    if group.hsm_vault is None:
        raise BadRequest("the multicast group has no HSM group; keys that were given are not returned")
    keys, mine = as_transport_keys.c, multicast_groups.c
    row = connection.execute(
        select(mine.sealed_mc_key, keys.sealed.label("transport_key"))
        .select_from(multicast_groups)
        .join(
            as_transport_keys,
            (keys.routing_profile_ref == mine.routing_profile_ref) & (keys.vault == group.hsm_vault),
            isouter=True,
        )
        .where(mine.ref == group.ref)
    ).one()
    if row.transport_key is None:
        raise BadRequest(
            "the routing profile of the multicast group has no AS transport key of {hsm_group}; generate one "
            "first",
            hsm_group=group.hsm_group_id,
        )
    mc_key = McKey(int(DevEui.parse(group.dev_eui)), row.sealed_mc_key)
    return group.hsm_vault, GroupKeyOrder(mc_key, group.dev_addr, row.transport_key)
