"""Root keys, and session keys of multicast groups, in clear, for whoever has the master key of the software
vault and asks for them."""

from __future__ import annotations

from veldnet.domain.devices import DeviceRow
from veldnet.keys import SoftwareVault, VaultError, labels
from veldnet.lorawan import AesKey
from veldnet.settings import Settings

from .opening import master_key_of

_KEY = 16


class KeyReader:
    """Reads keys that the software vault has sealed; those of HSM groups and other vaults stay there."""

    def __init__(self, vault: SoftwareVault | None) -> None:
        self._vault = vault

    def root_keys(self, row: DeviceRow) -> tuple[AesKey | None, AesKey | None]:
        """AppKey and NwkKey, as far as they may be read."""
        if self._vault is None or row.hsm_group_ref is not None or row.vault:
            return None, None
        app_key = self._open(labels.app_key(row.dev_eui), row.sealed_app_key)
        return app_key, self._open(labels.nwk_key(row.dev_eui), row.sealed_nwk_key)

    def group_keys(self, dev_eui: str, sealed: bytes) -> tuple[AesKey, AesKey | None] | None:
        """NwkSKey, and AppSKey where the network has it, of a multicast group."""
        found = self._unseal(labels.secret(labels.group_keys(dev_eui)), sealed)
        if found is None:
            return None
        return AesKey(found[:_KEY]), AesKey(found[_KEY:]) if found[_KEY:] else None

    def _open(self, label: str, sealed: bytes | None) -> AesKey | None:
        found = None if sealed is None else self._unseal(label, sealed)
        return None if found is None else AesKey(found)

    def _unseal(self, label: str, sealed: bytes) -> bytes | None:
        if self._vault is None:
            return None
        try:
            return self._vault.unseal_as(label, sealed)
        except VaultError:
            # Another vault has sealed it.
            return None


def key_reader(settings: Settings) -> KeyReader:
    """Raises `VaultError` where the master key cannot be read."""
    if settings.keys.vault_of("") is not None:
        return KeyReader(None)
    return KeyReader(SoftwareVault.open(master_key_of(settings)))
