"""Root keys in a hardware security module, over PKCS#11: any module, SoftHSM 2 among them."""

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
