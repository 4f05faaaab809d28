"""The root keys of imported devices, sealed by the vault of their HSM group."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.errors import InvalidField
from veldnet.domain.scope import Scope
from veldnet.inventory.devices import NewDevice, check_root_key
from veldnet.inventory.keys import exchange_keys
from veldnet.inventory.offers import find_hsm_group
from veldnet.keys import Transported, Vaults, labels
from veldnet.store import Store

from .lines import EncryptedKey, ImportRow


class SealedKeys(NamedTuple):
    """What is stored of the root keys of a device; None for those that it does not have."""

    app_key: bytes | None
    nwk_key: bytes | None


class KeySealer:
    """Seals the keys of a subscriber's devices. The vaults of HSM groups are looked up once."""

    def __init__(self, store: Store, vaults: Vaults, scope: Scope) -> None:
        self._store = store
        self._vaults = vaults
        self._scope = scope
        self._groups: dict[str, str] = {}

    async def seal(self, new: NewDevice, row: ImportRow) -> SealedKeys:
        """Raises a `BadRequest` or `VaultError`."""
        app_key = nwk_key = None
        if row.app_key is not None:
            app_key = await self._receive(new, row.app_key, labels.app_key(new.dev_eui))
        elif new.app_key is not None:
            vault = self._vaults.of(await self._vault(new))
            app_key = await vault.import_app_key(new.dev_eui, new.app_key)
        if isinstance(row.nwk_key, EncryptedKey):
            nwk_key = await self._receive(new, row.nwk_key, labels.nwk_key(new.dev_eui))
        elif row.nwk_key is not None:
            checked = check_root_key(row.nwk_key, "networkKey")
            nwk_key = await self._vaults.of(await self._vault(new)).import_nwk_key(new.dev_eui, checked)
        return SealedKeys(app_key, nwk_key)

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
