"""Root keys in clear, for whoever has the master key of the software vault and asks for them."""

from __future__ import annotations

from veldnet.domain.devices import DeviceRow
from veldnet.keys import SoftwareVault, VaultError, labels
from veldnet.lorawan import AesKey
from veldnet.settings import Settings

from .opening import master_key_of


class KeyReader:
    """Reads root keys that the software vault has sealed; those of HSM groups and other vaults stay there."""

    def __init__(self, vault: SoftwareVault | None) -> None:
        self._vault = vault

    def root_keys(self, row: DeviceRow) -> tuple[AesKey | None, AesKey | None]:
        """AppKey and NwkKey, as far as they may be read."""
        if self._vault is None or row.hsm_group_ref is not None or row.vault:
            return None, None
        app_key = self._open(labels.app_key(row.dev_eui), row.sealed_app_key)
        return app_key, self._open(labels.nwk_key(row.dev_eui), row.sealed_nwk_key)

    def _open(self, label: str, sealed: bytes | None) -> AesKey | None:
        if self._vault is None or sealed is None:
            return None
        try:
            return AesKey(self._vault.unseal_as(label, sealed))
        except VaultError:
            # Another vault has sealed it.
            return None


def key_reader(settings: Settings) -> KeyReader:
    """Raises `VaultError` where the master key cannot be read."""
    if settings.keys.vault_of("") is not None:
        return KeyReader(None)
    return KeyReader(SoftwareVault.open(master_key_of(settings)))
