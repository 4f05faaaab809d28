"""Keys of multicast groups and of updates (TS005 §3, TS004 §3) over keys that need not be readable.

Root keys, McRootKey and McKEKey stay where they are kept. McKey, which travels as a block that is *decrypted*
with McKEKey, is in the memory of the vault for that moment: no module wraps in this direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from veldnet.domain.groups import MemberKeys
from veldnet.lorawan import DevAddr
from veldnet.lorawan.packages.multicast_keys import app_s_key_block, nwk_s_key_block

from .group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from .interface import VaultError
from .joining import RootKey

_ROOT_10, _ROOT_11 = bytes(16), b"\x20" + bytes(15)
_KE_KEY = bytes(16)
_DATA_BLOCK_INT_KEY = b"\x30" + bytes(15)


class GroupKeyring(Protocol):
    """Opens what was sealed."""

    def key(self, label: str, sealed: bytes) -> RootKey: ...

    def octets(self, label: str, sealed: bytes) -> bytes: ...

    def hold(self, octets: bytes) -> RootKey: ...

    def transport_key(self, sealed: bytes) -> RootKey: ...


def session_keys(order: GroupKeyOrder, keys: GroupKeyring) -> GroupSessionKeys:
    """Raises `VaultError` bad_seal."""
    mc_key = keys.hold(keys.octets(order.mc_key.label, order.mc_key.sealed))
    dev_addr = DevAddr(order.dev_addr)
    wrapped = None
    if order.sealed_as_transport_key is not None:
        app_s_key = mc_key.derive(app_s_key_block(dev_addr))
        wrapped = app_s_key.wrapped_under(keys.transport_key(order.sealed_as_transport_key))
    return GroupSessionKeys(mc_key.encrypt(nwk_s_key_block(dev_addr)), wrapped)


def member_keys(
    members: Sequence[Member], mc_key: McKey | None, keys: GroupKeyring
) -> list[MemberKeys | None]:
    """In order; None where the root key of a device does not open. Raises `VaultError` for the McKey."""
    octets = b"" if mc_key is None else keys.octets(mc_key.label, mc_key.sealed)
    return [_of_member(member, octets, keys) for member in members]


def _of_member(member: Member, mc_key: bytes, keys: GroupKeyring) -> MemberKeys | None:
    try:
        root = keys.key(member.label, member.sealed_root_key)
    except VaultError as error:
        if error.code != "bad_seal":
            raise
        return None
    encrypted = b""
    if mc_key:
        mc_root_key = root.derive(_ROOT_11 if member.version_11 else _ROOT_10)
        encrypted = mc_root_key.derive(_KE_KEY).decrypt(mc_key)
    return MemberKeys(encrypted, root.encrypt(_DATA_BLOCK_INT_KEY))
