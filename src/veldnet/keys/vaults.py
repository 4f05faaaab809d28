"""All vaults of a platform: the one of keys without an HSM group, and those of HSM groups, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import AesKey, DevEui

from .group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from .interface import ClearKey, ExchangeKey, GeneratedAsKey, Health, Sealed, Transported, Vault, VaultError

DEFAULT = ""


class Vaults:
    """A `Vault`: joins go where their order says, everything else to the default one."""

    def __init__(self, default: Vault, named: Mapping[str, Vault] | None = None) -> None:
        self._default = default
        self._vaults = {**(named or {}), DEFAULT: default}

    def of(self, name: str) -> Vault:
        """The vault of a name. Raises `VaultError` unknown_vault."""
        vault = self._vaults.get(name)
        if vault is None:
            raise VaultError("unknown_vault", f"keys.vaults has no vault {name!r}, which an HSM group names")
        return vault

    @property
    def names(self) -> list[str]:
        return list(self._vaults)

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        names = {order.vault for order in orders}
        if len(names) == 1:
            return await self._join_at(names.pop(), orders)
        grouped = {name: [order for order in orders if order.vault == name] for name in names}
        answers = await asyncio.gather(*(self._join_at(name, group) for name, group in grouped.items()))
        queues = dict(zip(grouped, map(iter, answers), strict=True))
        return [next(queues[order.vault]) for order in orders]

    async def _join_at(self, name: str, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        try:
            return await self.of(name).join(orders)
        except VaultError as error:
            return [JoinRefusal(error.code, str(error))] * len(orders)

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return await self._default.import_app_key(dev_eui, app_key)

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return await self._default.import_nwk_key(dev_eui, nwk_key)

    async def import_keys(self, keys: Sequence[ClearKey]) -> list[bytes]:
        return await self._default.import_keys(keys)

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        return await self._default.generate_as_key(rsa_public_key_pem)

    async def create_exchange_key(self) -> ExchangeKey:
        return await self._default.create_exchange_key()

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        return await self._default.create_transport_key(rsa_public_key_pem)

    async def receive(self, transported: Transported) -> bytes:
        return await self._default.receive(transported)

    async def seal(self, label: str, secret: bytes) -> bytes:
        return await self._default.seal(label, secret)

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return await self._default.unseal(label, sealed)

    async def seal_mc_key(self, group: DevEui, clear: bytes | None = None) -> bytes:
        return await self._default.seal_mc_key(group, clear)

    async def group_keys(self, order: GroupKeyOrder) -> GroupSessionKeys:
        return await self._default.group_keys(order)

    async def member_keys(self, members: Sequence[Member], mc_key: McKey | None) -> list[MemberKeys | None]:
        return await self._default.member_keys(members, mc_key)

    async def refresh(self) -> bytes:
        return await self._default.refresh()

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        return await self._default.reseal(items)

    def modules(self) -> list[tuple[str, Health]]:
        """Every module, with the name of its vault."""
        return [(name, module) for name, vault in self._distinct() for module in vault.health]

    def _distinct(self) -> list[tuple[str, Vault]]:
        """Each vault once: the default one may be one of the others."""
        names: dict[Vault, str] = {}
        for name, vault in self._vaults.items():
            names.setdefault(vault, name)
        return [(name, vault) for vault, name in names.items()]

    @property
    def health(self) -> list[Health]:
        return [module for _name, module in self.modules()]

    @property
    def problem(self) -> str | None:
        found = [
            f"vault {name!r}: {vault.problem}" if name else vault.problem
            for name, vault in self._vaults.items()
            if vault.problem is not None
        ]
        return "; ".join(found) if found else None

    async def close(self) -> None:
        await asyncio.gather(*(vault.close() for _name, vault in self._distinct()))
