"""The message with which a member of a multicast group learns the group's key (McGroupSetupReq of TS005)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.errors import BadRequest
from veldnet.domain.groups import GroupRow, NoMemberKeys
from veldnet.domain.scope import Scope
from veldnet.inventory import devices, groups
from veldnet.keys import Vaults
from veldnet.lorawan import DevAddr
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.lorawan.packages import MULTICAST_SETUP, serialise
from veldnet.lorawan.packages.multicast_setup import McGroupSetupReq
from veldnet.network.shell import UnreadableGroup
from veldnet.store import Store, multicast
from veldnet.store.schema import multicast_members

from .member_keys import member_keys

# The same in both versions of the package.
SET_UP_PORT = MULTICAST_SETUP[1].port


class Membership(msgspec.Struct, frozen=True):
    """A device of a group; `next_fcnt` is the counter of the next frame of the group."""

    device_ref: int
    group: GroupRow
    next_fcnt: int


def read_membership(
    connection: Connection, scope: Scope, group_ref: str, device_ref: str, counter: Callable[[GroupRow], int]
) -> Membership:
    """Raises `NotFound`, and `BadRequest` where the device is no member, or the group can be sent nothing."""
    group = groups.own_group(connection, scope, group_ref)
    device = devices.device_ref(connection, scope, device_ref)
    members = multicast_members.c
    mine = select(members.device_ref).where(members.group_ref == group.ref, members.device_ref == device)
    if connection.execute(mine).first() is None:
        raise BadRequest("the device is not a member of the multicast group; add it first")
    row = multicast.group_by_ref(connection, group.ref)
    assert row is not None
    try:
        next_fcnt = counter(row)
    except UnreadableGroup:
        raise BadRequest("the stored state of the multicast group cannot be read") from None
    if next_fcnt > MAX_FCNT:
        raise BadRequest("The counters of the group are used up; create another group, with other keys")
    return Membership(device, row, next_fcnt)


async def set_up_request(store: Store, vaults: Vaults, at: Membership, number: int) -> McGroupSetupReq:
    """What tells the member the group's address and key; it knows the group by `number` from then on, and
    takes frames from the next counter on. Raises `BadRequest` where the device cannot get the key, and
    `VaultError`."""
    keys = (await member_keys(store, vaults, [at.device_ref], at.group.ref))[at.device_ref]
    if isinstance(keys, NoMemberKeys):
        raise BadRequest("the device cannot get the key of the multicast group: {reason}", reason=keys.reason)
    return McGroupSetupReq(number, DevAddr(at.group.dev_addr), keys.mc_key_encrypted, at.next_fcnt, MAX_FCNT)


def payload_of(request: McGroupSetupReq) -> str:
    """FRMPayload of the message as hexadecimal digits, not encrypted."""
    return serialise([request]).hex().upper()
