"""Root keys in a hardware security module, over PKCS#11: any module, SoftHSM 2 among them."""

from veldnet.keys.interface import VaultError

try:
    import pkcs11 as _library  # noqa: F401
except ModuleNotFoundError:
    raise VaultError(
        "no_library", "PKCS#11 modules need the package python-pkcs11: pip install 'veldnet[hsm]'"
    ) from None

from .master import TokenMasterKeys
from .token import PinSource, Token, TokenSettings
from .vault import Pkcs11Vault

__all__ = [
    "PinSource",
    "Pkcs11Vault",
    "Token",
    "TokenMasterKeys",
    "TokenSettings",
    "moving",
]
