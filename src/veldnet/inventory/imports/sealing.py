"""The root keys of imported devices, sealed by the vault of their HSM group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.errors import InvalidField, Refusal
from veldnet.domain.scope import Scope
from veldnet.inventory.devices import NewDevice, check_root_key
from veldnet.inventory.keys import exchange_keys
from veldnet.inventory.offers import find_hsm_group
from veldnet.keys import ClearKey, Transported, VaultError, Vaults, labels
from veldnet.store import Store

from .lines import EncryptedKey, ImportRow


class SealedKeys(NamedTuple):
    """What is stored of the root keys of a device; None for those that it does not have."""

    app_key: bytes | None
    nwk_key: bytes | None
    gen_app_key: bytes | None = None


class _Begun(NamedTuple):
    """The root keys of a device, and the vault that seals those which are in clear."""

    vault: str
    app_key: bytes | ClearKey | None
    nwk_key: bytes | ClearKey | None
    gen_app_key: ClearKey | None

    @property
    def clear(self) -> list[ClearKey]:
        keys = (self.app_key, self.nwk_key, self.gen_app_key)
        return [key for key in keys if isinstance(key, ClearKey)]

    def ended(self, sealed: Iterator[bytes]) -> SealedKeys:
        """Its keys, the next of those that were in clear."""
        keys = (self.app_key, self.nwk_key, self.gen_app_key)
        return SealedKeys(*(next(sealed) if isinstance(key, ClearKey) else key for key in keys))


class KeySealer:
    """Seals the keys of a subscriber's devices. The vaults of HSM groups are looked up once."""

    def __init__(self, store: Store, vaults: Vaults, scope: Scope) -> None:
        self._store = store
        self._vaults = vaults
        self._scope = scope
        self._groups: dict[str, str] = {}

    async def seal_all(
        self, wanted: Sequence[tuple[NewDevice, ImportRow]]
    ) -> list[SealedKeys | Refusal | VaultError]:
        """The keys of many devices with few calls: for each its keys, or what is wrong with them, or with
        its vault."""
        if any(isinstance(key, EncryptedKey) for _new, row in wanted for key in (row.app_key, row.nwk_key)):
            begun = await asyncio.gather(*(self._begin(new, row) for new, row in wanted))
        else:
            begun = [await self._begin(new, row) for new, row in wanted]
        by_vault: dict[str, list[ClearKey]] = {}
        for each in begun:
            if isinstance(each, _Begun):
                by_vault.setdefault(each.vault, []).extend(each.clear)
        sealed: dict[str, Iterator[bytes]] = {}
        broken: dict[str, VaultError] = {}
        for name, keys in by_vault.items():
            try:
                sealed[name] = iter(await self._vaults.of(name).import_keys(keys) if keys else ())
            except VaultError as error:
                broken[name] = error
        return [
            each if not isinstance(each, _Begun) else broken.get(each.vault) or each.ended(sealed[each.vault])
            for each in begun
        ]

    async def _begin(self, new: NewDevice, row: ImportRow) -> _Begun | Refusal | VaultError:
        try:
            app_key: bytes | ClearKey | None = None
            if row.app_key is not None:
                app_key = await self._receive(new, row.app_key, labels.app_key(new.dev_eui))
            elif new.app_key is not None:
                app_key = ClearKey(labels.app_key(new.dev_eui), bytes(new.app_key))
            nwk_key: bytes | ClearKey | None = None
            if isinstance(row.nwk_key, EncryptedKey):
                nwk_key = await self._receive(new, row.nwk_key, labels.nwk_key(new.dev_eui))
            elif row.nwk_key is not None:
                checked = check_root_key(row.nwk_key, "networkKey")
                nwk_key = ClearKey(labels.nwk_key(new.dev_eui), bytes(checked))
            gen_app_key = None
            if row.gen_app_key is not None:
                checked = check_root_key(row.gen_app_key, "genAppKey")
                gen_app_key = ClearKey(labels.gen_app_key(new.dev_eui), bytes(checked))
            return _Begun(await self._vault(new), app_key, nwk_key, gen_app_key)
        except (Refusal, VaultError) as error:
            return error

    async def _vault(self, new: NewDevice) -> str:
        group_id = new.body.hsmGroupId
        if group_id is UNSET:
            return ""
        if group_id not in self._groups:
            group = await self._store.read(lambda c: find_hsm_group(c, self._scope.operator_ref, group_id))
            self._groups[group_id] = group.vault
        return self._groups[group_id]

    async def _receive(self, new: NewDevice, key: EncryptedKey, label: str) -> bytes:
        """A key that the vault alone opens."""
        if new.body.hsmGroupId is UNSET:
            raise InvalidField("hsmGroupId: an encrypted key needs an HSM group, whose vault opens it")
        name = await self._vault(new)

        def find(connection: Connection) -> bytes:
            return exchange_keys.find_key(connection, name, key.form, key.version, self._scope.subscriber_ref)

        sealed = await self._store.read(find)
        transported = Transported(form=key.form, label=label, encrypted=key.octets, sealed=sealed)
        return await self._vaults.of(name).receive(transported)
