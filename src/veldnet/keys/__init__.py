"""Join keys and HSM groups behind one interface, `Vault`: root keys go in and never come out."""

from .interface import GeneratedAsKey, JoinKeys, JoinOrder, JoinRefusal, Vault, VaultError
from .rsa import parse_rsa_public_key
from .software import SoftwareVault, create_master_key

__all__ = [
    "GeneratedAsKey",
    "JoinKeys",
    "JoinOrder",
    "JoinRefusal",
    "SoftwareVault",
    "Vault",
    "VaultError",
    "create_master_key",
    "parse_rsa_public_key",
]
